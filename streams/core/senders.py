"""Which senders of batches a pane's rows came from: evidence of one sender alone must not move traffic."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np

from kedge.streams.core.cells import Cell
from kedge.streams.core.columns import Columns

__all__ = ["SENDERS_MAX", "add_sender", "count_senders"]

SENDERS_MAX: Final = 32
"""Senders that a cell remembers: those with the most rows."""


def count_senders(parts: Sequence[Columns], panes: Collection[int], pane_ms: int) -> Iterator[tuple[int, str, int]]:
    """Yield (pane start, producer, rows) of the batches among the parts; `panes` are those that any row lies in."""
    counts = Counter[tuple[int, str]]()
    batches = [part for part in parts if part.producer]
    if len(panes) == 1:
        [pane] = panes
        for part in batches:
            counts[pane, part.producer] += part.rows
    else:
        for part in batches:
            found, rows = np.unique(part.timestamps // pane_ms, return_counts=True)
            for place, number in zip(found.tolist(), rows.tolist(), strict=True):
                counts[place * pane_ms, part.producer] += number
    return ((pane, producer, rows) for (pane, producer), rows in counts.items())


def add_sender(cell: Cell, hashed: int, rows: int) -> None:
    """Add a sender's rows to a cell of all rows; the one with the fewest is forgotten where they are too many."""
    cell.senders[hashed] = cell.senders.get(hashed, 0) + rows
    if len(cell.senders) > SENDERS_MAX:
        del cell.senders[min(cell.senders, key=lambda sender: (cell.senders[sender], sender))]
