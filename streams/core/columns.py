"""Rows as columns: the one form in which predictions are counted, however they came.

A `PredictionBatch` is columns already and is only looked at through numpy; single `Prediction`s
are gathered into columns. Nothing here costs more memory or time than the message is long.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.bitmap import unpack_bits
from kedge.schemas.errors import UndecodableError

__all__ = [
    "Columns",
    "Numbers",
    "RefusedError",
    "Texts",
    "check_single",
    "columns_of_batch",
    "columns_of_singles",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
V = TypeVar("V")
C = TypeVar("C")

MAP_KEYS_MAX: Final = 1_000
"""Map keys of one record; more are a sender's mistake (an id used as a feature's name)."""


class RefusedError(Exception):
    """A readable record that must not be counted: the sender's fault, with the reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of float64, shape (rows,); `valid` None: every row has a value."""

    values: Floats
    valid: Bools | None = None

    def take(self, rows: Bools) -> "Numbers":
        """Return the rows where `rows`, shape (rows,), is true."""
        return Numbers(self.values[rows], None if self.valid is None else self.valid[rows])


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of strings: codes, shape (rows,), into a dictionary; `valid` as in `Numbers`."""

    dictionary: Sequence[str]
    codes: NDArray[np.int32]
    valid: Bools | None = None

    def take(self, rows: Bools) -> "Texts":
        """Return the rows where `rows`, shape (rows,), is true."""
        valid = None if self.valid is None else self.valid[rows]
        return Texts(self.dictionary, self.codes[rows], valid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Rows of one (model, version, role); every column has `timestamps.size` rows.

    A feature with values of both kinds stands in `numbers` and in `strings`.
    """

    model: str
    version: str
    role: str
    timestamps: NDArray[np.int64]
    numbers: Mapping[str, Numbers]
    strings: Mapping[str, Texts]
    segments: Mapping[str, Texts]
    score: Numbers | None = None
    label: Texts | None = None
    confidence: Numbers | None = None
    latency_ms: Numbers | None = None
    errors: Bools | None = None
    probe: Bools | None = None
    requests: NDArray[np.uint64] | None = None
    """Hashes of the request ids; None: not known here."""
    producer: str = ""
    """Who sent them in one batch; empty: single events, or a file."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.timestamps.size

    def take(self, rows: Bools) -> "Columns":
        """Return the rows where `rows`, shape (rows,), is true."""
        if rows.all():
            return self
        return replace(
            self,
            timestamps=self.timestamps[rows],
            numbers={name: column.take(rows) for name, column in self.numbers.items()},
            strings={name: column.take(rows) for name, column in self.strings.items()},
            segments={name: column.take(rows) for name, column in self.segments.items()},
            score=self.score and self.score.take(rows),
            label=self.label and self.label.take(rows),
            confidence=self.confidence and self.confidence.take(rows),
            latency_ms=self.latency_ms and self.latency_ms.take(rows),
            errors=None if self.errors is None else self.errors[rows],
            probe=None if self.probe is None else self.probe[rows],
            requests=None if self.requests is None else self.requests[rows],
        )


def columns_of_batch(batch: Mapping[str, Any]) -> Columns:
    """Return a decoded `PredictionBatch`'s columns; `RefusedError` where they do not fit together."""
    rows = batch["rows"]
    timestamps = np.frombuffer(_sized(batch["timestamps"], rows, 8, "timestamps"), "<i8")
    if rows == 0:
        raise RefusedError("empty_batch", "a batch of no rows")
    requests = np.frombuffer(_sized(batch["request_ids"], rows, 8, "request_ids"), "<u8")
    _check_keys(len(batch["numbers"]) + len(batch["strings"]), len(batch["segments"]))
    error = None if batch["error"] is None else _texts(batch["error"], rows, "error")
    failed = None
    if error is not None:
        failed = np.ones(rows, np.bool_) if error.valid is None else error.valid
    return Columns(
        model=batch["model"],
        version=batch["version"],
        role=batch["role"],
        timestamps=timestamps,
        numbers={name: _numbers(c, rows, "numbers") for name, c in batch["numbers"].items()},
        strings={name: _texts(c, rows, "strings") for name, c in batch["strings"].items()},
        segments={name: _texts(c, rows, "segments") for name, c in batch["segments"].items()},
        score=batch["score"] and _numbers(batch["score"], rows, "score"),
        label=batch["label"] and _texts(batch["label"], rows, "label"),
        confidence=_confidence([_numbers(c, rows, "class_scores") for c in batch["class_scores"].values()]),
        latency_ms=batch["latency_ms"] and _numbers(batch["latency_ms"], rows, "latency_ms"),
        errors=failed,
        probe=None if batch["probe"] is None else _bits(batch["probe"], rows, "probe"),
        requests=requests,
        producer=batch["producer"],
    )


