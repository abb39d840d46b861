"""Latencies as a vector of counts over bins that grow with the value.

An octave (from one power of two to the next) is cut into 32 equal bins, from 2^-10 ms (about 1 µs) to 2^22 ms (about
70 minutes): the bin number is the exponent and the first five mantissa bits of the float, so binning is a shift.

Guarantee: `quantile` is within 1/64 (1.6 %) of the exact quantile of the values between the outer ends; smaller values
count as the least, larger ones as the greatest. Cost: 1,025 integers; merging is addition, exact in any order, which a
sketch with adaptive bins (KLL, t-digest) does not offer and counting once needs.
"""

import numpy as np

from kedge.detectors.arrays import Bins, Counts, Floats

_MANTISSA_BITS = 5
_SHIFT = 52 - _MANTISSA_BITS
_OCTAVE = 1 << _MANTISSA_BITS
_LEAST_EXPONENT = -10
_OCTAVES = 32
_FIRST = (1023 + _LEAST_EXPONENT) << _MANTISSA_BITS  # 1023: bias of a float64's exponent

INVALID = _OCTAVES * _OCTAVE
"""Index of the last bin: rows without a usable latency (negative, NaN, infinite)."""
SIZE = INVALID + 1
"""Length of a vector of counts."""


def bins(ms: Floats) -> Bins:
    """The bin of every latency in milliseconds, shape (n,).

    >>> bins(np.array([0.0, 1.0, 1.99, 2.0, -1.0, float("inf")]))
    array([   0,  320,  351,  352, 1024, 1024])
    """
    result = (ms.view(np.int64) >> _SHIFT) - _FIRST
    np.clip(result, 0, INVALID - 1, out=result)  # Brings -0.0, whose sign bit makes it less than any, to 0.0.
    usable = np.isfinite(ms) & (ms >= 0)
    if not usable.all():
        result[~usable] = INVALID
    return np.asarray(result, dtype=np.intp)


def edges(shift: int = 0) -> Floats:
    """Ends of the bins of valid rows, of which each ``2**shift`` are one, in ms, ascending.

    >>> edges(_MANTISSA_BITS)[:3].tolist(), edges(_MANTISSA_BITS).size
    ([0.0009765625, 0.001953125, 0.00390625], 33)
    """
    octave, step = np.divmod(np.arange(0, INVALID + 1, 1 << shift), _OCTAVE)
    return np.asarray(np.ldexp(1 + step / _OCTAVE, octave + _LEAST_EXPONENT))


def quantile(counts: Counts, q: float) -> float | None:
    """The latency in milliseconds that a share ``q`` of the valid rows does not exceed; None without valid rows.

    Args:
        counts: shape (SIZE,).
        q: from 0 to 1.

    Returns:
        The middle of the bin in which the row of rank ⌈q·n⌉ lies: within 1/64 of that row's value.

    Raises:
        ValueError: q outside 0 to 1, or a vector of another length.

    >>> counts = np.bincount(bins(np.arange(1.0, 101.0)), minlength=SIZE)
    >>> quantile(counts, 0.5)
    50.5
    """
    if counts.shape != (SIZE,) or not 0 <= q <= 1:
        message = f"expected {SIZE} counts and a share between 0 and 1"
        raise ValueError(message)
    cumulative = np.cumsum(counts[:INVALID])
    rows = int(cumulative[-1])
    if rows == 0:
        return None
    rank = max(1, int(np.ceil(q * rows)))
    octave, step = divmod(int(np.searchsorted(cumulative, rank)), _OCTAVE)
    return float(np.ldexp(1 + (step + 0.5) / _OCTAVE, octave + _LEAST_EXPONENT))
