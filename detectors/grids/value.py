"""One bin a value, for numeric signals that take few of them."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from kedge.detectors.arrays import Bins, Floats
from kedge.detectors.grids.labels import INVALID, MISSING, OTHER, distinct_numbers
from kedge.detectors.grids.lookup import CHUNK, Lookup


@dataclass(frozen=True)
class ValueGrid:
    """Bins ``[v_0, …, v_{k-1}, OTHER, MISSING, INVALID]`` (definitions, Bins 1).

    OTHER holds every finite value that is not named. No values at all are allowed: such a grid still tells present,
    missing and invalid apart, which is what a feature without a baseline can be asked for.
    """

    values: tuple[float, ...]
    """The named values, ascending."""

    def __post_init__(self) -> None:
        """Refuse what could not have been fitted.

        Raises:
            ValueError: values not finite or not strictly ascending.
        """
        if not all(map(math.isfinite, self.values)) or any(left >= right for left, right in pairwise(self.values)):
            message = "values must be finite and ascend strictly"
            raise ValueError(message)

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.values) + 3

    @property
    def other(self) -> int:
        """Index of the OTHER bin."""
        return len(self.values)

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
        """Indices of the bins of values the baseline hardly had: OTHER."""
        return (self.other,)

    def bins(self, values: Floats) -> Bins:
        """The bin of every value, shape (n,); non-finite ones are INVALID, -0.0 is 0.0. Never MISSING.

        >>> ValueGrid((0.0, 1.0)).bins(np.array([1.0, -0.0, 0.5, float("nan")]))
        array([1, 0, 2, 4])
        """
        finite = np.isfinite(values)
        whole = bool(finite.all())
        known = values if whole else np.where(finite, values, 0.0)
        bins = self._lookup(known)
        for start in range(0, bins.size, CHUNK):
            self._name(known[start : start + CHUNK], bins[start : start + CHUNK])
        if not whole:
            bins[~finite] = self.invalid
        return bins

    def decision(self) -> Bins:
        """The decision bin of every bin, shape (size,): itself."""
        return np.arange(self.size, dtype=np.intp)

    def labels(self) -> tuple[str, ...]:
        """A label a bin, in order."""
        text = distinct_numbers(self.values)
        return (*map(text, self.values), OTHER, MISSING, INVALID)

    def _name(self, values: Floats, ranks: Bins) -> None:
        """Turn ranks among the named values into bins, in place."""
        # Rank r: the r-th named value is the greatest not above ours, and ours only if they are equal.
        unnamed = self._named.take(ranks, mode="clip") != values
        np.subtract(ranks, 1, out=ranks)
        if unnamed.any():
            ranks[unnamed] = self.other

    @cached_property
    def positions(self) -> Floats:
        """Where the named values lie, shape (k,)."""
        return np.array(self.values)

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.positions)

    @cached_property
    def _named(self) -> Floats:
        return np.append(np.nan, self.positions)  # Rank 0: below all of them, equal to none.
