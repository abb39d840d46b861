"""What the judge keeps of one model, as data, and what follows from it alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kedge.schemas.monitor import WindowSpec
from kedge.schemas.records import (
    JudgeModel,
    LastSeen,
    LateSource,
    LedgerEntry,
    LiveStream,
    ModelSource,
    Partial,
    Role,
    SourceProgress,
)
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.plan import OTHER_SEGMENT, Plan

__all__ = ["Entry", "ModelWindows", "PieceKey", "Window"]

STALE_MS: Final = 30_000
"""A source that has said nothing for so long, while others did, is not taken to be at its end."""

UNSEALED_MS_MAX: Final = 24 * 3_600_000
"""Event time behind the model's watermark at which a pane is sealed whoever lags."""


class PieceKey(NamedTuple):
    """One source partition's part of a cell."""

    cell: CellKey
    source: int


class Window(NamedTuple):
    """One (version, role, segment)'s window; ordered as reports leave."""

    end: int
    start: int
    version: str
    role: str
    segment: str


@dataclass(slots=True)
class Entry:
    """A window that was reported, or must be; revision -1: not reported yet."""

    revision: int = -1
    dirty: bool = True


@dataclass(slots=True)
class ModelWindows:
    """One model's pieces, windows and event time."""

    model: str
    watermark: int = 0
    closed_through: int = 0
    sealed_through: int = 0
    sources: dict[int, ModelSource] = field(default_factory=dict)
    pieces: dict[int, dict[PieceKey, Partial]] = field(default_factory=lambda: defaultdict(dict))
    ledger: dict[Window, Entry] = field(default_factory=dict)
    live: dict[tuple[str, str], int] = field(default_factory=dict)
    fresh: dict[tuple[str, str, str], int] = field(default_factory=dict)
    late: dict[PieceKey, int] = field(default_factory=dict)

    @property
    def newest_event(self) -> int:
        """Largest event time seen in any source."""
        return max((source.max_timestamp for source in self.sources.values()), default=0)

    def current_watermark(self, sources: Mapping[int, SourceProgress], idle_ms: int) -> int:
        """Return the event time that every source which may still hold rows has passed.

        Where all are excused, time stands at the largest event seen.
        """
        holding = [m for m in self._holding(sources, idle_ms) if m is not None]
        return max(self.watermark, min(holding, default=self.newest_event))

    def share_counted(self, sources: Mapping[int, SourceProgress], idle_ms: int, end: int) -> float:
        """Return the share of sources that are counted past `end`, or excused."""
        marks = list(self._holding(sources, idle_ms))
        passed = sum(mark is None or mark >= end for mark in marks)
        return passed / len(marks) if marks else 1.0

    def _holding(self, sources: Mapping[int, SourceProgress], idle_ms: int) -> Iterator[int | None]:
        """Yield the event time at which each source holds the model back; None: it is excused.

        A source is excused while it has read all there is, and the model has been silent in it
        for `idle_ms` or was never there.
        """
        newest_appended = max((s.last_appended for s in self.sources.values()), default=0)
        newest_told = max((p.read_through for p in sources.values()), default=0)
        for progress in sources.values():
            mine = self.sources.get(progress.source)
            current = progress.at_end and progress.read_through >= newest_told - STALE_MS
            caught_up = current or progress.read_through >= newest_appended
            if mine is None:
                yield None if caught_up else 0
            elif caught_up and progress.read_through >= mine.last_appended + idle_ms:
                yield None
            else:
                yield mine.watermark

    def current_seal(self, sources: Iterable[int], watermark: int, windows: WindowSpec) -> int:
        """Return the event time up to which no source's tally takes rows any more.

        Being excused closes windows; it does not seal: only a source's own watermark does, or
        the day's bound.
        """
        own = [self.sources[s].watermark if s in self.sources else 0 for s in sources]
        bound = watermark - max(UNSEALED_MS_MAX, windows.lateness_ms)
        line = max(min(own, default=0) - windows.lateness_ms, bound)
        return max(self.sealed_through, line - line % windows.pane_ms)

    def mark(self, key: CellKey, spans: Iterable[tuple[int, int]]) -> None:
        """Note that a pane changed: those of its windows that were closed must be amended."""
        segments = {key.segment}
        if key.segment:
            # A segment that grows past the least size leaves `other`, which changes too.
            segments.add(f"{key.segment.split('=', 1)[0]}={OTHER_SEGMENT}")
        for start, end in spans:
            if end <= self.closed_through:
                for segment in segments:
                    window = Window(end, start, key.version, key.role, segment)
                    self.ledger.setdefault(window, Entry()).dirty = True

    def see(self, key: CellKey, plan: Plan, cell: Cell) -> None:
        """Note when the features whose freshness is watched last had a value."""
        for signal in plan.signals:
            if signal.feature is None or signal.feature.freshness_max_ms is None or key.segment:
                continue
            bins = cell.counts[signal.where]
            if bins.sum() > bins[signal.grid.missing] + bins[signal.grid.invalid]:
                name = (key.version, key.role, signal.name)
                end = key.pane_start + cell.pane_ms
                self.fresh[name] = max(end, self.fresh.get(name, 0))

    def drop_panes(self, windows: WindowSpec, last_end: Callable[[int], int]) -> Iterator[PieceKey]:
        """Drop the panes that no open window holds; yields what was dropped.

        `last_end` tells the end of the last window that holds a pane: an earlier monitor's may be longer.

        Of a source whose own watermark has not passed, what was known is kept: whatever comes on
        top of it is late.
        """
        reach = windows.length_ms - windows.pane_ms
        sealed = self.sealed_through
        over = [p for p in self.pieces if p + windows.pane_ms + reach <= sealed and last_end(p) <= sealed]
        for pane in over:
            for key, piece in self.pieces.pop(pane).items():
                self.late.setdefault(key, piece.requests)
                yield key
        for key in [k for k in self.late if self._passed(k, windows)]:
            del self.late[key]

    def _passed(self, key: PieceKey, windows: WindowSpec) -> bool:
        source = self.sources.get(key.source)
        end = key.cell.pane_start + windows.pane_ms
        return source is not None and source.watermark >= end + windows.lateness_ms

    def record(self) -> JudgeModel:
        """Return everything but the pieces as the state's record."""
        return JudgeModel(
            model=self.model,
            watermark=self.watermark,
            closed_through=self.closed_through,
            sealed_through=self.sealed_through,
            sources=tuple(self.sources[s] for s in sorted(self.sources)),
            ledger=tuple(
                LedgerEntry(
                    version=w.version, role=Role(w.role), segment=w.segment,
                    window_start=w.start, window_end=w.end,
                    revision=entry.revision, dirty=entry.dirty,
                )
                for w, entry in sorted(self.ledger.items(), key=lambda item: item[0])
            ),
            live=tuple(
                LiveStream(version=version, role=Role(role), window_start=start)
                for (version, role), start in sorted(self.live.items())
            ),
            fresh=tuple(
                LastSeen(version=version, role=Role(role), feature=feature, pane_end=end)
                for (version, role, feature), end in sorted(self.fresh.items())
            ),
            late=tuple(
                LateSource(
                    source=key.source, cell=key.cell.encode().decode(),
                    requests=requests,
                )
                for key, requests in sorted(self.late.items())
            ),
        )  # fmt: skip

    @classmethod
    def of(cls, record: JudgeModel) -> "ModelWindows":
        """Return the model of a record, without pieces; the inverse of `record`."""
        return cls(
            model=record.model,
            watermark=record.watermark,
            closed_through=record.closed_through,
            sealed_through=record.sealed_through,
            sources={source.source: source for source in record.sources},
            ledger={
                Window(e.window_end, e.window_start, e.version, e.role.value, e.segment): Entry(e.revision, e.dirty)
                for e in record.ledger
            },
            live={(s.version, s.role.value): s.window_start for s in record.live},
            fresh={(s.version, s.role.value, s.feature): s.pane_end for s in record.fresh},
            late={PieceKey(CellKey.decode(late.cell.encode()), late.source): late.requests for late in record.late},
        )
