"""What has been seen of each sender: batches by sequence, single events by id.

Batches cost a few bytes a sender however many come: a high-water mark and a bitmap of the last
`REMEMBERED` sequences. A missing sequence is a gap: its rows (the sender says how many) are charged
to the pane of the first event after it, and given back when the batch comes after all.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from kedge.schemas.records import EventIds, Gap, ProducerState, Role

__all__ = ["IDS_MAX", "REMEMBERED", "Admission", "Batch", "Charge", "EventIdStore", "Stream", "StreamKey"]

REMEMBERED: Final = 1_024
"""Sequences a bitmap goes back: an idempotent producer reorders five at most, restarts replay more."""

IDS_MAX: Final = 2_000_000
"""Ids of single events that one partition holds; past it duplicates can no longer be told."""


SEGMENT_IDS: Final = 100_000
"""Ids in one record of the state: 800 kB."""


class StreamKey(NamedTuple):
    """One sender's numbered stream in this partition."""

    producer: str
    model: str
    version: str
    role: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch says of its place in its stream; `pane` is that of its first countable row."""

    sequence: int
    rows: int
    rows_before: int
    dropped: int
    max_timestamp: int
    pane: int
    plan: tuple[str, str]


class Charge(NamedTuple):
    """Rows known to be missing (negative: found again) in a pane; `dropped`: their sender never sent them."""

    pane: int
    plan: tuple[str, str]
    rows: int
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """`refused` None: count it. Else `duplicate`, or `too_old_to_tell`."""

    refused: str | None
    charges: tuple[Charge, ...] = ()


@dataclass(slots=True)
class Stream:
    """One sender's stream: what of it was seen.

    >>> stream = Stream()
    >>> b = Batch(0, 10, 0, 0, 0, 0, ("m", "b"))
    >>> stream.admit(b).refused, stream.admit(b).refused
    (None, 'duplicate')
    """

    high: int = -1
    rows_through: int = 0
    seen: int = 0
    dropped: int = 0
    max_timestamp: int = 0
    gaps: list[Gap] = field(default_factory=list)

    def admit(self, batch: Batch) -> Admission:
        """Take note of a batch; it is counted once, whatever order and however often it comes."""
        if batch.sequence > self.high:
            return Admission(None, tuple(self._advance(batch)))
        behind = self.high - batch.sequence
        if behind >= REMEMBERED:
            return Admission("too_old_to_tell")
        if self.seen >> behind & 1:
            return Admission("duplicate")
        self.seen |= 1 << behind
        return Admission(None, tuple(self._refund(batch)))

    def _advance(self, batch: Batch) -> Iterator[Charge]:
        if self.high < 0 and batch.sequence >= REMEMBERED:
            # Met far into its stream: forgotten after a long silence, or older than this state. What came
            # before is not known to be missing.
            self.dropped = batch.dropped
            self.rows_through = batch.rows_before
        # A sender whose counts contradict one another gains nothing: no negative charge.
        missing = max(0, batch.rows_before - self.rows_through)
        if missing:
            gap = Gap(
                first=self.high + 1,
                last=batch.sequence - 1,
                rows=missing,
                pane_start=batch.pane,
                monitor=batch.plan[0],
                baseline=batch.plan[1],
            )
            self.gaps.append(gap)
            yield Charge(batch.pane, batch.plan, missing)
        if batch.dropped > self.dropped:
            yield Charge(batch.pane, batch.plan, batch.dropped - self.dropped, dropped=True)
            self.dropped = batch.dropped
        step = batch.sequence - self.high
        self.seen = (self.seen << min(step, REMEMBERED) | 1) & (1 << REMEMBERED) - 1
        self.high = batch.sequence
        self.rows_through = max(self.rows_through, batch.rows_before) + batch.rows
        self.max_timestamp = max(self.max_timestamp, batch.max_timestamp)
        # What the bitmap has forgotten can never be refunded; its charge stays.
        self.gaps = [gap for gap in self.gaps if gap.last > self.high - REMEMBERED]

    def _refund(self, batch: Batch) -> Iterator[Charge]:
        for i, gap in enumerate(self.gaps):
            if gap.first <= batch.sequence <= gap.last:
                found = min(batch.rows, gap.rows)
                rest = gap.rows - found
                left = replace(gap, rows=rest)
                self.gaps[i : i + 1] = [left] if rest else []
                yield Charge(gap.pane_start, (gap.monitor, gap.baseline), -found)
                return

    def record(self, key: StreamKey) -> ProducerState:
        """Return the state as its record."""
        return ProducerState(
            producer=key.producer,
            model=key.model,
            version=key.version,
            role=Role(key.role),
            high=self.high,
            rows_through=self.rows_through,
            seen=self.seen.to_bytes(REMEMBERED // 8, "little").rstrip(b"\0"),
            dropped=self.dropped,
            max_timestamp=self.max_timestamp,
            gaps=tuple(self.gaps),
        )

    @classmethod
    def of(cls, record: ProducerState) -> "Stream":
        """Return the state of a record; the inverse of `record`."""
        return cls(
            high=record.high,
            rows_through=record.rows_through,
            seen=int.from_bytes(record.seen, "little"),
            dropped=record.dropped,
            max_timestamp=record.max_timestamp,
            gaps=list(record.gaps),
        )


class EventIdStore:
    """Ids of single events, each kept until its pane takes no more events.

    Appended to the state in segments, one a (model, pane) and checkpoint, and dropped whole.
    """

    def __init__(self, bound: int = IDS_MAX) -> None:
        self._bound = bound
        self._known: dict[str, set[int]] = {}
        self._panes: dict[tuple[str, int], array[int]] = {}
        self._fresh: dict[tuple[str, int], array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """No id is kept any more, and duplicates are not told, until some have expired."""
        return len(self) >= self._bound

    def knows(self, model: str, event: int) -> bool:
        """Return whether this id was kept."""
        return event in self._known.get(model, ())

    def keep(self, model: str, pane_end: int, event: int) -> None:
        """Keep an id until its pane expires; past the bound it is not kept, and `full` says so."""
        if self.full:
            return
        self._known.setdefault(model, set()).add(event)
        for panes in (self._panes, self._fresh):
            panes.setdefault((model, pane_end), array("Q")).append(event)
        self._count += 1

    def take_fresh(self) -> Iterator[EventIds]:
        """Yield the segments kept since the last call."""
        fresh, self._fresh = self._fresh, {}
        for (model, pane_end), ids in fresh.items():
            for start in range(0, len(ids), SEGMENT_IDS):
                part = ids[start : start + SEGMENT_IDS]
                yield EventIds(model=model, pane_end=pane_end, hashes=part.tobytes())

    def load(self, segment: EventIds) -> None:
        """Take a restored segment in."""
        ids = array("Q", segment.hashes)
        self._known.setdefault(segment.model, set()).update(ids)
        self._panes.setdefault((segment.model, segment.pane_end), array("Q")).extend(ids)
        self._count += len(ids)

    def expire_pane(self, model: str, pane_end: int) -> bool:
        """Forget one pane's ids; returns whether there were any."""
        ids = self._panes.pop((model, pane_end), array("Q"))
        self._known.get(model, set()).difference_update(ids)
        self._fresh.pop((model, pane_end), None)
        self._count -= len(ids)
        return bool(ids)
