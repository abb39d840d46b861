"""Arithmetic of event time: panes, windows, and which windows hold a pane.

Times are int milliseconds UTC; every interval is half open. Panes and windows are aligned to the
epoch, so that any two workers cut time at the same places.
"""

from collections.abc import Iterator

from kedge.schemas.monitor import WindowSpec

__all__ = ["is_decision_window", "pane_start", "window_starts"]


def pane_start(timestamp_ms: int, pane_ms: int) -> int:
    """Return the start of the pane that holds `timestamp_ms`.

    >>> pane_start(119_999, 60_000)
    60000
    """
    return timestamp_ms - timestamp_ms % pane_ms


def window_starts(pane_start_ms: int, windows: WindowSpec) -> Iterator[int]:
    """Yield the starts, ascending, of the windows that hold the pane at `pane_start_ms`."""
    last = pane_start(pane_start_ms, windows.hop_ms)
    first = last - (windows.length_ms - windows.hop_ms)
    return (
        start
        for start in range(first, last + 1, windows.hop_ms)
        if pane_start_ms + windows.pane_ms <= start + windows.length_ms
    )


def is_decision_window(start_ms: int, end_ms: int, windows: WindowSpec) -> bool:
    """Return whether a policy looks at this window: one of the disjoint ones, and whole."""
    return end_ms - start_ms == windows.length_ms and start_ms % windows.length_ms == 0
