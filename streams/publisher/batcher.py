"""Rows into numbered batches: pure, no clock, no thread, no Kafka.

Rows of a stream (model, version, role) are collected by partition; a batch closes when it is full by count or by
bytes, or old. Closing numbers it for good: `sequence`, `rows_before` and `dropped` are those of its stream in its
partition and never change, so that a worker knows a repeated batch when it sees one, and how many rows are missing
where one never came.
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from kedge.streams.publisher.columns import Slice
from kedge.streams.publisher.row import KEYS_MAX, NAME_CHARS_MAX, Row, Stream, utf8_bytes_max

__all__ = ["HEAD_BYTES", "Batch", "Batcher", "Limits", "Oversize"]

HEAD_BYTES: Final = 2 * 4 * NAME_CHARS_MAX + 512
"""What a message takes besides its rows and columns, at most: frame, model and version, producer, counts."""

_COLUMN_BYTES: Final = 32
"""Avro's own bytes of a column, at most: length prefixes of name, values and mask, dictionary counts, unions."""

# Bits of a row in a column of numbers or of codes: the value, its place in the mask, and for a text the length
# prefix of a dictionary entry of its own.
_NUMBER_BITS: Final = 64 + 1
_CODE_BITS: Final = 32 + 1 + 3 * 8
# Time stamp, id, probe; score and latency; label and error. Counted whether a batch has them or not.
_OWN_BITS: Final = 64 + 64 + 1 + 2 * _NUMBER_BITS + 2 * _CODE_BITS
_OWN_BYTES: Final = 4 * _COLUMN_BYTES
_BITS: Final = (_NUMBER_BITS, _CODE_BITS, _NUMBER_BITS, _CODE_BITS)  # in the order of `Names`


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a batch closes: rows (≥ 1), bytes of the message (at most; ≥ 4 KiB), seconds since its first row."""

    rows_max: int
    bytes_max: int
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that travel together, numbered; `cost` is the memory, in bytes, that they held in the queue."""

    stream: Stream
    partition: int
    sequence: int
    rows_before: int
    dropped: int
    rows: int
    cost: int
    pieces: tuple[Row | Slice, ...]


@dataclass(frozen=True, slots=True)
class Oversize:
    """Rows that no message can hold; they are charged to their stream like any dropped row."""

    rows: int
    cost: int


@dataclass(slots=True)
class _Line:
    """How far a stream is in one partition."""

    sequence: int = 0
    rows: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Open:
    """A batch that is being filled, and what it has come to."""

    opened_s: float
    pieces: list[Row | Slice] = field(default_factory=list)
    rows: int = 0
    cost: int = 0
    text: int = 0
    row_bits: int = _OWN_BITS
    column_bytes: int = HEAD_BYTES + _OWN_BYTES
    columns: tuple[set[str], ...] = field(default_factory=lambda: tuple(set() for _ in _BITS))

    def room(self, piece: Row | Slice, limits: Limits) -> int:
        """Return how many of the piece's rows fit in still."""
        row_bits, column_bytes = self.row_bits, self.column_bytes
        added = [own - known for own, known in zip(piece.names, self.columns, strict=True)]
        if any(added):
            if not self._keys_fit(added):
                return 0
            row_bits += sum(bits * len(names) for bits, names in zip(_BITS, added, strict=True))
            column_bytes += sum(_column_bytes(name) for names in added for name in names)
        free = 8 * (limits.bytes_max - column_bytes - self.text) - row_bits * self.rows
        return max(0, min(limits.rows_max - self.rows, free // (row_bits + 8 * piece.text)))

    def append(self, piece: Row | Slice) -> None:
        self.pieces.append(piece)
        self.rows += piece.rows
        self.cost += piece.rows * piece.cost
        self.text += piece.rows * piece.text
        for own, known, bits in zip(piece.names, self.columns, _BITS, strict=True):
            if not own <= known:
                added = own - known
                known.update(added)
                self.row_bits += bits * len(added)
                self.column_bytes += sum(map(_column_bytes, added))

    def _keys_fit(self, added: Sequence[AbstractSet[str]]) -> bool:
        numbers, strings, classes, segments = (
            len(known) + len(names) for known, names in zip(self.columns, added, strict=True)
        )
        return max(numbers + strings, classes, segments) <= KEYS_MAX


class Batcher:
    """Collects, closes and numbers.

    >>> from kedge.streams.publisher.row import Features
    >>> stream = Stream("m", "1", "PRIMARY")
    >>> batcher = Batcher(Limits(rows_max=2, bytes_max=10_000, age_s=1.0))
    >>> def row(n):
    ...     return Row(stream, str(n), n, Features({"x": 0.5}, {}), None, None, {}, None, None, {}, False, 0)
    >>> [len(batcher.add(row(n), partition=0, now_s=0.0, stream=stream)) for n in range(2)]
    [0, 1]
    >>> batcher.add(row(2), partition=0, now_s=0.5, stream=stream), batcher.due(1.0)
    ([], [])
    >>> [(batch.sequence, batch.rows_before, batch.rows) for batch in batcher.due(1.5)]
    [(1, 2, 1)]
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # In the order of opening: the first is the oldest.
        self._open: dict[tuple[Stream, int], _Open] = {}
        self._lines = defaultdict[tuple[Stream, int], _Line](_Line)
        self._owed = defaultdict[Stream, int](int)

    def charge(self, stream: Stream, rows: int) -> None:
        """Take note that `rows` rows of a stream were dropped: its next batch, of whatever partition, says so.

        One partition, so that the worker's partitions add up to the truth.
        """
        self._owed[stream] += rows

    def add(self, piece: Row | Slice, *, partition: int, now_s: float, stream: Stream) -> list[Batch | Oversize]:
        """Put rows into their batch; return the batches that this has closed, in order."""
        done: list[Batch | Oversize] = []
        place = stream, partition
        rest: Row | Slice | None = piece
        while rest is not None:
            batch = self._open.get(place)
            if batch is None:
                batch = self._open[place] = _Open(now_s)
            room = batch.room(rest, self._limits)
            if not room and not batch.rows:
                del self._open[place]
                self.charge(stream, rest.rows)
                return [*done, Oversize(rest.rows, rest.rows * rest.cost)]
            if room:
                part, rest = rest.split(room)
                batch.append(part)
            if not room or batch.rows >= self._limits.rows_max:
                done.append(self._close(place))
        return done

    def due(self, now_s: float) -> list[Batch]:
        """Close the batches that have been open for the limit's age."""
        old = []
        for place, batch in self._open.items():
            if now_s - batch.opened_s < self._limits.age_s:
                break
            old.append(place)
        return [self._close(place) for place in old]

    def close_all(self) -> list[Batch]:
        """Close every open batch."""
        return [self._close(place) for place in list(self._open)]

    @property
    def open_rows(self) -> int:
        """Rows in batches that are not closed."""
        return sum(batch.rows for batch in self._open.values())

    def _close(self, place: tuple[Stream, int]) -> Batch:
        stream, partition = place
        batch = self._open.pop(place)
        line = self._lines[place]
        line.dropped += self._owed.pop(stream, 0)
        closed = Batch(
            stream=stream,
            partition=partition,
            sequence=line.sequence,
            rows_before=line.rows,
            dropped=line.dropped,
            rows=batch.rows,
            cost=batch.cost,
            pieces=tuple(batch.pieces),
        )
        line.sequence += 1
        line.rows += batch.rows
        return closed


def _column_bytes(name: str) -> int:
    return utf8_bytes_max(name) + _COLUMN_BYTES
