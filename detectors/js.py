"""Jensen-Shannon divergence and distance, base 2, from 0 to 1.

JSD = ½ KL(p‖m) + ½ KL(q‖m) with m = (p + q)/2; the distance, a metric (Endres and Schindelin, 2003), is its square
root. Finite whatever bins are empty: 1 for disjoint supports, 0 for equal shares.
"""

import math

from kedge.detectors.arrays import Floats
from kedge.detectors.kl import kl


def js_divergence(p: Floats, q: Floats) -> float:
    """The divergence in bits of two share vectors, shape (B,).

    >>> import numpy as np
    >>> js_divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (p + q) / 2
    return min(1.0, (kl(p, middle) + kl(q, middle)) / (2 * math.log(2)))


def js_distance(p: Floats, q: Floats) -> float:
    """The square root of `js_divergence`."""
    return math.sqrt(js_divergence(p, q))
