"""The size of a shift: PSI without the bias of finite samples, and the least one that would be found.

With h = n·n0/(n + n0), the PSI of samples from shares that differ by a true PSI of δ is about χ²/h, where χ² is
noncentral with B - 1 degrees of freedom and λ = δ·h (with δ = 0: Yurdakul and Naranjo, 2020).
"""

from functools import lru_cache

from scipy.special import chndtrinc

POWER = 0.8
"""Probability with which a shift of the detectable size is found."""


def debiased_psi(psi: float, bins: int, n: float, n0: float) -> float:
    """The debiased PSI, PSI - (B - 1)(1/n + 1/n0): 0 on average without a shift, and so below 0 about as often as not.

    Args:
        psi: as measured.
        bins: B, the bins that took part.
        n: current rows, effective.
        n0: baseline rows.

    >>> debiased_psi(0.1, bins=11, n=200, n0=1e12)
    0.04999999999
    """
    return psi - (bins - 1) * (1 / n + 1 / n0)


@lru_cache(maxsize=1024)  # The signals of a window mostly share n, n0 and B, and the inversion is the dearest step.
def detectable_psi(threshold: float, bins: int, n: float, n0: float) -> float | None:
    """The least true PSI for which the debiased PSI of one window passes ``threshold`` with probability 0.8.

    P(χ²_{B-1}(δ·h) > threshold·h + B - 1) = 0.8, solved for δ.

    Args:
        threshold: of the debiased PSI, positive.
        bins: B.
        n: current rows, effective.
        n0: baseline rows.

    Returns:
        δ, somewhat above the threshold and the nearer to it the more rows; None with fewer than two bins.
    """
    if bins < 2:  # noqa: PLR2004 (one bin holds everything on both sides)
        return None
    h = n * n0 / (n + n0)
    return float(chndtrinc(threshold * h + bins - 1, bins - 1, 1 - POWER)) / h
