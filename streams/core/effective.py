"""From when a new monitor or baseline acts."""

from math import lcm
from typing import Final

from kedge.schemas.monitor import WindowSpec

__all__ = ["aligned", "effective_from"]

PANES_AHEAD: Final = 3
"""Every worker must have read it before the first row that it is for."""


def effective_from(now_ms: int, old: WindowSpec, new: WindowSpec) -> int:
    """Return the first event time, a few panes ahead of now, at which a window of both begins.

    A common multiple of the old and new windows' lengths: no disjoint window crosses it.

    >>> effective_from(1_000_000, WindowSpec(), WindowSpec(length_ms=420_000))
    2100000
    """
    return aligned(now_ms + PANES_AHEAD * max(old.pane_ms, new.pane_ms), old, new)


def aligned(earliest_ms: int, old: WindowSpec, new: WindowSpec) -> int:
    """Return the first event time from `earliest_ms` on at which a window of both begins."""
    step = lcm(old.length_ms, new.length_ms)
    return -(-earliest_ms // step) * step
