"""What a single value in a monitor file may look like, said once: it reads, it writes, it is JSON Schema.

`read` takes JSON-like data and returns the value, or `FAILED` after noting the problem. `write` is its inverse, in
canonical form.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

from kedge.schemas.monitor.notes import Notes

__all__ = [
    "NAME",
    "SHARE",
    "Choice",
    "Date",
    "Duration",
    "Flag",
    "Json",
    "Number",
    "Shape",
    "Text",
    "Whole",
    "duration_ms",
    "finite",
]

Json = dict[str, Any]
_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WHOLE_MAX: Final = 10**15


class Shape(Protocol):
    """What a value may look like."""

    def read(self, node: object, path: str, notes: Notes) -> Any:  # noqa: ANN401 - a value of the shape, or FAILED
        """Return the value in `node`, or FAILED with its problems noted."""

    def write(self, value: Any) -> object:  # noqa: ANN401 - a value of the shape
        """Return the canonical JSON of a value."""

    def json_schema(self) -> Json:
        """Return the JSON Schema of the shape."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of at least one character."""

    length_max: int = 200
    pattern: str | None = None
    expected: str = "text"

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the text."""
        if not isinstance(node, str) or not node:
            hint = "" if node is None or isinstance(node, str | list | dict) else " (put quotes around it)"
            return notes.refuse(path, node, self.expected + hint)
        if len(node) > self.length_max:
            return notes.refuse(path, node, f"at most {self.length_max} characters")
        if any("\ud800" <= character <= "\udfff" for character in node):
            return notes.refuse(path, node, f"{self.expected} without half a surrogate pair: UTF-8 has no place for it")
        if self.pattern is not None and not re.search(self.pattern, node):
            return notes.refuse(path, node, self.expected)
        return node

    def write(self, value: str) -> object:
        """Return the text."""
        return value

    def json_schema(self) -> Json:
        """Return a string schema."""
        pattern = {} if self.pattern is None else {"pattern": self.pattern}
        return {"type": "string", "minLength": 1, "maxLength": self.length_max, **pattern}


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number from `least` to `greatest`, as a float; where it is `open`, the bounds themselves are refused."""

    least: float | None = None
    greatest: float | None = None
    open: bool = False

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the number."""
        value = finite(node)
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.greatest is None else self.greatest
        if value is None or not low <= value <= high or (self.open and value in {low, high}):
            return notes.refuse(path, node, f"a number{self._expected()}")
        return value

    def write(self, value: float) -> object:
        """Return the number."""
        return value

    def json_schema(self) -> Json:
        """Return a number schema."""
        if not self.open:
            return {"type": "number", **_limits(self.least, self.greatest)}
        limits = {"exclusiveMinimum": self.least, "exclusiveMaximum": self.greatest}
        return {"type": "number", **{name: limit for name, limit in limits.items() if limit is not None}}

    def _expected(self) -> str:
        if not self.open:
            return _bounds(self.least, self.greatest)
        limits = (("above", self.least), ("below", self.greatest))
        return "".join(f" {word} {limit:g}" for word, limit in limits if limit is not None).replace(
            " below", " and below"
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `greatest`."""

    least: int
    greatest: int = _WHOLE_MAX

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the number; 3.0 is whole, as it is to JSON Schema."""
        value = finite(node)
        if value is None or not value.is_integer() or not self.least <= value <= self.greatest:
            return notes.refuse(path, node, f"a whole number{_bounds(self.least, self.greatest)}")
        return int(value)

    def write(self, value: int) -> object:
        """Return the number."""
        return value

    def json_schema(self) -> Json:
        """Return an integer schema."""
        return {"type": "integer", **_limits(self.least, self.greatest)}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the flag."""
        return node if isinstance(node, bool) else notes.refuse(path, node, "true or false")

    def write(self, value: bool) -> object:  # noqa: FBT001 - the value itself
        """Return the flag."""
        return value

    def json_schema(self) -> Json:
        """Return a boolean schema."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, as `make` of it."""

    words: tuple[str, ...]
    make: Callable[[str], object] = str

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the member."""
        if not isinstance(node, str) or node not in self.words:
            return notes.refuse(path, node, f"one of {', '.join(self.words)}")
        return self.make(node)

    def write(self, value: str) -> object:
        """Return the word."""
        return str(value)

    def json_schema(self) -> Json:
        """Return an enum schema."""
        return {"enum": list(self.words)}

    @classmethod
    def of(cls, members: type[StrEnum]) -> "Choice":
        """Return the choice between an enum's values."""
        return cls(tuple(members), members)


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds as a whole number, or text such as 90s, 5m, 1h, 1d; as int milliseconds."""

    least_ms: int = 1_000
    greatest_ms: int = 366 * 86_400_000

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the milliseconds."""
        value = _milliseconds(node)
        if value is None:
            return notes.refuse(path, node, "a duration such as 90s, 5m, 1h or 1d, or whole seconds")
        if not self.least_ms <= value <= self.greatest_ms:
            low, high = self.least_ms // 1_000, self.greatest_ms // 86_400_000
            return notes.refuse(path, node, f"a duration from {low}s to {high}d")
        return value

    def write(self, value: int) -> object:
        """Return whole seconds."""
        return value // 1_000

    def json_schema(self) -> Json:
        """Return a schema of both spellings; the bounds of a text only the parser sees."""
        seconds = Whole(self.least_ms // 1_000, self.greatest_ms // 1_000).json_schema()
        return {"anyOf": [seconds, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]}


@dataclass(frozen=True, slots=True)
class Date:
    """A day as ISO 8601 has it, as text."""

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the date."""
        if not isinstance(node, str) or not _DATE.fullmatch(node) or not _is_day(node):
            return notes.refuse(path, node, "a date such as 2026-03-31")
        return node

    def write(self, value: str) -> object:
        """Return the date."""
        return value

    def json_schema(self) -> Json:
        """Return a string schema; which days a month has only the parser sees."""
        return {"type": "string", "pattern": f"^{_DATE.pattern}$"}


NAME: Final = Text(expected="a name")
SHARE: Final = Number(0, 1)


def finite(node: object) -> float | None:
    """Return a finite number as a float, None for anything else."""
    if isinstance(node, bool) or not isinstance(node, int | float):
        return None
    try:
        value = float(node)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def duration_ms(text: str) -> int | None:
    """Return the milliseconds of a duration such as 90s, 5m, 1h or 1d; None: it is none.

    >>> duration_ms("90s"), duration_ms("90")
    (90000, None)
    """
    match = _DURATION.fullmatch(text)
    return int(match[1]) * _UNIT_MS[match[2]] if match else None


def _milliseconds(node: object) -> int | None:
    if isinstance(node, str):
        return duration_ms(node)
    value = finite(node)
    return int(value) * 1_000 if value is not None and value.is_integer() else None


def _bounds(least: float | None, greatest: float | None) -> str:
    if greatest is None or greatest == _WHOLE_MAX:
        return "" if least is None else f" of at least {least:g}"
    return f" from {least:g} to {greatest:g}"


def _limits(least: float | None, greatest: float | None) -> Json:
    low = {} if least is None else {"minimum": least}
    return low if greatest is None else {**low, "maximum": greatest}
