"""Hellinger distance: √(1 - Σ √(p q)), a metric from 0 (equal shares) to 1 (disjoint supports)."""

import math

import numpy as np

from kedge.detectors.arrays import Floats


def hellinger(p: Floats, q: Floats) -> float:
    """The distance of two share vectors, shape (B,), each summing to 1.

    Computed as √(½ Σ (√p - √q)²), the same number without the cancellation that would leave 1e-8 for equal shares.

    >>> counts = np.array([16, 18, 16, 14, 12, 12]), np.array([16, 16, 16, 16, 16, 8])
    >>> round(hellinger(counts[0] / 88, counts[1] / 88), 5)
    0.06813
    """
    return min(1.0, math.sqrt(0.5 * float(np.square(np.sqrt(p) - np.sqrt(q)).sum())))
