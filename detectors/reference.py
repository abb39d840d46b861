"""The frozen baseline of one signal in one segment, and everything that follows from it alone."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from kedge.detectors.arrays import Counts, Mask
from kedge.detectors.grids import Grid


@dataclass(frozen=True, eq=False)
class Reference:
    """Baseline counts over a grid.

    Keep one per (signal, segment) for as long as its baseline holds: what `compare` needs of it is computed once.
    """

    grid: Grid
    counts: Counts = field(repr=False)
    """Shape (grid.size,): baseline rows a fine bin. All zero: the baseline has no such rows."""
    mean: float | None = None
    """Of the present, valid values, in the feature's unit; None for categories."""
    std: float | None = None
    """Standard deviation of the same."""

    def __post_init__(self) -> None:
        """Refuse counts that are not the grid's.

        Raises:
            ValueError: wrong length, wrong type or a negative count.
        """
        if self.counts.shape != (self.grid.size,) or self.counts.dtype != np.int64 or np.any(self.counts < 0):
            message = f"counts must be {self.grid.size} non-negative int64"
            raise ValueError(message)

    @cached_property
    def n(self) -> int:
        """Baseline rows, missing and invalid ones included."""
        return int(self.counts.sum())

    @cached_property
    def decision_counts(self) -> Counts:
        """Baseline rows a decision bin."""
        return self.to_decision(self.counts)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A label a decision bin."""
        return self.grid.labels()

    @cached_property
    def constant(self) -> bool:
        """Whether the baseline fills a single bin, so that it cannot vouch for any variation."""
        return int(np.count_nonzero(self.counts)) == 1

    @cached_property
    def pipeline_bins(self) -> Mask:
        """Decision bins that a fault upstream fills, shape (number of labels,): missing, invalid, never seen."""
        groups = self.grid.decision()
        marked = np.zeros(len(self.labels), dtype=np.bool_)
        marked[groups[[*self.grid.foreign, self.grid.missing, self.grid.invalid]]] = True
        return marked

    def to_decision(self, counts: Counts) -> Counts:
        """Fine counts added up to decision bins, exactly; shape (number of labels,)."""
        return np.add.reduceat(counts, self._decision_starts)

    @cached_property
    def _decision_starts(self) -> Counts:
        # Decision bins are runs of fine ones: the runs' first indices are all that adding up needs.
        groups = self.grid.decision()
        return np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
