"""Wasserstein-1 distance: ∫ |F_q(x) - F_p(x)| dx, the least average way that values must move, from 0 to ∞.

Divided by the baseline's standard deviation it has no unit and can be compared between signals.
"""

import numpy as np

from kedge.detectors.arrays import Floats


def wasserstein_intervals(positions: Floats, p: Floats, q: Floats) -> float:
    """Between shares over intervals, each spread evenly over its interval; what lies outside stands on the outer ends.

    Args:
        positions: shape (k,), ascending: the ends of the k - 1 inner intervals.
        p: shape (k + 1,), reference shares: below the first position, between any two, above the last.
        q: shape (k + 1,), current shares over the same.

    Returns:
        The distance in the unit of positions, exact for this reading of the bins; not finite where the gaps between
        positions are not.

    >>> wasserstein_intervals(np.array([0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    0.5
    """
    gap = np.cumsum(q - p)[:-1]
    left, right = np.abs(gap[:-1]), np.abs(gap[1:])
    total = left + right
    crosses = gap[:-1] * gap[1:] < 0
    # |gap| is a trapezium, or two triangles on either side of the crossing.
    squares = np.square(left) + np.square(right)
    mean = np.where(crosses, np.divide(squares, total, out=np.zeros_like(total), where=total > 0), total) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        return float((mean * np.diff(positions)).sum())


def wasserstein_values(values: Floats, p: Floats, q: Floats) -> float:
    """Between shares of single values.

    Args:
        values: shape (k,), ascending.
        p: shape (k,), reference shares.
        q: shape (k,), current shares.

    >>> wasserstein_values(np.array([0.0, 2.0]), np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    1.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return float((np.abs(np.cumsum(q - p)[:-1]) * np.diff(values)).sum())
