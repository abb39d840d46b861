"""What the tally's joins keep, as data; how it looks in the state topic is `join_store`'s business."""

from typing import Final

from kedge.streams.core.dedupe import EventIdStore
from kedge.streams.core.join_buffer import JoinBuffer
from kedge.streams.core.join_cells import JoinCells
from kedge.streams.core.join_facts import Answering, JoinPane
from kedge.streams.core.join_sampling import ModelRates
from kedge.streams.core.plan import Plan

__all__ = ["LABELS_MAX", "JoinState"]

LABELS_MAX: Final = 1_000_000
"""Labels that a partition can tell from repeated ones, each for its horizon; past it counts say that they may not."""


class JoinState:
    """The joins' data; what goes in is their business."""

    def __init__(self) -> None:
        self.buffer = JoinBuffer()
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
        return self.rates.setdefault(model, ModelRates())

    def version_fits(self, model: str, version: str, most: int) -> bool:
        """Return whether there is room for joined counts of a version."""
        live = self.cells.versions(model)
        return version in live or len(live) < most
