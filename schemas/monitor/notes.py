"""What is wrong with a file: every problem, with its path, in words."""

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["FAILED", "Notes", "Problem", "join"]

FAILED: Final = object()
"""Stands for a value that could not be read; its problems are in the notes."""

_SHOWN_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """Where in a file, and what is wrong and was expected there."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" if self.path else self.what


@dataclass(slots=True)
class Notes:
    """The problems of one file, as they are found."""

    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: str, given: object, expected: str) -> object:
        """Note that `given` is not what was expected; returns FAILED."""
        return self.add(path, f"{_show(given)} given, expected {expected}")

    def add(self, path: str, what: str) -> object:
        """Note a problem in words; returns FAILED."""
        self.problems.append(Problem(path, what))
        return FAILED


def join(path: str, name: object) -> str:
    """Return the path of `name` in the mapping at `path`.

    >>> join("features", "age"), join("features", "a.b"), join("", "model")
    ('features.age', "features['a.b']", 'model')
    """
    if isinstance(name, str) and re.fullmatch(r"[\w-]+", name):
        return f"{path}.{name}" if path else name
    return f"{path}[{_show(name)}]"


def _show(given: object) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return f"a list of {len(given)}"
    shown = repr(given)
    return shown if len(shown) <= _SHOWN_MAX else f"{shown[: _SHOWN_MAX - 2]} …"
