"""Times, spans and numbers as a tired person reads them."""

import datetime as dt
import math
from typing import Final

__all__ = ["DAY_MS", "amount", "clock_time", "number", "share", "span"]

DAY_MS: Final = 86_400_000
_UNITS: Final = (("d", DAY_MS), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))
_LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond that a calendar has a date for."""


def clock_time(at_ms: int, now_ms: int) -> str:
    """Return a time in UTC, with its date unless it is today's.

    >>> clock_time(1_700_000_000_000, 1_700_000_100_000), clock_time(1_700_000_000_000, 1_800_000_000_000)
    ('22:13:20 UTC', '2023-11-14 22:13 UTC')
    """
    at = _date(at_ms)
    return f"{at:%H:%M:%S} UTC" if at.date() == _date(now_ms).date() else f"{at:%Y-%m-%d %H:%M} UTC"


def span(ms: float) -> str:
    """Return a length of time in its largest fitting unit; below nothing is nothing.

    >>> [span(ms) for ms in (-5, 800, 61_000, 7_300_000, 3 * DAY_MS)]
    ['0 s', '0 s', '1 min', '2 h', '3 d']
    """
    for unit, size in _UNITS:
        if ms >= size:
            return f"{int(ms // size):,} {unit}"
    return "0 s"


def share(value: float | None) -> str:
    """Return a share as a percentage, finer the smaller it is; unknown is said.

    >>> [share(value) for value in (None, 0.0, 0.0004, 0.25, 1.0)]
    ['not known', '0 %', '0.040 %', '25.0 %', '100 %']
    """
    if value is None or not math.isfinite(value):
        return "not known"
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    return f"{value:.1%}".replace("%", " %") if abs(value) >= 0.01 else f"{value:.3%}".replace("%", " %")  # noqa: PLR2004


def number(value: float | None) -> str:
    """Return a measured number in three figures; unknown is said.

    >>> [number(value) for value in (None, 0.12345, -1e-12, 12345.6)]
    ['not known', '0.123', '0', '12,300']
    """
    if value is None or not math.isfinite(value):
        return "not known"
    if abs(value) < 1e-9:  # noqa: PLR2004 - nothing that is measured is so near nothing
        return "0"
    return f"{float(f'{value:.3g}'):,.12g}"


def amount(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    >>> amount(1, "model"), amount(2, "model"), amount(0, "is", "are")
    ('1 model', '2 models', '0 are')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _date(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(min(max(at_ms, 0), _LATEST_MS) / 1_000, dt.UTC)
