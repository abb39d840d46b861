"""Columns given to `log_many`, copied and made plain; runs in the caller's thread."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.ma import MaskedArray  # at once: `np.ma` would import it in a caller's thread, see `link`
from numpy.typing import NDArray

from kedge.streams.publisher.admission import Admission, Refusal, RefusedError, moment, request_id
from kedge.streams.publisher.columns import ERROR, LABEL, LATENCY, SCORE, Bools, Chunk, Key, Numbers, Plane, Texts
from kedge.streams.publisher.gather import hashes, numbers_of, texts_of
from kedge.streams.publisher.row import Stream, utf8_bytes_max
from kedge.streams.publisher.values import code, label, plain

__all__ = ["Bulk", "Given", "bulk_of"]

T = TypeVar("T")

_ID_BYTES: Final = 120
"""Memory of a request id, its place in a list and its time stamp, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The arguments of `log_many`, as they came."""

    request_ids: object
    features: object
    score: object = None
    label: object = None
    class_scores: object = None
    latency_ms: object = None
    error: object = None
    segment: object = None
    timestamp: object = None
    probe: object = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Rows of one stream by column; `cost` is the memory of a row in bytes, about."""

    stream: Stream
    request_ids: Sequence[str]
    timestamps: NDArray[np.int64]
    probe: Bools | None
    numbers: Mapping[Key, Numbers]
    texts: Mapping[Key, Texts]
    cost: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.request_ids)

    @property
    def text(self) -> int:
        """Bytes of a row's texts in UTF-8, at most."""
        return sum(max(map(utf8_bytes_max, column.dictionary), default=0) for column in self.texts.values())

    def head(self, rows: int) -> "Bulk":
        """Return the first `rows` rows."""
        return replace(
            self,
            request_ids=self.request_ids[:rows],
            timestamps=self.timestamps[:rows],
            probe=_head(self.probe, rows),
            numbers={key: Numbers(c.values[:rows], _head(c.present, rows)) for key, c in self.numbers.items()},
            texts={key: Texts(c.codes[:rows], c.dictionary, _head(c.present, rows)) for key, c in self.texts.items()},
        )

    def chunk(self) -> Chunk:
        """Return the columns with the ids hashed: not in the caller's thread."""
        return Chunk(
            timestamps=self.timestamps,
            ids=hashes(self.request_ids, self.rows),
            probe=self.probe,
            numbers=self.numbers,
            texts=self.texts,
        )


