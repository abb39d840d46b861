"""Categories that the baseline never had: followed by keyed hash, named once they are many.

The name of a category that came a few times may be somebody's name or card number; only a
frequent one is the mark of an upstream change, and only that is kept (design: disclosure).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from kedge.detectors.grids import CategoryGrid
from kedge.schemas.monitor import Disclose
from kedge.streams.core.binning import column_of
from kedge.streams.core.cells import UNSEEN_MAX, Cell, Unseen
from kedge.streams.core.columns import Columns
from kedge.streams.core.plan import Plan, PlanSignal

__all__ = ["FREQUENT_MIN", "Stranger", "add_stranger", "find_strangers"]

FREQUENT_MIN: Final = 20
"""Occurrences in one pane from which on a category may be named."""

NAME_CHARS_MAX: Final = 64


class Stranger(NamedTuple):
    """An unseen category in some rows of one pane."""

    signal: PlanSignal
    pane_start: int
    name: str
    rows: int


def find_strangers(plan: Plan, parts: Sequence[Columns]) -> Iterator[Stranger]:
    """Yield what the categorical signals of these rows hold that the baseline never had."""
    for signal in plan.signals:
        if isinstance(signal.grid, CategoryGrid):
            for part in parts:
                yield from _of_part(plan, signal, signal.grid, part)


def _of_part(plan: Plan, signal: PlanSignal, grid: CategoryGrid, part: Columns) -> Iterator[Stranger]:
    _, texts = column_of(signal, part)
    if texts is None:
        return
    unseen = np.asarray(grid.bins_of(texts.dictionary)) == grid.unseen
    if not unseen.any():
        return
    rows = unseen[texts.codes]
    if texts.valid is not None:
        rows &= texts.valid
    panes = part.timestamps[rows] // plan.windows.pane_ms
    pairs, counts = np.unique(np.stack([panes, texts.codes[rows].astype(np.int64)]), axis=1, return_counts=True)
    for pane, code, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
        yield Stranger(signal, pane * plan.windows.pane_ms, texts.dictionary[code], count)


def add_stranger(cell: Cell, stranger: Stranger, hash_of: Callable[[str], int]) -> None:
    """Add an unseen category to its cell, by name as far as its signal's disclosure allows."""
    key = (stranger.signal.index, hash_of(stranger.name))
    if key not in cell.unseen and len(cell.unseen) >= UNSEEN_MAX:
        return
    unseen = cell.unseen.setdefault(key, Unseen())
    unseen.count += stranger.rows
    disclose = stranger.signal.disclose
    if disclose is Disclose.VALUES or (disclose is Disclose.FREQUENT and unseen.count >= FREQUENT_MIN):
        unseen.name = stranger.name[:NAME_CHARS_MAX]
