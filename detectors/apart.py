"""Which features set some requests apart from others: where two histograms differ beyond chance.

For every feature, bins that expect fewer than 5 rows of the smaller side are merged, so that the PSI of two samples of
one law is about (1/n + 1/n0) χ² (`kedge.detectors.effect`). Of F features one is named if chance would give so great a
PSI with a probability below 1 % / F: at most one feature in a hundred such lists is there by chance.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import chdtrc

from kedge.detectors.arrays import Counts
from kedge.detectors.effect import debiased_psi
from kedge.detectors.merging import sparse_groups
from kedge.detectors.psi import psi
from kedge.detectors.shares import shares

ROWS_MIN = 30
"""Rows of either side with fewer than which nothing is said."""
CHANCE = 0.01


def set_apart(ours: Sequence[Counts], others: Sequence[Counts]) -> tuple[tuple[int, float], ...]:
    """The features that set our rows apart, furthest first: (index, debiased PSI).

    Args:
        ours: one histogram a feature.
        others: the same bins, of the rows that ours are held against.

    >>> found = set_apart([np.array([90, 10]), np.array([50, 50])], [np.array([500, 500]), np.array([490, 510])])
    >>> [(feature, round(distance, 2)) for feature, distance in found]
    [(0, 0.84)]
    """
    found = []
    for index, (some, rest) in enumerate(zip(ours, others, strict=True)):
        distance = _distance(some, rest, CHANCE / len(ours))
        if distance is not None:
            found.append((index, distance))
    return tuple(sorted(found, key=lambda item: (-item[1], item[0])))


def _distance(ours: Counts, others: Counts, chance: float) -> float | None:
    """The debiased PSI; None where there are few rows, or it may be chance."""
    n, n0 = int(ours.sum()), int(others.sum())
    if min(n, n0) < ROWS_MIN:
        return None
    pooled = (ours + others) / (n + n0)
    groups = sparse_groups(pooled * min(n, n0))
    reference, current = (np.bincount(groups, side).astype(np.int64) for side in (others, ours))
    p, q = shares(reference, current)
    score = psi(p, q)
    if chdtrc(p.size - 1, score / (1 / n + 1 / n0)) >= chance:
        return None
    return debiased_psi(score, p.size, n, n0)