def columns_of_singles(singles: Sequence[Mapping[str, Any]]) -> Columns:
    """Return decoded `Prediction`s of one (model, version, role), at least one, as columns."""
    first = singles[0]
    kinds = [_split(single["features"]) for single in singles]
    class_scores = [_confidence_of(single["class_scores"]) for single in singles]
    errors = np.array([single["error"] is not None for single in singles])
    probe = np.array([single["probe"] for single in singles])
    return Columns(
        model=first["model"],
        version=first["version"],
        role=first["role"],
        timestamps=np.array([single["timestamp"] for single in singles], np.int64),
        numbers=_gather([numbers for numbers, _ in kinds], _numbers_of),
        strings=_gather([strings for _, strings in kinds], _texts_of),
        segments=_gather([single["segment"] for single in singles], _texts_of),
        score=_numbers_of([single["score"] for single in singles]),
        label=_texts_of([single["label"] for single in singles]),
        confidence=_numbers_of(class_scores),
        latency_ms=_numbers_of([single["latency_ms"] for single in singles]),
        errors=errors if errors.any() else None,
        probe=probe if probe.any() else None,
    )


def check_single(single: Mapping[str, Any]) -> None:
    """Raise `RefusedError` for a `Prediction` that breaks a limit."""
    _check_keys(len(single["features"]), len(single["segment"]))


def _check_keys(features: int, segments: int) -> None:
    if max(features, segments) > MAP_KEYS_MAX:
        raise RefusedError("too_many_keys", f"more than {MAP_KEYS_MAX} keys in one map")


def _sized(data: bytes, rows: int, width: int, where: str) -> bytes:
    if len(data) != rows * width:
        raise RefusedError("column_length", f"{where}: {len(data)} bytes, {rows} rows need {rows * width}")
    return data


def _bits(data: bytes, rows: int, where: str) -> Bools:
    try:
        return unpack_bits(data, rows)
    except UndecodableError as error:
        raise RefusedError("column_length", f"{where}: bitmap does not fit {rows} rows") from error


def _valid(column: Mapping[str, Any], rows: int, where: str) -> Bools | None:
    return None if column["validity"] is None else _bits(column["validity"], rows, where)


def _numbers(column: Mapping[str, Any], rows: int, where: str) -> Numbers:
    values = np.frombuffer(_sized(column["values"], rows, 8, where), "<f8")
    return Numbers(values, _valid(column, rows, where))


def _texts(column: Mapping[str, Any], rows: int, where: str) -> Texts:
    codes = np.frombuffer(_sized(column["codes"], rows, 4, where), "<i4")
    valid = _valid(column, rows, where)
    used = codes if valid is None else codes[valid]
    if used.size and (used.min() < 0 or used.max() >= len(column["dictionary"])):
        raise RefusedError("code_range", f"{where}: a code outside the dictionary")
    if valid is not None:
        # A null row's code is looked up like the others': it must point somewhere.
        codes = np.where(valid, codes, np.int32(0))
    return Texts(column["dictionary"] or [""], codes, valid)


def _confidence(scores: Sequence[Numbers]) -> Numbers | None:
    """The largest class score of each row; missing where a row has none."""
    if not scores:
        return None
    present = [c.values if c.valid is None else np.where(c.valid, c.values, -np.inf) for c in scores]
    largest = np.maximum.reduce(present)
    valid = np.logical_or.reduce([np.ones(c.values.size, np.bool_) if c.valid is None else c.valid for c in scores])
    return Numbers(np.where(valid, largest, 0.0), None if valid.all() else valid)


def _confidence_of(class_scores: Mapping[str, float]) -> float | None:
    # np.max, not max(): NaN must come through, whatever its place.
    return float(np.max(list(class_scores.values()))) if class_scores else None


def _split(features: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    numbers: dict[str, float] = {}
    strings: dict[str, str] = {}
    for name, value in features.items():
        if isinstance(value, bool):
            strings[name] = "true" if value else "false"
        elif isinstance(value, str):
            strings[name] = value
        elif value is not None:
            numbers[name] = value
    return numbers, strings


def _gather(rows: Sequence[Mapping[str, V]], column_of: Callable[[list[V | None]], C | None]) -> dict[str, C]:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = ((name, column_of([row.get(name) for row in rows])) for name in names)
    return {name: column for name, column in columns if column is not None}


def _numbers_of(values: Sequence[float | None]) -> Numbers | None:
    valid = _present(values)
    if valid is None:
        return Numbers(np.array(values, np.float64))
    if not valid.any():
        return None
    return Numbers(np.array([0.0 if v is None else v for v in values], np.float64), valid)


def _texts_of(values: Sequence[str | None]) -> Texts | None:
    valid = _present(values)
    if valid is not None and not valid.any():
        return None
    codes: dict[str, int] = {}
    coded = [0 if v is None else codes.setdefault(v, len(codes)) for v in values]
    return Texts(list(codes), np.array(coded, np.int32), valid)


def _present(values: Iterable[object]) -> Bools | None:
    valid = np.array([value is not None for value in values])
    return None if valid.all() else valid
