"""Rows as numpy columns, cut and joined: the form that a batch is written from.

A `Chunk` is a monoid under `concat`: rows of `log` and slices of `log_many` come together in one batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from kedge.streams.publisher.row import Names

__all__ = [
    "ERROR",
    "LABEL",
    "LATENCY",
    "SCORE",
    "Chunk",
    "Key",
    "Numbers",
    "Plane",
    "Slice",
    "Texts",
    "concat",
    "nulls",
]

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]
V = TypeVar("V")


class Plane(Enum):
    """Which map of the record a column belongs to."""

    FEATURE = "features"
    CLASS_SCORE = "class_scores"
    SEGMENT = "segments"
    ANSWER = "answer"
    """The record's own columns: score and latency_ms, label and error."""


Key = tuple[Plane, str]

SCORE: Final = (Plane.ANSWER, "score")
LATENCY: Final = (Plane.ANSWER, "latency_ms")
LABEL: Final = (Plane.ANSWER, "label")
ERROR: Final = (Plane.ANSWER, "error")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of float64, shape (rows,); `present` None: every row has a value."""

    values: NDArray[np.float64]
    present: Bools | None = None

    def take(self, places: Places) -> "Numbers":
        """Return the rows at `places`."""
        return Numbers(self.values[places], None if self.present is None else self.present[places])


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of texts: codes, shape (rows,), into a dictionary; `present` as in `Numbers`."""

    codes: NDArray[np.int32]
    dictionary: Sequence[str]
    present: Bools | None = None

    def take(self, places: Places) -> "Texts":
        """Return the rows at `places` with no more of the dictionary than they need."""
        present = None if self.present is None else self.present[places]
        codes = self.codes[places]
        used, small = np.unique(codes if present is None else codes[present], return_inverse=True)
        if present is None:
            codes = small.astype(np.int32)
        else:
            codes = np.zeros(places.size, np.int32)
            codes[present] = small
        return Texts(codes, [self.dictionary[code] for code in used.tolist()], present)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows by column; every column has `timestamps.size` rows."""

    timestamps: NDArray[np.int64]
    ids: NDArray[np.uint64]
    probe: Bools | None
    numbers: Mapping[Key, Numbers]
    texts: Mapping[Key, Texts]

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.timestamps.size

    @property
    def names(self) -> Names:
        """The columns by map of the record."""
        numbers, texts = _by_plane(self.numbers), _by_plane(self.texts)
        return Names(numbers[Plane.FEATURE], texts[Plane.FEATURE], numbers[Plane.CLASS_SCORE], texts[Plane.SEGMENT])

    def take(self, places: Places) -> "Chunk":
        """Return the rows at `places`, shape (rows taken,), in that order."""
        return Chunk(
            timestamps=self.timestamps[places],
            ids=self.ids[places],
            probe=None if self.probe is None else self.probe[places],
            numbers={key: column.take(places) for key, column in self.numbers.items()},
            texts={key: column.take(places) for key, column in self.texts.items()},
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a chunk, not copied yet; `names`, `text` and `cost` (bytes) are those of each row, at most."""

    chunk: Chunk
    places: Places
    names: Names
    text: int
    cost: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.places.size

    def split(self, rows: int) -> "tuple[Slice, Slice | None]":
        """Return the first `rows` rows and the rest, if any."""
        if rows >= self.rows:
            return self, None
        return self._cut(self.places[:rows]), self._cut(self.places[rows:])

    def _cut(self, places: Places) -> "Slice":
        return Slice(self.chunk, places, self.names, self.text, self.cost)


def concat(chunks: Sequence[Chunk]) -> Chunk:
    """Return the rows of all chunks in order; a column that a chunk lacks is null in its rows.

    The probe mask is None only where it is None in all.
    """
    ends = np.cumsum([chunk.rows for chunk in chunks])
    rows = int(ends[-1])
    spans = [slice(int(end) - chunk.rows, int(end)) for end, chunk in zip(ends, chunks, strict=True)]
    probe = None
    if any(chunk.probe is not None for chunk in chunks):
        probe = np.concatenate([_or_all(chunk.probe, chunk.rows, value=False) for chunk in chunks])
    return Chunk(
        timestamps=np.concatenate([chunk.timestamps for chunk in chunks]),
        ids=np.concatenate([chunk.ids for chunk in chunks]),
        probe=probe,
        numbers={
            key: _join_numbers(rows, _column(spans, [chunk.numbers for chunk in chunks], key))
            for key in dict.fromkeys(chain.from_iterable(chunk.numbers for chunk in chunks))
        },
        texts={
            key: _join_texts(rows, _column(spans, [chunk.texts for chunk in chunks], key))
            for key in dict.fromkeys(chain.from_iterable(chunk.texts for chunk in chunks))
        },
    )


def _by_plane(keys: Iterable[Key]) -> dict[Plane, frozenset[str]]:
    names: dict[Plane, set[str]] = {plane: set() for plane in Plane}
    for plane, name in keys:
        names[plane].add(name)
    return {plane: frozenset(own) for plane, own in names.items()}


def _column(spans: Sequence[slice], maps: Sequence[Mapping[Key, V]], key: Key) -> list[tuple[slice, V]]:
    return [(span, columns[key]) for span, columns in zip(spans, maps, strict=True) if key in columns]


def _or_all(mask: Bools | None, rows: int, *, value: bool) -> Bools:
    return np.full(rows, value) if mask is None else mask


def _join_numbers(rows: int, parts: Sequence[tuple[slice, Numbers]]) -> Numbers:
    values, present = np.zeros(rows), np.zeros(rows, np.bool_)
    for span, part in parts:
        values[span] = part.values
        present[span] = True if part.present is None else part.present
    return Numbers(values, nulls(present))


def _join_texts(rows: int, parts: Sequence[tuple[slice, Texts]]) -> Texts:
    codes, present = np.zeros(rows, np.int32), np.zeros(rows, np.bool_)
    known: dict[str, int] = {}
    for span, part in parts:
        new_codes = np.array([known.setdefault(text, len(known)) for text in part.dictionary], np.int32)
        if not new_codes.size:
            continue  # nothing present in this part, and nothing that its codes could point at
        codes[span] = new_codes[part.codes]
        present[span] = True if part.present is None else part.present
    return Texts(codes, list(known), nulls(present))


def nulls(present: Bools) -> Bools | None:
    """Return the mask of a column, None where every row has a value."""
    return None if present.all() else present
