"""An interval for a share: Wilson's score interval (Wilson, 1927), which stays within [0, 1] and holds for few rows.

(p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n). It covers the true share about as often as it says, also where
the textbook interval p ± z√(p(1 - p)/n) has no width at all: at 0 of n.
"""

import math

Z_95 = 1.959963984540054
"""Normal quantile of a two-sided interval of 95 %."""


def wilson(events: int, n: int, z: float = Z_95) -> tuple[float, float] | None:
    """Lower and upper end; None without rows.

    Args:
        events: 0 to n.
        n: rows.
        z: how many standard deviations to each side.

    >>> low, high = wilson(5, 10) or (0.0, 1.0)
    >>> round(low, 4), round(high, 4)
    (0.2366, 0.7634)
    """
    if n == 0:
        return None
    share, spread = events / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # The ends meet 0 and 1 but for rounding.
    return (0.0 if events == 0 else max(0.0, middle - half), 1.0 if events == n else min(1.0, middle + half))
