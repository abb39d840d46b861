"""Pearson's chi-square test that two count vectors come from the same shares (homogeneity).

χ² = Σ (observed - expected)² / expected over both rows of the table, B - 1 degrees of freedom, no continuity
correction. Beside it Cramér's V = √(χ² / (n + n0)), the size of the effect from 0 to 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from kedge.detectors.arrays import Numbers
from kedge.detectors.merging import EXPECTED_MIN, sparse_groups


@dataclass(frozen=True, slots=True)
class ChiSquareResult:
    """Outcome of the test."""

    statistic: float
    degrees: int
    """Degrees of freedom: groups of bins less one."""
    p_value: float
    cramers_v: float


def chi_square(reference: Numbers, current: Numbers, expected_min: float = EXPECTED_MIN) -> ChiSquareResult:
    """Test two count vectors over the same bins, shape (B,), each with a positive sum.

    Args:
        reference: baseline rows a bin.
        current: current rows a bin; divided by the design effect where there is one.
        expected_min: bins that expect fewer rows in the smaller sample are merged; 0 merges none. Bins empty on both
            sides never count.

    >>> result = chi_square(np.array([1, 2, 0, 5]), np.array([3, 4, 0, 2]), expected_min=0)
    >>> round(result.statistic, 4), round(result.p_value, 4)
    (2.9036, 0.2341)
    """
    both = np.stack((reference, current)).astype(np.float64)
    both = both[:, both.any(axis=0)]
    totals = both.sum(axis=1)
    pooled = both.sum(axis=0) / totals.sum()
    groups = sparse_groups(pooled * totals.min(), expected_min)
    observed = np.stack([np.bincount(groups, weights=row) for row in both])
    expected = np.outer(totals, np.bincount(groups, weights=pooled))
    statistic = float((np.square(observed - expected) / expected).sum())
    degrees = observed.shape[1] - 1
    return ChiSquareResult(
        statistic=statistic,
        degrees=degrees,
        p_value=float(chdtrc(degrees, statistic)) if degrees else 1.0,
        cramers_v=min(1.0, math.sqrt(statistic / float(totals.sum()))),
    )
