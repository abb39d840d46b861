"""What one check has come to."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level", "fail", "ok", "unknown", "warn"]


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look at it."""
    FAIL = "fail"
    UNKNOWN = "not known"
    """It could not be checked from here; never taken for well."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was checked, how it is, and what to do about it (empty where nothing is)."""

    check: str
    level: Level
    said: str
    do: str = ""
    model: str = ""
    """Whose check it is; empty: the deployment's."""


def ok(check: str, said: str) -> Finding:
    """Return that it is well."""
    return Finding(check, Level.OK, said)


def warn(check: str, said: str, do: str) -> Finding:
    """Return that somebody should look at it."""
    return Finding(check, Level.WARN, said, do)


def fail(check: str, said: str, do: str) -> Finding:
    """Return that it is not as it must be."""
    return Finding(check, Level.FAIL, said, do)


def unknown(check: str, said: str, do: str) -> Finding:
    """Return that nobody can say."""
    return Finding(check, Level.UNKNOWN, said, do)
