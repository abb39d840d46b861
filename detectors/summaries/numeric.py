"""Rows of a numeric feature, score or confidence, by bin."""

from dataclasses import dataclass, field

import numpy as np

from kedge.detectors.arrays import Counts, Floats, Mask
from kedge.detectors.grids import NumericGrid


@dataclass(frozen=True, eq=False)
class NumericSummary:
    """Counts over a numeric grid.

    >>> from kedge.detectors.grids import ValueGrid
    >>> summary = NumericSummary.empty(ValueGrid((0.0, 1.0)))
    >>> summary.update(np.array([1.0, 0.0, 7.0, np.nan, 0.0]), np.array([True, True, True, True, False])).counts
    array([1, 1, 1, 1, 1])
    """

    grid: NumericGrid
    counts: Counts = field(repr=False)
    """Shape (grid.size,)."""

    @classmethod
    def empty(cls, grid: NumericGrid) -> "NumericSummary":
        """The identity: no rows."""
        return cls(grid, np.zeros(grid.size, dtype=np.int64))

    def update(self, values: Floats, valid: Mask | None = None) -> "NumericSummary":
        """With these rows, too.

        Args:
            values: shape (n,); NaN and infinities are INVALID.
            valid: shape (n,), False where the row holds nothing (MISSING); None: every row holds something.
        """
        bins = self.grid.bins(values)
        if valid is not None:
            bins = np.where(valid, bins, self.grid.missing)
        return NumericSummary(self.grid, self.counts + np.bincount(bins, minlength=self.grid.size))

    def merge(self, other: "NumericSummary") -> "NumericSummary":
        """The rows of both.

        Raises:
            ValueError: counts over another grid.
        """
        if self.grid != other.grid:
            message = "summaries over different grids do not add up"
            raise ValueError(message)
        return NumericSummary(self.grid, self.counts + other.counts)
