"""How much event time rows cover: what bounds the memory and time that a message may cost.

A cell is thousands of times larger than a row. A message whose every row lies in a pane of its own must cost what its
rows cost, not what its panes would.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns

__all__ = ["PANES_MAX", "distinct_panes", "in_few_panes"]

PANES_MAX: Final = 4_096
"""Panes that the rows of one message may lie in: a row a minute for nearly three days."""

_AT_ONCE: Final = 256
"""Panes that are counted together."""


def distinct_panes(columns: Columns, catalog: Catalog) -> int:
    """Return in how many panes rows lie, at least one row; 1 for a model that nobody monitors."""
    active = catalog.monitor_at(columns.model, int(columns.timestamps.max()))
    if active is None:
        return 1
    pane_ms = active.spec.windows.pane_ms
    first, last = int(columns.timestamps.min()) // pane_ms, int(columns.timestamps.max()) // pane_ms
    if last - first < PANES_MAX:
        return last - first + 1
    return int(np.unique(columns.timestamps // pane_ms).size)


def in_few_panes(parts: Sequence[Columns], pane_ms: int) -> Iterator[Sequence[Columns]]:
    """Yield the rows in pieces of at most 256 panes, in order of time; nearly always in one."""
    first = min(int(part.timestamps.min()) for part in parts) // pane_ms
    last = max(int(part.timestamps.max()) for part in parts) // pane_ms
    if last - first < _AT_ONCE:
        yield parts
        return
    panes = np.unique(np.concatenate([part.timestamps for part in parts]) // pane_ms)
    for start in range(0, panes.size, _AT_ONCE):
        low, high = panes[start] * pane_ms, (panes[min(start + _AT_ONCE, panes.size) - 1] + 1) * pane_ms
        pieces = (part.take((part.timestamps >= low) & (part.timestamps < high)) for part in parts)
        yield [piece for piece in pieces if piece.rows]
