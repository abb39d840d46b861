"""What a tally keeps, as data: cells, senders, ids, event time; and what of it is new.

How it looks in the state topic is `tally_store`'s business.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.dedupe import EventIdStore, StreamKey
from kedge.streams.core.dedupe import Stream as SenderStream
from kedge.streams.core.plan import Plan

__all__ = ["PARTIALS", "PREDICTIONS", "Clock", "TallyState"]

PREDICTIONS: Final = "predictions"
PARTIALS: Final = "partials"

SENDER_QUIET_MS: Final = 7 * 24 * 3_600_000
"""Event time after which a sender that sends nothing is forgotten: as long as its messages are kept."""

SENDERS_MAX: Final = 20_000
"""Senders that one partition follows; each costs a few hundred bytes."""


@dataclass(slots=True)
class Clock:
    """One model's event time in this partition; nothing in it goes back."""

    max_timestamp: int = 0
    watermark: int = 0
    last_appended: int = 0


class TallyState:
    """The tally's data; what goes in is the tally's business."""

    def __init__(self) -> None:
        self.committed: dict[str, int] = {}
        self.read_through = 0
        self.at_end = False
        self.outcomes_through = 0
        """All outcomes appended up to this time are taken in."""
        self.totals: Counter[str] = Counter()
        self.ids = EventIdStore()
        self.cells: dict[CellKey, Cell] = {}
        self.senders: dict[StreamKey, SenderStream] = {}
        self.clocks: dict[str, Clock] = {}
        self.dirty_cells: set[CellKey] = set()
        self.dirty_senders: set[StreamKey] = set()
        self.gone_cells: dict[CellKey, bytes | None] = {}
        """Expired since the last snapshot; with its partial where that was not told yet."""
        self.gone_senders: set[StreamKey] = set()
        self.gone_ids: set[tuple[str, int]] = set()
        self._over_at: dict[CellKey, int] = {}
        self._versions: dict[str, Counter[str]] = defaultdict(Counter)
        self._pane_cells: Counter[tuple[str, int]] = Counter()
        """Live cells by model and pane's end: there are ids to keep while there are any."""

    def cell(self, stream: tuple[str, str, str], segment: str, plan: Plan, pane: int) -> Cell:
        """Return the cell to count into; it will be in the next snapshot."""
        key = CellKey(*stream, segment, *plan.hashes, pane)
        if key not in self.cells:
            self.add_cell(key, Cell.empty(plan.windows.pane_ms, plan.layout.size), plan)
        self.dirty_cells.add(key)
        return self.cells[key]

    def add_cell(self, key: CellKey, cell: Cell, plan: Plan | None) -> None:
        """Enter a new or restored cell."""
        self.cells[key] = cell
        # A plan that was withdrawn: its cells go when its senders would.
        lateness = SENDER_QUIET_MS if plan is None else plan.windows.lateness_ms
        self._over_at[key] = key.pane_start + cell.pane_ms + lateness
        self._versions[key.model][key.version] += 1
        self._pane_cells[key.model, key.pane_start + cell.pane_ms] += 1

    def crowded(self, key: StreamKey) -> bool:
        """Return whether there is no room for a sender that is not known yet."""
        return len(self.senders) >= SENDERS_MAX and key not in self.senders

    def sender(self, key: StreamKey) -> SenderStream:
        """Return a sender's stream; it will be in the next snapshot."""
        self.dirty_senders.add(key)
        return self.senders.setdefault(key, SenderStream())

    def versions(self, model: str) -> Mapping[str, int]:
        """Return the model's versions that have live cells."""
        return self._versions[model]

    def late_limit(self, model: str, plan: Plan) -> int:
        """Return the event time below which the model's rows are too late now."""
        limit = self.watermark(model) - plan.windows.lateness_ms
        return max(0, limit - limit % plan.windows.pane_ms)

    def advance(self, model: str, timestamp: int, appended_ms: int, plan: Plan) -> None:
        """Move the model's event time on."""
        clock = self.clocks.setdefault(model, Clock())
        clock.max_timestamp = max(clock.max_timestamp, timestamp)
        clock.watermark = max(clock.watermark, timestamp - plan.windows.grace_ms)
        clock.last_appended = max(clock.last_appended, appended_ms)

    def expire(self, partial_of: Callable[[CellKey, Cell], bytes], among: Iterable[CellKey] | None = None) -> None:
        """Drop whatever no later row can change; `partial_of` makes a cell's last words. `among` None: all cells."""
        over = [
            key
            for key in (self._over_at if among is None else among)
            if self.watermark(key.model) >= self._over_at[key]
        ]
        for key in over:
            cell = self.cells.pop(key)
            # Rows may come and expire between two checkpoints: they are told once, as they stood.
            self.gone_cells[key] = partial_of(key, cell) if key in self.dirty_cells else None
            self.dirty_cells.discard(key)
            del self._over_at[key]
            self._forget_version(key)
            self._forget_pane(key.model, key.pane_start + cell.pane_ms)
        if among is None and self.gone_cells:
            self._expire_senders()

    def watermark(self, model: str) -> int:
        """Return the model's watermark; 0: nothing came yet."""
        clock = self.clocks.get(model)
        return 0 if clock is None else clock.watermark

    def _forget_version(self, key: CellKey) -> None:
        versions = self._versions[key.model]
        versions[key.version] -= 1
        if not versions[key.version]:
            del versions[key.version]

    def _forget_pane(self, model: str, end: int) -> None:
        # Not by time: rows of an older pane may be in time for longer, by another monitor.
        self._pane_cells[model, end] -= 1
        if not self._pane_cells[model, end]:
            del self._pane_cells[model, end]
            if self.ids.expire_pane(model, end):
                self.gone_ids.add((model, end))

    def _expire_senders(self) -> None:
        oldest: dict[str, int] = {}
        for cell in self.cells:
            oldest[cell.model] = min(cell.pane_start, oldest.get(cell.model, cell.pane_start))
        quiet = [
            key
            for key, stream in self.senders.items()
            if stream.max_timestamp + SENDER_QUIET_MS < self.watermark(key.model)
            # A pane that still takes rows would take this sender's a second time.
            and stream.max_timestamp < oldest.get(key.model, stream.max_timestamp + 1)
        ]
        for key in quiet:
            del self.senders[key]
            self.dirty_senders.discard(key)
            self.gone_senders.add(key)
