"""Population stability index: PSI = Σ (q - p) ln(q / p) = KL(q‖p) + KL(p‖q), in nats, from 0 to ∞.

Symmetric, a sum of a non-negative part a bin, infinite where a bin is empty on one side. Without a shift it is about
(1/n + 1/n0) χ² with B - 1 degrees of freedom (Yurdakul and Naranjo, 2020), so never compare it with a threshold
without taking that bias off: `kedge.detectors.effect`.
"""

import numpy as np

from kedge.detectors.arrays import Floats


def contributions(p: Floats, q: Floats) -> Floats:
    """What every bin adds to the PSI, each ≥ 0.

    Args:
        p: shape (B,), reference shares, as `kedge.detectors.shares` makes them.
        q: shape (B,), current shares. No bin may be zero on both sides.
    """
    with np.errstate(divide="ignore"):
        return np.asarray((q - p) * np.log(q / p))


def psi(p: Floats, q: Floats) -> float:
    """The PSI of two share vectors, as for `contributions`.

    >>> round(psi(np.array([0.85, 0.05, 0.05, 0.05]), np.full(4, 0.25)), 6)
    1.699928
    """
    return float(contributions(p, q).sum())
