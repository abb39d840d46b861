"""What a feature value is: a number, a text, nothing, or not a value at all.

One reading for `Publisher` and `validate`: what `validate` calls wrongly typed is what the worker counts as
INVALID. Everything that comes out is a plain immutable value, so nothing of the caller's is kept alive and no
code of the caller's runs later, in the background thread.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType, NoneType
from typing import Final

import numpy as np

__all__ = ["CODE_CHARS_MAX", "TEXT_CHARS_MAX", "UNSPECIFIED", "Plain", "code", "label", "number", "plain", "readable"]

Plain = float | str | None

TEXT_CHARS_MAX: Final = 1_024
"""Characters of a text value; longer ones are free text, not categories."""

CODE_CHARS_MAX: Final = 64
"""Characters of an error code."""

_CLASS_NUMBER_END: Final = 2**64

UNSPECIFIED: Final = "unspecified"
"""The error code of an error that was not given as a short code: the answer failed all the same."""


def readable(text: str) -> bool:
    """Return whether `text` can be written as UTF-8 (a lone surrogate cannot)."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(value: object) -> Plain:
    """Return a feature value as a float, a text, or None where there is none.

    Booleans become "true" and "false". NaN and infinities stay: the worker counts them as INVALID. NaN is also
    what everything becomes that is no value of a feature: lists, dates, decimals, bytes, texts longer than
    `TEXT_CHARS_MAX` or not writable as UTF-8, integers past the range of a double.

    >>> plain(np.int8(3)), plain(True), plain("a"), plain(None), plain([1.0])
    (3.0, 'true', 'a', None, nan)
    """
    reader = _READERS.get(type(value))
    return reader(value) if reader is not None else _unusual(value)


def number(value: object) -> float | None:
    """Return a score or a latency; NaN for what is not a number, None where there is none."""
    if value is None or type(value) is float:
        return value
    clean = plain(value)
    return math.nan if isinstance(clean, str) else clean


def label(value: object) -> str | None:
    """Return a predicted class as text; None, which the worker counts as missing, for what cannot be one.

    Integers are class numbers: 1 becomes "1".

    >>> label("late"), label(np.int64(1)), label(False), label([1])
    ('late', '1', 'false', None)
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        # Writing a huge integer out is slow, and past 4,300 digits refused by Python.
        return str(int(value)) if -_CLASS_NUMBER_END < value < _CLASS_NUMBER_END else None
    clean = plain(value)
    return clean if isinstance(clean, str) else None


def code(value: object) -> str | None:
    """Return an error code, `UNSPECIFIED` for what is no short text, None for no error."""
    if value is None:
        return None
    clean = plain(value)
    return clean if isinstance(clean, str) and 0 < len(clean) <= CODE_CHARS_MAX else UNSPECIFIED


def _float(value: object) -> float:
    return float(value)  # type: ignore[arg-type] # called for numbers only


def _whole(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type] # called for integers only
    except OverflowError:
        return math.nan


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _text(value: object) -> Plain:
    text = str.__str__(value)  # of an enum, its value; called for texts only
    return text if len(text) <= TEXT_CHARS_MAX and readable(text) else math.nan


def _nothing(_value: object) -> None:
    return None


_READERS: Final[Mapping[type, Callable[[object], Plain]]] = MappingProxyType(
    {
        float: _float,
        int: _whole,
        str: _text,
        bool: _boolean,
        NoneType: _nothing,
        np.float64: _float,
        np.float32: _float,
        np.int64: _whole,
        np.int32: _whole,
        np.bool_: _boolean,
        np.str_: _text,
    }
)


def _unusual(value: object) -> Plain:
    """Subclasses (enums) and numpy's rarer scalars."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | np.integer):
        return _whole(value)
    if isinstance(value, float | np.floating):
        return _float(value)
    return math.nan
