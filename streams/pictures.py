"""Small pictures in text: reference against current, bin by bin."""

from collections.abc import Sequence
from typing import Final, Protocol

__all__ = ["Bar", "bars", "printable", "shifts"]

_LEVELS: Final = " ▁▂▃▄▅▆▇█"


class Bar(Protocol):
    """A bin as reports and alerts have it."""

    @property
    def label(self) -> str:
        """What falls in it."""

    @property
    def reference(self) -> float:
        """Its share of the reference."""

    @property
    def current(self) -> float:
        """Its share of the window."""

    @property
    def contribution(self) -> float:
        """Its part of the PSI."""


def bars(shares: Sequence[float], highest: float) -> str:
    """Return a bar a share, full at `highest`; a share above 0 is never blank.

    >>> bars([0.0, 0.01, 0.25, 0.5], 0.5)
    ' ▁▄█'
    """
    top = len(_LEVELS) - 1
    if highest <= 0:
        return " " * len(shares)
    return "".join(_LEVELS[min(top, max(int(share > 0), round(share / highest * top)))] for share in shares)


def printable(text: str) -> str:
    r"""Return text that a terminal only shows: names come from senders, and may hold control codes.

    >>> printable("a\x1b[31mb")
    'a·[31mb'
    """
    return "".join(character if character.isprintable() else "·" for character in text)


def shifts(bins: Sequence[Bar], most: int = 3) -> list[str]:
    """Return the bins that moved most, in words.

    >>> from kedge.schemas.records import Bin
    >>> shifts([Bin(label="UA", reference=0.2, current=0.0, contribution=1.5)])
    ['UA 20% → 0%']
    """
    ranked = sorted(bins, key=lambda bar: -bar.contribution)[:most]
    return [f"{printable(bar.label)} {bar.reference:.0%} → {bar.current:.0%}" for bar in ranked]
