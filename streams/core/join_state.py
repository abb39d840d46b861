"""What the tally's joins keep, as data; how it looks in the state topic is `join_store`'s business."""

from typing import Final

from kedge.streams.core.dedupe import EventIdStore
from kedge.streams.core.join_buffer import JoinBuffer
from kedge.streams.core.join_cells import JoinCells
from kedge.streams.core.join_facts import Answering, JoinPane
from kedge.streams.core.join_sampling import ModelRates
from kedge.streams.core.plan import Plan

__all__ = ["FACTS_MAX", "LABELS_MAX", "JoinState"]

FACTS_MAX: Final = 100_000
"""Facts of one model in one partition: about 50 MB of memory, and 10 MB of state."""

LABELS_MAX: Final = 1_000_000
"""Labels that a partition can tell from repeated ones, each for its horizon; past it counts say that they may not."""


class JoinState:
    """The joins' data; what goes in is their business."""

    def __init__(self) -> None:
        self.buffer = JoinBuffer(FACTS_MAX)
        self.cells = JoinCells()
        self.rates: dict[str, ModelRates] = {}
        self.touched: set[str] = set()
        """Models whose rates have changed since the last snapshot."""
        self.labels = EventIdStore(LABELS_MAX)
        self.label_days: dict[tuple[str, int], int] = {}
        """(model, end of day) to the watermark at which that day's counts are over."""
        self.label_ids: set[tuple[str, int]] = set()
        """(model, watermark at which they are over) of the labels that are known."""
        self.dropped: list[JoinPane] = []
        """Since the last snapshot."""
        self.gone_labels: list[tuple[str, int]] = []
        self._versions: dict[str, set[str]] = {}
        """By model, for this chunk: those with live cells, or with rows on their way to one."""
        self._answering: dict[tuple[str, str, tuple[str, str]], Answering] = {}

    def answering(self, version: str, role: str, plan: Plan) -> Answering:
        """Return whose answers these are."""
        key = (version, role, plan.hashes)
        if key not in self._answering:
            self._answering[key] = Answering(version, role, plan)
        return self._answering[key]

    def rates_of(self, model: str) -> ModelRates:
        """Return a model's rates; they will be in the next snapshot."""
        self.touched.add(model)
        return self.rates.setdefault(model, ModelRates(FACTS_MAX))

    def version_fits(self, model: str, version: str, most: int) -> bool:
        """Return whether there is room for joined counts of a version, and keep it until this chunk is counted."""
        if model not in self._versions:
            self._versions[model] = self.cells.versions(model)
        live = self._versions[model]
        if version in live or len(live) < most:
            live.add(version)
            return True
        return False

    def counted(self) -> None:
        """Everything that was taken is in cells."""
        self._versions.clear()
