"""Quantiles of a histogram: within the bin in which the row of that rank lies, and spread evenly over it."""

import numpy as np

from kedge.detectors.arrays import Counts, Floats


def histogram_quantile(lower: Floats, upper: Floats, counts: Counts, q: float) -> float | None:
    """The value below which a share ``q`` of the rows lies; None without rows.

    Guarantee: it lies in the bin of the row of rank ⌈q·n⌉, closed at both ends.

    Args:
        lower: shape (B,), lower end of every bin, ascending.
        upper: shape (B,), upper end; equal to the lower one where a bin stands for a single value.
        counts: shape (B,).
        q: from 0 to 1.

    >>> histogram_quantile(np.array([0.0, 1.0]), np.array([1.0, 3.0]), np.array([2, 8]), 0.6)
    2.0
    """
    cumulative = np.cumsum(counts)
    rows = int(cumulative[-1])
    if rows == 0:
        return None
    rank = q * rows
    index = int(np.searchsorted(cumulative, max(1, np.ceil(rank))))
    inside = (rank - float(cumulative[index] - counts[index])) / float(counts[index])
    return float(lower[index] + inside * (upper[index] - lower[index]))
