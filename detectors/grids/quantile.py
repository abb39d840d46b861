"""Bins between the baseline's quantiles, for features and scores with many values."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from kedge.detectors.arrays import Bins, Floats
from kedge.detectors.grids.labels import INVALID, MISSING, distinct_numbers
from kedge.detectors.grids.lookup import Lookup

_GUARDS = 2  # below and above
_SPECIAL = 2  # MISSING and INVALID


@dataclass(frozen=True)
class QuantileGrid:
    """Fine bins ``[below, f_0, …, f_k, above, MISSING, INVALID]`` (definitions, Bins 1).

    With edges ``e_0 < … < e_{k-1}``: below is ``x < low``, ``f_0 = [low, e_0)``, ``f_i = [e_{i-1}, e_i)``,
    ``f_k = [e_{k-1}, high]`` and above is ``x > high``. -0.0 counts as 0.0; NaN and infinities are INVALID.
    Decision bins are unions of fine ones between the guards.
    """

    edges: tuple[float, ...]
    """Interior fine edges, ascending; may be empty (a baseline of nearly one value)."""
    low: float
    """The baseline's 0.1 % quantile."""
    high: float
    """The baseline's 99.9 % quantile."""
    decision_edges: tuple[int, ...]
    """Which of ``edges`` bound the decision bins: ascending indices."""

    def __post_init__(self) -> None:
        """Refuse what could not have been fitted.

        Raises:
            ValueError: edges not finite and strictly ascending between low (exclusive) and high, or decision edges
                that are no ascending indices into them.
        """
        axis = (self.low, *self.edges)
        ascending = all(left < right for left, right in pairwise(axis)) and axis[-1] <= self.high
        if not (all(map(math.isfinite, (*axis, self.high))) and ascending):
            message = "edges must be finite and ascend strictly from above low up to high"
            raise ValueError(message)
        inside = all(0 <= index < len(self.edges) for index in self.decision_edges)
        if not inside or any(left >= right for left, right in pairwise(self.decision_edges)):
            message = "decision_edges must be ascending indices into edges"
            raise ValueError(message)

    @property
    def size(self) -> int:
        """Number of fine bins."""
        return len(self.edges) + 1 + _GUARDS + _SPECIAL

    @property
    def missing(self) -> int:
        """Index of the MISSING bin."""
        return self.size - 2

    @property
    def invalid(self) -> int:
        """Index of the INVALID bin."""
        return self.size - 1

    @property
    def foreign(self) -> tuple[int, ...]:
        """Indices of the fine bins of values the baseline hardly had: below and above."""
        return (0, self.size - 3)

    def bins(self, values: Floats) -> Bins:
        """The fine bin of every value, shape (n,); non-finite ones are INVALID.

        Never MISSING: the caller knows which rows hold nothing.
        """
        finite = np.isfinite(values)
        if finite.all():
            return self._lookup(values)
        bins = self._lookup(np.where(finite, values, 0.0))
        bins[~finite] = self.invalid
        return bins

    def decision(self) -> Bins:
        """The decision bin of every fine bin, shape (size,): ``[below, d_0, …, d_m, above, MISSING, INVALID]``."""
        return self._decision

    def labels(self) -> tuple[str, ...]:
        """A label a decision bin, in order.

        >>> QuantileGrid(edges=(1.0, 2.0), low=0.0, high=9.5, decision_edges=(1,)).labels()
        ('< 0', '[0, 2)', '[2, 9.5]', '> 9.5', 'MISSING', 'INVALID')
        """
        bounds = [self.low, *(self.edges[index] for index in self.decision_edges), self.high]
        text = distinct_numbers(bounds)
        inner = [f"[{text(left)}, {text(right)})" for left, right in pairwise(bounds)]
        inner[-1] = inner[-1][:-1] + "]"
        return (f"< {text(self.low)}", *inner, f"> {text(self.high)}", MISSING, INVALID)

    @cached_property
    def positions(self) -> Floats:
        """Where the cumulative share is known, shape (k + 2,): low, the fine edges, high."""
        return np.array([self.low, *self.edges, self.high])

    @cached_property
    def _lookup(self) -> Lookup:
        # x == high lies inside, so the guard above begins at the next float.
        above = math.nextafter(self.high, math.inf)
        bounds = np.array([self.low, *self.edges, above])
        return Lookup(bounds[np.isfinite(bounds)]) if math.isinf(above) else Lookup(bounds)

    @cached_property
    def _decision(self) -> Bins:
        starts = np.zeros(self.size, dtype=np.intp)
        # Fine bin 1 + i + 1 begins at edge i; bins 0 and 1 are below and f_0.
        starts[[index + 2 for index in self.decision_edges]] = 1
        starts[[1, self.size - 3, self.missing, self.invalid]] = 1
        groups = np.cumsum(starts, dtype=np.intp)
        groups.flags.writeable = False
        return groups
