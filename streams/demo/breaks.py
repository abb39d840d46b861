"""What can go wrong upstream, one way for each feature: the table behind `kedge demo --break`.

Each is a change that somebody made with good intentions and without telling the model's owner.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.streams.core.columns import Columns, Numbers, Texts

__all__ = ["BREAKS", "break_rows", "close_laguardia", "hours_in_utc"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TextBreak:
    """Every text is written otherwise."""

    what: str
    rewrite: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class NumberBreak:
    """Every number is another; NaN: it is missing."""

    what: str
    rewrite: Callable[[Floats], Floats]


Break = TextBreak | NumberBreak


def _icao(code: str) -> str:
    return f"K{code}"


def _lost(values: Floats) -> Floats:
    return np.full_like(values, np.nan)


BREAKS: Final[Mapping[str, Break]] = MappingProxyType(
    {
        "carrier": TextBreak("carrier codes come in lower case", str.lower),
        "origin": TextBreak("origins come as ICAO codes, KJFK for JFK", _icao),
        "dest": TextBreak("destinations come as ICAO codes, KORD for ORD", _icao),
        "distance": NumberBreak("distance comes in kilometres instead of miles", lambda miles: miles * 1.609344),
        "departure_hour": NumberBreak("departure hours come in UTC", lambda hour: (hour + 4) % 24),
        "seats": NumberBreak("the aircraft register is not joined any more: no seats", _lost),
        "plane_year": NumberBreak("years of manufacture come with two digits", lambda year: year % 100),
    }
)
"""By feature; every feature of the model has one."""


def break_rows(columns: Columns, name: str, rows: NDArray[np.bool_]) -> Columns:
    """Return the columns with one feature broken where `rows`, shape (rows,), is true."""
    broken = BREAKS[name]
    if isinstance(broken, TextBreak):
        texts = _rewritten(columns.strings[name], broken, rows)
        return replace(columns, strings={**columns.strings, name: texts})
    numbers = columns.numbers[name]
    values = np.where(rows, broken.rewrite(numbers.values), numbers.values)
    valid = np.isfinite(values)
    return replace(columns, numbers={**columns.numbers, name: Numbers(values, None if valid.all() else valid)})


def hours_in_utc(columns: Columns) -> Columns:
    """Return the columns with the departure hours of New York's summer in UTC."""
    return break_rows(columns, "departure_hour", np.ones(columns.rows, np.bool_))


def close_laguardia(columns: Columns, rows: NDArray[np.bool_]) -> Columns:
    """Return the columns with LaGuardia's flights of `rows` leaving from Newark: no fault, the world has changed."""
    moved = TextBreak("LaGuardia is closed", lambda code: "EWR" if code == "LGA" else code)
    return replace(columns, strings={**columns.strings, "origin": _rewritten(columns.strings["origin"], moved, rows)})


def _rewritten(texts: Texts, broken: TextBreak, rows: NDArray[np.bool_]) -> Texts:
    size = len(texts.dictionary)
    dictionary = [*texts.dictionary, *map(broken.rewrite, texts.dictionary)]
    return Texts(dictionary, np.where(rows, texts.codes + size, texts.codes).astype(np.int32), texts.valid)
