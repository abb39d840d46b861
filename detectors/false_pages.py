"""How often thresholds on the debiased PSI page though nothing has shifted.

Without a shift PSI·h is about χ² with B - 1 degrees of freedom (`effect`), so that the chance of a breach follows from
the rows alone. Rows are taken to be independent, and windows too: the policy looks at disjoint ones. What is not in it
is the world, which is never quite the baseline's: it is the least that must be expected, not a forecast.
"""

from collections.abc import Sequence

from scipy.special import bdtrc, chdtrc


def breach_chance(threshold: float, bins: int, n: float, n0: float) -> float:
    """The chance that one window of an unshifted signal passes ``threshold``: P(χ²_{B-1} ≥ threshold·h + B - 1).

    Args:
        threshold: of the debiased PSI, positive.
        bins: B, the bins that take part.
        n: current rows, effective.
        n0: baseline rows.

    >>> round(breach_chance(0.2, bins=54, n=200, n0=1e12), 4)
    0.0006
    """
    if bins < 2 or min(n, n0) <= 0:  # noqa: PLR2004 (one bin holds everything on both sides)
        return 0.0
    h = n * n0 / (n + n0)
    return float(chdtrc(bins - 1, threshold * h + bins - 1))


def windows_between(chances: Sequence[float], breaches: int, windows: int) -> float:
    """Expected disjoint windows between false pages of signals that breach with these chances, N of the last M.

    A page needs a breach, and N - 1 more among the M - 1 windows before it; signals are added up as if they never
    breached together, so that the true figure is no smaller.

    >>> windows_between([0.01], breaches=1, windows=1)
    100.0
    >>> windows_between([0.0], breaches=2, windows=3)
    inf
    """
    others = breaches - 1
    rate = sum(p * (float(bdtrc(others - 1, windows - 1, p)) if others else 1.0) for p in chances)
    return 1 / rate if rate > 0 else float("inf")