def bulk_of(admission: Admission, stream: Stream, given: Given, now_ms: int) -> Bulk:
    """Return the arguments as columns, at least one row; `RefusedError` for what cannot be taken."""
    ids = [request_id(text) for text in _listed(given.request_ids)]
    rows = len(ids)
    numbers: dict[Key, Numbers] = {}
    texts: dict[Key, Texts] = {}
    for name, values in _named(admission, given.features, Refusal.FEATURES).items():
        _put(numbers, texts, (Plane.FEATURE, name), _feature(values, rows))
    for name, values in _named(admission, given.class_scores, Refusal.CLASS_SCORES).items():
        numbers[Plane.CLASS_SCORE, name] = _measure(values, rows)
    for name, values in _named(admission, given.segment, Refusal.SEGMENT).items():
        texts[Plane.SEGMENT, name] = _words(values, rows, _segment_value)
    for key, answers in ((SCORE, given.score), (LATENCY, given.latency_ms)):
        if answers is not None:
            numbers[key] = _measure(answers, rows)
    for key, words, clean in ((LABEL, given.label, label), (ERROR, given.error, code)):
        if words is not None:
            texts[key] = _words(words, rows, clean)
    dictionaries = sum(sum(map(utf8_bytes_max, column.dictionary)) for column in texts.values())
    return Bulk(
        stream=stream,
        request_ids=ids,
        timestamps=_moments(given.timestamp, rows, now_ms),
        probe=_probe(given.probe, rows),
        numbers=numbers,
        texts=texts,
        cost=_ID_BYTES + 9 * len(numbers) + 5 * len(texts) + -(-dictionaries // max(1, rows)),
    )


def _head(mask: Bools | None, rows: int) -> Bools | None:
    return None if mask is None else mask[:rows]


def _put(
    numbers: dict[Key, Numbers], texts: dict[Key, Texts], key: Key, columns: tuple[Numbers | None, Texts | None]
) -> None:
    numeric, textual = columns
    if numeric is not None:
        numbers[key] = numeric
    if textual is not None:
        texts[key] = textual


def _named(admission: Admission, given: object, refusal: Refusal) -> Mapping[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise RefusedError(refusal)
    admission.names(given, refusal)
    return given


def _listed(values: object, rows: int | None = None) -> list[object]:
    """Return a column's values as Python objects; None for a masked one; one text stands for all rows."""
    if isinstance(values, str) and rows is not None:
        return [values] * rows
    if not isinstance(values, list | tuple):
        values = _array(values).tolist()  # of a masked array: None where it is masked
    if not isinstance(values, list | tuple) or len(values) != (len(values) if rows is None else rows):
        raise RefusedError(Refusal.COLUMN_LENGTH)
    return list(values)


def _array(values: object) -> NDArray[np.generic]:
    """Return whatever calls itself an array (pandas, polars, Arrow) as one of numpy's."""
    return values if isinstance(values, np.ndarray) else np.asarray(values)


def _feature(values: object, rows: int) -> tuple[Numbers | None, Texts | None]:
    """Return a feature's column of numbers and its column of texts, each None where it would be empty."""
    if not isinstance(values, list | tuple | str):
        array = _array(values)
        if array.shape[:1] != (rows,):
            raise RefusedError(Refusal.COLUMN_LENGTH)
        if array.ndim > 1:  # each row's value is an array
            return Numbers(np.full(rows, math.nan)), None
        if array.dtype.kind in "fiu" and not isinstance(array, MaskedArray):
            return Numbers(np.array(array, np.float64)), None
    listed = _listed(values, rows)
    if set(map(type, listed)) == {float}:
        return Numbers(np.array(listed, np.float64)), None
    clean = _cleaned(listed, plain)
    numeric = [value if isinstance(value, float) else None for value in clean]
    textual = [value if isinstance(value, str) else None for value in clean]
    return (
        numbers_of(numeric) if any(value is not None for value in numeric) else None,
        texts_of(textual) if any(value is not None for value in textual) else None,
    )


def _measure(values: object, rows: int) -> Numbers:
    """Return a column of numbers; NaN for what is none."""
    numeric, textual = _feature(values, rows)
    if textual is None:
        return numeric or Numbers(np.zeros(rows), np.zeros(rows, np.bool_))
    wrong = np.ones(rows, np.bool_) if textual.present is None else textual.present
    if numeric is None:
        return Numbers(np.where(wrong, math.nan, 0.0), textual.present)
    there = np.ones(rows, np.bool_) if numeric.present is None else numeric.present
    return Numbers(np.where(wrong, math.nan, numeric.values), there | wrong)


def _words(values: object, rows: int, clean: Callable[[object], str | None]) -> Texts:
    return texts_of(_cleaned(_listed(values, rows), clean))


def _segment_value(value: object) -> str | None:
    text = plain(value)
    return text if isinstance(text, str) else None


def _cleaned(values: Sequence[object], clean: Callable[[object], T]) -> list[T]:
    """Return `clean` of each value; of columns with few distinct values, once for each of these."""
    if set(map(type, values)) <= _REPEATING:
        known = {value: clean(value) for value in set(values)}
        return [known[value] for value in values]
    return [clean(value) for value in values]


# Of these alone, equal values mean the same (True == 1 == 1.0).
_REPEATING: Final = frozenset({str, type(None)})


def _moments(given: object, rows: int, now_ms: int) -> NDArray[np.int64]:
    if given is None:
        return np.full(rows, now_ms, np.int64)
    if isinstance(given, int | float | np.integer):
        return np.full(rows, moment(given), np.int64)
    return np.array([moment(value) for value in _listed(given, rows)], np.int64)


def _probe(given: object, rows: int) -> Bools | None:
    if isinstance(given, bool | np.bool_):
        return np.ones(rows, np.bool_) if given else None
    mask = np.array([bool(value) for value in _listed(given, rows)], np.bool_)
    return mask if mask.any() else None
