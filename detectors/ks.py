"""Kolmogorov-Smirnov: the greatest difference of two cumulative shares, known where the grid has an edge.

D = max over edges of |F_q - F_p|, from 0 to 1. Between two edges the true curves may lie further apart, by no more
than `interval_error` says. p by the asymptotic two-sample law (Kolmogorov's limit): P(√h D > …) with
h = n·n0/(n + n0). On binned data D can only be too small, so p is conservative.
"""

import math

import numpy as np
from scipy.special import kolmogorov

from kedge.detectors.arrays import Floats


def ks(p: Floats, q: Floats) -> float:
    """D of two share vectors over bins in ascending order, shape (B,).

    >>> ks(np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5]))
    0.25
    """
    return min(1.0, float(np.abs(np.cumsum(q - p)).max()))


def interval_error(p: Floats, q: Floats) -> float:
    """How much greater D could be, were the values inside each bin known; at most the largest share of a bin.

    Inside a bin one curve can rise by its whole share before the other rises at all.
    """
    right_p, right_q = np.cumsum(p), np.cumsum(q)
    farthest = np.maximum(right_q - (right_p - p), right_p - (right_q - q))
    return max(0.0, float(farthest.max()) - ks(p, q))


def ks_p_value(statistic: float, n: float, n0: float) -> float:
    """P(D as great as ``statistic`` or greater) with no shift, for ``n`` current and ``n0`` reference rows.

    Both may be effective numbers, and are positive.
    """
    return float(kolmogorov(math.sqrt(n * n0 / (n + n0)) * statistic))
