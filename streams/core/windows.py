"""Which windows of a model are to be reported now, and what lies in them.

A window closes when the model's watermark has passed its end, is amended at most once a pane
length while late events still come, and is final when no source takes events for it any more.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.records import SourceProgress
from kedge.streams.core.catalog import ActiveMonitor, Catalog
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.judge_model import Entry, ModelWindows, Window
from kedge.streams.core.panes import window_starts
from kedge.streams.core.plan import OTHER_SEGMENT

__all__ = ["SEGMENT_MIN", "Content", "Due", "Stream", "act", "contents_of", "open_starts"]

SEGMENT_MIN: Final = 20
"""Requests below which a segment is merged into `other`, and `other` is not told at all."""

_END_OF_TIME: Final = 1 << 62

Stream = tuple[str, str, str]
"""(version, role, segment)."""


@dataclass(slots=True)
class Content:
    """What lies in a window of one (version, role, segment)."""

    cell: Cell
    plans: set[tuple[str, str]]
    senders: Counter[int] = field(default_factory=Counter)
    """Rows by sender, as far as sources tell; of all rows only."""


@dataclass(frozen=True, slots=True)
class Due:
    """One report to make; `content` None: nothing came."""

    window: Window
    revision: int
    final: bool
    content: Content | None
    share_counted: float
    """Share of the source partitions that are counted past the window's end."""


