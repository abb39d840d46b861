"""What a setting can be, and how it is read.

A bad value is refused with the variable's name and what was expected, never replaced by a default. What is set and
empty counts as not set: it is what compose files and units make of a variable that nobody gave.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class SettingsError(ValueError):
    """A setting is missing or cannot be used; the message says which one and what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One variable: who reads it, what it may hold, and what that means."""

    name: str
    readers: str
    doc: str

    def text(self, variables: Mapping[str, str]) -> str:
        """Return what is set, without space around it; empty: nothing."""
        return variables.get(self.name, "").strip()

    def usual(self) -> str:
        """Return its default, for a reader."""
        raise NotImplementedError

    def values(self) -> str:
        """Return its unit and range, for a reader."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Setting):
    """Words, a name, a path or an address; an empty `default`: there is none."""

    kind: str
    default: str = ""

    def read(self, variables: Mapping[str, str]) -> str:
        """Return what is set, else the default."""
        return self.text(variables) or self.default

    def usual(self) -> str:
        """Return its default, for a reader."""
        return f"`{self.default}`" if self.default else "none"

    def values(self) -> str:
        """Return what it holds, for a reader."""
        return self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Setting):
    """A number between `low` and `high`, both included.

    >>> seconds = Number(name="KEDGE_X_SECONDS", readers="nobody", doc="", unit="s", default=1.0, low=0.5, high=5)
    >>> seconds.read({}), seconds.read({"KEDGE_X_SECONDS": " 2 "})
    (1.0, 2.0)
    >>> seconds.read({"KEDGE_X_SECONDS": "soon"})
    Traceback (most recent call last):
    ...
    kedge.streams.variables.kinds.SettingsError: KEDGE_X_SECONDS: 'soon' is not a number
    """

    unit: str
    default: float
    low: float
    high: float

    def read(self, variables: Mapping[str, str]) -> float:
        """Return what is set, else the default.

        Raises:
            SettingsError: it is no number, or out of range.
        """
        text = self.text(variables)
        value = _parsed(self.name, text, float, "a number") if text else self.default
        self.check(value)
        return value

    def check(self, value: float) -> None:
        """Refuse what is out of range.

        Raises:
            SettingsError: it is.
        """
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise SettingsError(f"{self.name}: {value:g} is not between {self.low:g} and {self.high:g}")

    def usual(self) -> str:
        """Return its default, for a reader."""
        return f"`{self.default:g}`"

    def values(self) -> str:
        """Return its unit and range, for a reader."""
        return f"{self.unit}, {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Setting):
    """A whole number between `low` and `high`, both included."""

    unit: str
    default: int
    low: int
    high: int

    def read(self, variables: Mapping[str, str]) -> int:
        """Return what is set, else the default.

        Raises:
            SettingsError: it is no whole number, or out of range.
        """
        text = self.text(variables)
        value = _parsed(self.name, text, int, "a whole number") if text else self.default
        self.check(value)
        return value

    def check(self, value: int) -> None:
        """Refuse what is out of range.

        Raises:
            SettingsError: it is.
        """
        if not self.low <= value <= self.high:
            raise SettingsError(f"{self.name}: {value} is not between {self.low} and {self.high}")

    def usual(self) -> str:
        """Return its default, for a reader."""
        return f"`{self.default}`"

    def values(self) -> str:
        """Return its unit and range, for a reader."""
        return f"{self.unit}, {self.low} to {self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Setting):
    """True or false, and off where nothing is set."""

    def read(self, variables: Mapping[str, str]) -> bool:
        """Return what is set, else false.

        Raises:
            SettingsError: it is neither.
        """
        text = self.text(variables)
        if text.lower() in _TRUE:
            return True
        if not text or text.lower() in _FALSE:
            return False
        raise SettingsError(f"{self.name}: {text!r} is not true or false")

    def usual(self) -> str:
        """Return its default, for a reader."""
        return "`false`"

    def values(self) -> str:
        """Return what it holds, for a reader."""
        return "`true` or `false`"


def _parsed(name: str, text: str, parse: Callable[[str], T], expected: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is not {expected}") from None
