"""From numbers to verdicts. A policy says what a window means and for how long it must mean it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kedge.detectors.compare import Comparison
from kedge.detectors.metrics import METRICS, value_of
from kedge.detectors.verdict import Verdict


class Policy(Protocol):
    """What every policy answers; the statistical one (definitions, Alarm policy) will stand beside the fixed one."""

    @property
    def drift_psi(self) -> float | None:
        """The debiased PSI from which a window is drifted, for the detectable effect; None: no such threshold."""

    def classify(self, comparison: Comparison) -> tuple[Verdict, str]:
        """The verdict on one signal of one window, with the reason in words."""

    def persists(self, history: Mapping[int, Verdict], window_start: int, window_ms: int) -> bool:
        """Whether the signal has drifted for long enough, up to and with this window, to act on it.

        Args:
            history: verdicts of the signal by window start in ms, this window's among them; other windows are welcome.
            window_start: this window's start, in ms.
            window_ms: its length.
        """


@dataclass(frozen=True, slots=True)
class FixedPolicy:
    """Plain thresholds on one reported distance, in N of M disjoint windows (definitions, Alarm policy 9).

    >>> from kedge.detectors.compare import Comparison
    >>> policy = FixedPolicy()
    >>> drifted = Comparison(n=1000, n_eff=1000.0, n_reference=10_000, psi_debiased=0.31)
    >>> policy.classify(drifted)
    (<Verdict.DRIFTED: 4>, 'psi_debiased 0.31 has reached 0.2')
    >>> policy.persists({0: Verdict.DRIFTED, 600: Verdict.DRIFTED}, window_start=600, window_ms=300)
    True
    """

    metric: str = "psi_debiased"
    warn: float = 0.1
    drift: float = 0.2
    breaches: int = 2
    """N: drifted windows that it takes …"""
    windows: int = 3
    """… among the last M, this one included."""
    n_eff_min: float = 200.0
    """Least independent rows, of the window and of the baseline."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: an unknown metric, a warning that would come after the drift, or N not in 1 … M.
        """
        if self.metric not in METRICS:
            message = f"metric must be one of {', '.join(METRICS)}"
            raise ValueError(message)
        if not METRICS[self.metric].worsens(self.drift, self.warn) or self.warn == self.drift:
            message = f"{self.metric}: warn {self.warn:g} must come before drift {self.drift:g}"
            raise ValueError(message)
        if not 1 <= self.breaches <= self.windows:
            message = "breaches must be from 1 to windows"
            raise ValueError(message)

    @property
    def drift_psi(self) -> float | None:
        """The drift threshold, if it is on the debiased PSI."""
        return self.drift if self.metric == "psi_debiased" else None

    def classify(self, comparison: Comparison) -> tuple[Verdict, str]:
        """INVALID, INSUFFICIENT, STABLE, WARNING or DRIFTED, asked in that order, and why.

        A baseline without rows or rows too few is INSUFFICIENT, like a window without. A signal that can drift but not
        be vouched for (its baseline is constant, or nothing valid has come) is INVALID where it would be STABLE.
        """
        value = value_of(comparison, self.metric)
        if value is None and comparison.n > 0 and comparison.n_reference > 0:
            return Verdict.INVALID, f"{self.metric} is not defined here: the signal is categorical or has no values"
        lacking = self._lacking(comparison)
        if lacking or value is None:
            return Verdict.INSUFFICIENT, lacking
        metric = METRICS[self.metric]
        for verdict, threshold in ((Verdict.DRIFTED, self.drift), (Verdict.WARNING, self.warn)):
            if metric.worsens(value, threshold):
                return verdict, f"{self.metric} {value:.3g} has reached {threshold:g}"
        if comparison.reference_constant:
            return Verdict.INVALID, "the baseline holds a single value and cannot vouch for any"
        if comparison.present == 0:
            return Verdict.INVALID, "no valid value in the window"
        return Verdict.STABLE, f"{self.metric} {value:.3g} has not reached {self.warn:g}"

    def _lacking(self, comparison: Comparison) -> str:
        if comparison.n == 0:
            return "no data"
        if comparison.n_reference == 0:
            return "the baseline has no rows of this signal and segment"
        if comparison.n_eff < self.n_eff_min:
            return f"{comparison.n_eff:.4g} effective rows, {self.n_eff_min:g} needed"
        if comparison.n_reference < self.n_eff_min:
            return f"{comparison.n_reference} baseline rows, {self.n_eff_min:g} needed"
        return ""

    def persists(self, history: Mapping[int, Verdict], window_start: int, window_ms: int) -> bool:
        """At least N of the last M disjoint windows are DRIFTED, counted back by time; absent ones are not."""
        starts = (window_start - back * window_ms for back in range(self.windows))
        return sum(history.get(start) is Verdict.DRIFTED for start in starts) >= self.breaches
