"""Where text for people goes, and its colours."""

from collections.abc import Mapping
from typing import Final

from rich.console import Console

from kedge.schemas.records import Verdict

__all__ = ["STYLES", "screen"]

STYLES: Final[Mapping[Verdict, str]] = {
    Verdict.INVALID: "magenta",
    Verdict.INSUFFICIENT: "bright_black",
    Verdict.STABLE: "green",
    Verdict.WARNING: "yellow",
    Verdict.DRIFTED: "red",
}
_WIDTH_MIN: Final = 120


def screen() -> Console:
    """Return standard output; a file or pipe is wide enough for every table."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH_MIN)
    return console
