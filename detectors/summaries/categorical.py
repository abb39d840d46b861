"""Rows of a categorical feature, or of the predicted class, by bin."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kedge.detectors.arrays import Bins, Counts, Mask
from kedge.detectors.grids import CategoryGrid

INVALID_CODE = -1
"""Code of a row that holds something, but no string."""


@dataclass(frozen=True, eq=False)
class CategoricalSummary:
    """Counts over a categorical grid.

    >>> summary = CategoricalSummary.empty(CategoryGrid(("UA", "AA"), np.array([], dtype=np.uint64)))
    >>> summary.update(["AA", "??"], np.array([0, 0, 1, -1])).counts
    array([0, 2, 0, 1, 0, 1])
    """

    grid: CategoryGrid
    counts: Counts = field(repr=False)
    """Shape (grid.size,)."""

    @classmethod
    def empty(cls, grid: CategoryGrid) -> "CategoricalSummary":
        """The identity: no rows."""
        return cls(grid, np.zeros(grid.size, dtype=np.int64))

    def update(self, dictionary: Sequence[str], codes: Bins, valid: Mask | None = None) -> "CategoricalSummary":
        """With these rows, too.

        Args:
            dictionary: the strings that occur.
            codes: shape (n,), each row's index into the dictionary, or `INVALID_CODE`.
            valid: shape (n,), False where the row holds nothing (MISSING); None: every row holds something.
        """
        # The appended bin is the one that code -1 finds.
        bins = np.append(self.grid.bins_of(dictionary), self.grid.invalid)[codes]
        if valid is not None:
            bins = np.where(valid, bins, self.grid.missing)
        return CategoricalSummary(self.grid, self.counts + np.bincount(bins, minlength=self.grid.size))

    def merge(self, other: "CategoricalSummary") -> "CategoricalSummary":
        """The rows of both.

        Raises:
            ValueError: counts over another grid.
        """
        if self.grid != other.grid:
            message = "summaries over different grids do not add up"
            raise ValueError(message)
        return CategoricalSummary(self.grid, self.counts + other.counts)
