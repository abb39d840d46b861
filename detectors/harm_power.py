"""What `kedge.detectors.harm` finds at a given traffic: the least change, and how long a change takes.

After W windows of a change, ln M of an alternative is about normal, with the mean W·μ + ln Σ exp(-k·μ) (the windows
from which evidence may have begun to grow) and the variance W·σ², where μ and σ² are the moments of what a window adds
to it. A change counts as found within W windows if, for one alternative at least, that passes ln A + ln(alternatives)
with probability 0.8. Simulated, the share found so is 0.7 to 0.95, 1 where a day's windows find it: the figures mostly
err on the late side. They hold once a window has taught the test the control's rate: where that is far above 1 %, the
very first window after a start tells little.
"""

import math

import numpy as np

from kedge.detectors.harm import LOG_HARM, HarmTest, null_rates, weights_of_rows

_Z_80 = 0.8416212335729143
"""Normal quantile of 0.8."""
_STEPS = 60
_WINDOWS_MAX = 1e7


def detectable_change(test: HarmTest, n: float, control_n: float, rate: float, windows: float) -> float | None:
    """The least relative change that is found within so many windows with probability 0.8.

    Args:
        test: the test.
        n: the candidate's rows a window, effective.
        control_n: the control's.
        rate: the control's, inside (0, 1).
        windows: W, at least 1.

    Returns:
        rate by control's rate, less 1: below 0 where higher is better. None: not even the greatest possible one.

    >>> test = HarmTest.of(0.01, higher_is_better=True)
    >>> round(detectable_change(test, 1_736, 32_986, 0.05, windows=288) or 0, 3)
    -0.045
    """
    sign = -1 if test.higher_is_better else 1
    least, most = test.epsilon, 1.0 if test.higher_is_better else 1 / rate - 1
    if most <= least or not _found(test, (n, control_n), rate, sign * most, windows):
        return None
    for _ in range(_STEPS):
        middle = (least + most) / 2
        if _found(test, (n, control_n), rate, sign * middle, windows):
            most = middle
        else:
            least = middle
    return sign * most


def windows_to_detect(test: HarmTest, change: float, n: float, control_n: float, rate: float) -> float | None:
    """The windows within which a relative change is found with probability 0.8, at least 1.

    Args:
        test: the test.
        change: rate by control's rate, less 1.
        n: the candidate's rows a window, effective.
        control_n: the control's.
        rate: the control's, inside (0, 1).

    Returns:
        Windows; None where it is not found in ten million, or at all.
    """
    if not 0 <= (1 + change) * rate <= 1 or not _found(test, (n, control_n), rate, change, _WINDOWS_MAX):
        return None
    least, most = 1.0, _WINDOWS_MAX
    for _ in range(_STEPS):
        middle = math.sqrt(least * most)
        if _found(test, (n, control_n), rate, change, middle):
            most = middle
        else:
            least = middle
    return most


def _found(test: HarmTest, rows: tuple[float, float], rate: float, change: float, windows: float) -> bool:
    n, control_n = rows
    if min(n, control_n) <= 0 or not 0 < rate < 1:
        return False
    event, other, control_event, control_other = weights_of_rows(
        null_rates(test, np.array(rate), np.array(n / (n + control_n)))
    )
    ours = (1 + change) * rate
    growth = n * (ours * event + (1 - ours) * other) + control_n * (rate * control_event + (1 - rate) * control_other)
    variance = n * ours * (1 - ours) * (event - other) ** 2
    variance += control_n * rate * (1 - rate) * (control_event - control_other) ** 2
    growing = np.maximum(growth, 1e-12)
    beginnings = np.log(np.expm1(-windows * growing) / np.expm1(-growing))
    reached = windows * growth + beginnings - _Z_80 * np.sqrt(windows * variance)
    return bool(np.any((growth > 0) & (reached >= LOG_HARM + math.log(len(test.alternatives)))))
