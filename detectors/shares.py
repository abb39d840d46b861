"""From counts to shares that can be compared: which bins take part, and what an empty one counts for.

The rule for empty bins is part of a distance's definition: on one pair of samples it can move the PSI from 0.1 to 461.
The service uses `EmptyBins.JEFFREYS` alone; the others exist so that published numbers of other tools can be met.
"""

from enum import Enum, auto

import numpy as np

from kedge.detectors.arrays import Floats, Mask, Numbers


class EmptyBins(Enum):
    """What becomes of a bin that is empty on one side."""

    JEFFREYS = auto()
    """Add ½ to every count: ``q_b = (c_b + ½) / (n + B/2)``. Shares sum to 1 and none is zero."""
    PLAIN = auto()
    """Leave it zero: a distance may be infinite."""
    FLOAT_MIN = auto()
    """Put the least normal float (2.2e-308) in place of a zero share."""


def occupied(reference: Numbers, current: Numbers) -> Mask:
    """Bins that take part, shape (B,): those not empty on both sides (definitions, Bins 3).

    Kept, the usual empty MISSING, INVALID and guard bins would bias the debiased PSI.
    """
    return np.asarray((reference > 0) | (current > 0))


def shares(reference: Numbers, current: Numbers, rule: EmptyBins = EmptyBins.JEFFREYS) -> tuple[Floats, Floats]:
    """Shares ``(p, q)`` of reference and current over the bins that take part, in order.

    Args:
        reference: shape (B,), counts; with the other rules than Jeffreys' shares will do.
        current: shape (B,), the same bins.
        rule: what an empty bin counts for.

    Raises:
        ValueError: different shapes, a negative number, or a side without any rows.

    >>> p, q = shares(np.array([3, 1, 0, 0]), np.array([1, 1, 2, 0]))
    >>> p.round(3).tolist(), q.round(3).tolist()
    ([0.636, 0.273, 0.091], [0.273, 0.273, 0.455])
    """
    if reference.shape != current.shape or min(reference.min(), current.min()) < 0:
        message = "reference and current must be non-negative numbers over the same bins"
        raise ValueError(message)
    kept = occupied(reference, current)
    return _one_side(reference[kept], rule), _one_side(current[kept], rule)


def _one_side(numbers: Numbers, rule: EmptyBins) -> Floats:
    counts = numbers.astype(np.float64)
    rows = float(counts.sum())
    if rows <= 0:
        message = "a side without rows has no shares"
        raise ValueError(message)
    match rule:
        case EmptyBins.JEFFREYS:
            return (counts + 0.5) / (rows + counts.size / 2)
        case EmptyBins.PLAIN:
            return counts / rows
        case EmptyBins.FLOAT_MIN:
            plain = counts / rows
            return np.where(plain == 0, np.finfo(np.float64).tiny, plain)
