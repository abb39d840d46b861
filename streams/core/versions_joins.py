"""Joined counts as the judge holds them: by pane and source, and added up over a window."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kedge.detectors.pairs import PairLayout
from kedge.schemas.packed import unpack_signed
from kedge.schemas.records import JoinKind, JoinPartial
from kedge.streams.core.cells import DUPLICATES_POSSIBLE, Counts
from kedge.streams.core.join_cells import JoinKey
from kedge.streams.core.plan import OTHER_SEGMENT

__all__ = ["JoinPiece", "JoinSum", "Joined", "Joins", "Of", "is_sound", "join_key"]

BINS_MAX: Final = 1_000_000
"""Length of a vector that is believed before it is made."""

SUM_MAX: Final = 1 << 52
"""A sum that is believed: those of all pieces of a window stay within 64 bits."""


class JoinPiece(NamedTuple):
    """One source partition's part of a joined cell."""

    key: JoinKey
    source: int


class Of(NamedTuple):
    """What joined counts are of, whatever pane and plan."""

    kind: str
    version: str
    role: str
    segment: str
    control: str = ""
    outcome: str = ""


@dataclass(slots=True)
class JoinSum:
    """Counts added up; `plans` are (monitor hash, baseline hash). With more than one the counts mean nothing."""

    counts: Counts
    plans: set[tuple[str, str]]
    doubtful: bool = False
    """It may hold duplicates."""

    def add(self, other: "JoinSum") -> None:
        """Add further counts of the same."""
        self.plans |= other.plans
        self.doubtful |= other.doubtful
        if self.counts.size == other.counts.size:
            self.counts = self.counts + other.counts


@dataclass(frozen=True, slots=True)
class Joined:
    """A window's joined counts."""

    sums: Mapping[Of, JoinSum]

    def streams(self) -> set[tuple[str, str]]:
        """Return the (version, role) of candidates that pairs were found of."""
        return {(of.version, of.role) for of in self.sums if of.kind == JoinKind.PAIR and of.control}

    def of(self, what: Of, told: Iterable[str]) -> JoinSum | None:
        """Return the counts of one segment; None: there are none.

        `told`: the segments that are told apart in this window; of the same key, `other` holds the rest.
        """
        name, _, value = what.segment.partition("=")
        if value != OTHER_SEGMENT:
            return self.sums.get(what)
        apart = set(told) - {what.segment}
        parts = [
            part
            for of, part in self.sums.items()
            if of._replace(segment="") == what._replace(segment="")
            and of.segment.partition("=")[0] == name
            and of.segment not in apart
        ]
        return _total(parts)


@dataclass(slots=True)
class Joins:
    """One model's joined pieces: those of panes, and those of days of late labels."""

    panes: dict[int, dict[JoinPiece, JoinPartial]] = field(default_factory=lambda: defaultdict(dict))
    days: dict[int, dict[JoinPiece, JoinPartial]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, piece: JoinPiece, partial: JoinPartial) -> None:
        """Put a source's counts in the place of what it said before."""
        self._of(piece.key)[piece.key.pane_start][piece] = partial

    def remove(self, piece: JoinPiece) -> None:
        """Hold a piece no more."""
        panes = self._of(piece.key)
        held = panes.get(piece.key.pane_start, {})
        held.pop(piece, None)
        if not held:
            panes.pop(piece.key.pane_start, None)

    def window(self, start: int, end: int) -> Joined:
        """Add up the panes from `start` to `end`."""
        inside = [self.panes[pane] for pane in sorted(self.panes) if start <= pane < end]
        return _joined(p for pieces in inside for p in pieces.values() if p.pane_start + p.pane_ms <= end)

    def day(self, start: int, version: str) -> Joined:
        """Add up a version's labels of one day."""
        pieces = self.days.get(start, {})
        return _joined(partial for piece, partial in pieces.items() if piece.key.version == version)

    def drop_panes(self, over: Iterable[int]) -> Iterator[JoinPiece]:
        """Drop panes; yields what was dropped."""
        for pane in over:
            yield from self.panes.pop(pane, {})

    def drop_day(self, start: int, version: str) -> Iterator[JoinPiece]:
        """Drop a version's labels of one day; yields what was dropped."""
        pieces = self.days.get(start, {})
        for piece in [piece for piece in pieces if piece.key.version == version]:
            del pieces[piece]
            yield piece
        if not pieces:
            self.days.pop(start, None)

    def _of(self, key: JoinKey) -> dict[int, dict[JoinPiece, JoinPartial]]:
        return self.days if key.kind == JoinKind.LABEL else self.panes


def join_key(partial: JoinPartial) -> JoinKey:
    """Return what a partial counts."""
    return JoinKey(
        partial.kind.value, partial.outcome, partial.model, partial.version, partial.control,
        partial.role.value, partial.segment, partial.monitor, partial.baseline, partial.pane_start,
    )  # fmt: skip


def is_sound(partial: JoinPartial) -> bool:
    """Return whether a tally can have counted this; raises `UndecodableError` for counts that do not fit."""
    if not 0 <= partial.bins <= BINS_MAX:
        return False
    counts = unpack_signed(partial.counts, partial.bins)
    return (
        int(counts.max(initial=0)) <= SUM_MAX
        and int(counts.min(initial=0)) >= -SUM_MAX
        and 0 < partial.pane_ms <= SUM_MAX
        and 0 <= partial.pane_start <= SUM_MAX
        and partial.pane_start % partial.pane_ms == 0
        and (partial.kind is not JoinKind.PAIR or _pairs(counts))
    )


def _pairs(counts: Counts) -> bool:
    """Whether these can be pairs of any layout: only sums of differences may be negative, and few pairs disagree."""
    if counts.size <= PairLayout.delta_histogram.stop:
        return False
    head, tail = counts[: PairLayout.delta.start], counts[PairLayout.delta_histogram.start :]
    return bool(min(head.min(), tail.min()) >= 0 and head[PairLayout.disagreements] <= head[PairLayout.pairs])


def _joined(partials: Iterable[JoinPartial]) -> Joined:
    parts: dict[Of, list[JoinSum]] = defaultdict(list)
    for partial in partials:
        what = Of(
            partial.kind.value, partial.version, partial.role.value, partial.segment, partial.control, partial.outcome
        )
        counts = unpack_signed(partial.counts, partial.bins)
        doubtful = bool(partial.flags & DUPLICATES_POSSIBLE)
        parts[what].append(JoinSum(counts, {(partial.monitor, partial.baseline)}, doubtful))
    return Joined({what: total for what, of in parts.items() if (total := _total(of)) is not None})


def _total(parts: Iterable[JoinSum]) -> JoinSum | None:
    total: JoinSum | None = None
    for part in parts:
        if total is None:
            total = JoinSum(part.counts, set(part.plans), part.doubtful)
        else:
            total.add(part)
    return total
