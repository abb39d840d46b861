"""Small pictures of what drifted: reference beside current, bin by bin."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from kedge.schemas.records import Bin, Finding

__all__ = ["bar", "picture"]

_WIDTH: Final = 16
_BINS: Final = 12
_TELLING: Final = 8
"""Of a signal with more than 12 bins."""
_NAMES: Final = 5
_LEAST: Final = 0.005
"""Share below which a bin would be drawn as nothing."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def bar(share: float, largest: float, width: int = _WIDTH) -> str:
    """Return a bar of at most `width` cells, drawn to an eighth of a cell.

    >>> bar(0.5, 1.0, 4), bar(0.03125, 1.0, 4), bar(0.0, 0.0, 4)
    ('██', '▏', '')
    """
    eighths = round(8 * width * share / largest) if largest > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def picture(finding: Finding) -> Table:
    """Return the bins in the grid's order; of many, those that the drift is made of."""
    bins = _telling(finding.bins)
    largest = max((max(b.reference, b.current) for b in bins), default=0.0)
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", min_width=14, no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", min_width=4)
        table.add_column(min_width=_WIDTH, no_wrap=True)
    table.add_row("", Text("reference", "dim"), "", Text("current", "dim"), "")
    for b in bins:
        table.add_row(
            Text(b.label),
            f"{b.reference:.0%}",
            Text(bar(b.reference, largest), "cyan"),
            f"{b.current:.0%}",
            Text(bar(b.current, largest), "red"),
        )
    named = finding.unseen_categories[:_NAMES]
    if named:
        more = " …" if sum(share.count for share in named) < finding.unseen else ""
        return _with_note(table, f"never seen before: {', '.join(f'{n.name} {n.count:,}' for n in named)}{more}")
    return table


def _with_note(table: Table, note: str) -> Table:
    whole = Table.grid()
    whole.add_row(table)
    whole.add_row(Text(f"{'':>15}{note}", "dim"))
    return whole


def _telling(bins: Sequence[Bin]) -> list[Bin]:
    seen = [b for b in bins if max(b.reference, b.current) >= _LEAST]
    if len(seen) <= _BINS:
        return seen
    most = sorted(range(len(seen)), key=lambda i: -seen[i].contribution)[:_TELLING]
    return [seen[i] for i in sorted(most)]