def open_starts(catalog: Catalog, model: str, pane: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the windows that hold a pane and that one monitor rules from end to end."""
    active = catalog.monitor_at(model, pane)
    if active is None:
        return
    for start in window_starts(pane, active.spec.windows):
        end = start + active.spec.windows.length_ms
        ruled = active.effective_to is None or end <= active.effective_to
        if start >= active.effective_from and ruled:
            yield start, end


def act(
    model: ModelWindows,
    catalog: Catalog,
    sources: Mapping[int, SourceProgress],
    *,
    finish: bool = False,
) -> Iterator[Due]:
    """Move the model's time on and yield the reports that are due, in order of their windows.

    `finish`: the input is at its end, close everything.
    """
    active = catalog.monitor_at(model.model, model.newest_event)
    if active is None:
        return
    windows = active.spec.windows
    excuse = _END_OF_TIME if finish else model.current_watermark(sources, windows.idle_timeout_ms)
    seal = _END_OF_TIME if finish else model.current_seal(range(len(sources)), excuse, windows)
    crossed = excuse // windows.pane_ms > model.watermark // windows.pane_ms
    model.watermark = excuse
    if not crossed and seal == model.sealed_through:
        return
    closed_before, model.closed_through = model.closed_through, excuse - excuse % windows.pane_ms
    model.sealed_through = seal
    # At the end of the input there is nothing left to be counted.
    step = _Step(model, catalog, {} if finish else sources, active)
    yield from step.reports(closed_before)


class _Step:
    """One move of a model's time."""

    def __init__(
        self,
        model: ModelWindows,
        catalog: Catalog,
        sources: Mapping[int, SourceProgress],
        active: ActiveMonitor,
    ) -> None:
        self._model = model
        self._catalog = catalog
        self._sources = sources
        self._windows = active.spec.windows
        # Windows before lie across the monitor's start, and are nobody's: there is no silence in them.
        self._opens = -(-active.effective_from // self._windows.hop_ms) * self._windows.hop_ms
        self._panes = sorted(model.pieces)

    def reports(self, closed_before: int) -> Iterator[Due]:
        """Yield what is due, windows in order."""
        model = self._model
        spans = {
            (end, start)
            for pane in model.pieces
            for start, end in open_starts(self._catalog, model.model, pane)
            if closed_before < end <= model.closed_through
        }
        amended = {
            (w.end, w.start) for w, entry in model.ledger.items() if entry.dirty or w.end <= model.sealed_through
        }
        for end, start in sorted(spans | amended):
            contents = contents_of(model, start, end, self._panes)
            if (end, start) in spans:
                yield from self._silences(start, contents)
            yield from self._window(start, end, contents)
        yield from self._trailing_silences()

    def _window(self, start: int, end: int, contents: Mapping[Stream, Content]) -> Iterator[Due]:
        model = self._model
        known = {(w.version, w.role, w.segment) for w in model.ledger if (w.end, w.start) == (end, start)}
        final = end <= model.sealed_through
        for stream in sorted(known | contents.keys()):
            window = Window(end, start, *stream)
            content = contents.get(stream)
            entry = model.ledger.get(window) or Entry()
            if content is None and entry.revision < 0:
                # A segment too small to be told.
                model.ledger.pop(window, None)
            elif final or entry.dirty:
                yield self._due(window, entry.revision + 1, content)

    def _due(self, window: Window, revision: int, content: Content | None) -> Due:
        model = self._model
        final = window.end <= model.sealed_through
        if final:
            model.ledger.pop(window, None)
        else:
            model.ledger[window] = Entry(revision, dirty=False)
        share = model.share_counted(self._sources, self._windows.idle_timeout_ms, window.end)
        return Due(window, revision, final, content, share)

    def _silences(self, start: int, contents: Mapping[Stream, Content]) -> Iterator[Due]:
        """Yield a report for each stream that was live, then silent, and is back in this window."""
        hop = self._windows.hop_ms
        for version, role, segment in sorted(contents):
            if not segment:
                last = self._model.live.get((version, role))
                if last is not None and (first := max(last + hop, self._opens)) < start:
                    yield self._silence(version, role, first, start - hop)
                self._model.live[version, role] = max(start, last or start)

    def _trailing_silences(self) -> Iterator[Due]:
        """Yield a report for each stream that has gone silent; it is live no more."""
        hop, length = self._windows.hop_ms, self._windows.length_ms
        newest = max(self._model.live.values(), default=0)
        closed = self._model.closed_through - length
        # At the end of the input nothing is known of what would have come after it.
        last = newest if closed > _END_OF_TIME // 2 else closed - closed % hop
        for (version, role), start in sorted(self._model.live.items()):
            first = max(start + hop, self._opens)
            if first <= last:
                del self._model.live[version, role]
                yield self._silence(version, role, first, last)

    def _silence(self, version: str, role: str, first: int, last: int) -> Due:
        """One report for all windows from `first` to `last`: they are never enumerated."""
        window = Window(last + self._windows.length_ms, first, version, role, "")
        if first == last:
            entry = self._model.ledger.get(window, Entry())
            return self._due(window, entry.revision + 1, None)
        share = self._model.share_counted(self._sources, self._windows.idle_timeout_ms, window.end)
        return Due(window, 0, final=True, content=None, share_counted=share)


def contents_of(model: ModelWindows, start: int, end: int, panes: Sequence[int]) -> dict[Stream, Content]:
    """Add the pieces of a window up; `panes` are those that the model has, ascending."""
    contents: dict[Stream, Content] = {}
    # By the panes there are: an earlier monitor's are of another length, and a long window has thousands.
    for pane in panes[bisect_left(panes, start) : bisect_left(panes, end)]:
        for key, piece in model.pieces[pane].items():
            if pane + piece.pane_ms <= end:
                _add(contents, key.cell, Cell.of(piece))
                for sender in piece.senders:
                    contents[key.cell.version, key.cell.role, key.cell.segment].senders[sender.hash] += sender.rows
    return _told(contents)


def _add(contents: dict[Stream, Content], key: CellKey, cell: Cell) -> None:
    stream = (key.version, key.role, key.segment)
    plan = (key.monitor, key.baseline)
    content = contents.get(stream)
    if content is None:
        contents[stream] = Content(cell, {plan})
    else:
        content.plans.add(plan)
        if content.cell.counts.size == cell.counts.size:
            content.cell.merge(cell)


def _told(contents: Mapping[Stream, Content]) -> dict[Stream, Content]:
    """Merge segments that are too small to be told into `other`; drop it where it is still so."""
    told: dict[Stream, Content] = {}
    small: list[tuple[Stream, Content]] = []
    for stream, content in contents.items():
        other = _other(stream)
        if not stream[2] or (stream != other and content.cell.requests >= SEGMENT_MIN):
            told[stream] = content
        else:
            small.append((other, content))
    for other, content in small:
        if other in told:
            told[other].plans |= content.plans
            if told[other].cell.counts.size == content.cell.counts.size:
                told[other].cell.merge(content.cell)
        else:
            told[other] = content
    for stream, content in told.items():
        _inherit(content.cell, told.get((*stream[:2], "")))
    return {
        stream: content for stream, content in told.items() if not stream[2] or content.cell.requests >= SEGMENT_MIN
    }


def _inherit(cell: Cell, whole: Content | None) -> None:
    """Which segment lost rows lay in is not known: each has lost its share of them."""
    if whole is not None and whole.cell is not cell:
        cell.flags |= whole.cell.flags
        cell.lost = -(-max(whole.cell.lost, 0) * cell.requests // max(whole.cell.requests, 1))


def _other(stream: Stream) -> Stream:
    version, role, segment = stream
    return version, role, f"{segment.split('=', 1)[0]}={OTHER_SEGMENT}" if segment else ""
