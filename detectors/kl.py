"""Kullback-Leibler divergence: KL(a‖b) = Σ a ln(a / b), in nats, from 0 to ∞.

Not symmetric: the service reports both directions by name, ``kl_current_reference`` = KL(q‖p) and
``kl_reference_current`` = KL(p‖q).
"""

from scipy.special import rel_entr

from kedge.detectors.arrays import Floats


def kl(a: Floats, b: Floats) -> float:
    """KL(a‖b) of two share vectors, shape (B,): infinite where b is zero and a is not.

    >>> import numpy as np
    >>> p, q = np.array([0.85, 0.05, 0.05, 0.05]), np.full(4, 0.25)
    >>> round(kl(q, p), 6), round(kl(p, q), 6)
    (0.901135, 0.798793)
    """
    return max(0.0, float(rel_entr(a, b).sum()))  # Rounding can leave equal shares a hair below zero.
