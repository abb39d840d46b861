"""Sums of real numbers as integers, so that adding them up in any order and any split gives the same.

A value is rounded to a multiple of 2^-20 and cut in two: a high part in units of 2^12 and a low part, from 0 to
2^12, in units of 2^-20. Each part is summed in an int64 of its own. Values beyond ±2^40 (about 1.1e12) count as that,
so that neither sum overflows in 2^31 rows. NaN must be left out by the caller.

Error: at most 2^-21 (5e-7) a row, and so in a mean; above 2^33 that of the float itself.
"""

import numpy as np

from kedge.detectors.arrays import Counts, Floats

WIDTH = 2
"""Integers that a sum takes."""
LIMIT = 2.0**40
"""Greatest absolute value that is summed as it is."""
_HIGH = 2.0**12
_LOW = 2.0**-20


def fixed_sum(values: Floats) -> Counts:
    """The sum of some numbers, shape (2,): add such sums to merge them.

    >>> fixed_sum(np.array([0.5, -0.25, 5_000.0]))
    array([         0, 5243142144])
    >>> total = fixed_sum(np.array([0.5, -0.25])) + fixed_sum(np.array([5_000.0]))
    >>> number(total)
    5000.25
    """
    clipped = np.clip(values, -LIMIT, LIMIT)
    high = np.floor(clipped / _HIGH)
    low = np.rint((clipped - high * _HIGH) / _LOW)
    return np.array([high.astype(np.int64).sum(), low.astype(np.int64).sum()])


def number(total: Counts) -> float:
    """The sum that two integers stand for."""
    return int(total[0]) * _HIGH + int(total[1]) * _LOW
