"""A column of times to milliseconds since 1970-01-01 UTC."""

import datetime as dt
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kedge.streams.tables.errors import TableError

__all__ = ["times_of"]

_UNITS: Final = ((1e11, 1e3, "seconds"), (1e14, 1.0, "milliseconds"), (1e17, 1e-3, "microseconds"))
"""Numbers below the first are of the third; nanoseconds beyond. 1e11 seconds are in the year 5138."""


def times_of(name: str, column: Any) -> NDArray[np.int64]:  # noqa: ANN401 - pyarrow has no types
    """Return shape (rows,), each > 0. A time without a zone is UTC; a number's unit shows in its size.

    Raises:
        TableError: a row without a time, or one that is none, by its number.
    """
    if column.null_count:
        raise _bad(name, int(pc.index(pc.is_null(column), value=True).as_py()), "has no time")
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        plain = pc.cast(column, pa.timestamp("ms", getattr(kind, "tz", None)), safe=False)
        times = plain.cast(pa.int64()).to_numpy()
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        times = _of_numbers(name, pc.cast(column, pa.float64(), safe=False).to_numpy())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        times = _of_texts(name, column)
    else:
        raise TableError(f"column {name!r} holds {kind}, expected times")
    early = np.flatnonzero(times <= 0)
    if early.size:
        raise _bad(name, int(early[0]), "lies before 1970-01-01T00:00:00.001Z")
    return np.asarray(times, np.int64)


def _of_numbers(name: str, values: NDArray[np.float64]) -> NDArray[np.int64]:
    odd = np.flatnonzero(~np.isfinite(values))
    if odd.size:
        raise _bad(name, int(odd[0]), f"is {values[odd[0]]}, expected a time")
    largest = float(np.abs(values).max())
    factor = next((factor for limit, factor, _ in _UNITS if largest < limit), 1e-6)
    return np.floor(values * factor).astype(np.int64)


def _of_texts(name: str, column: Any) -> NDArray[np.int64]:  # noqa: ANN401 - pyarrow has no types
    for zone in (None, "UTC"):
        try:
            parsed = pc.cast(column, pa.timestamp("ms", zone))
        except pa.ArrowInvalid:
            continue
        return np.asarray(parsed.cast(pa.int64()).to_numpy(), np.int64)
    # Mixed forms: one by one, which also finds the row that is none.
    return np.array([_of_text(name, row, text) for row, text in enumerate(column.to_pylist())], np.int64)


def _of_text(name: str, row: int, text: str) -> int:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _bad(name, row, f"{text!r} is no time: expected ISO 8601, such as 2013-01-01T05:15:00Z") from None
    time = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    return (time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _bad(name: str, row: int, what: str) -> TableError:
    return TableError(f"column {name!r}, row {row + 1}: {what}")
