"""The distances that a threshold may be put on, and which way is worse."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kedge.detectors.compare import Comparison


@dataclass(frozen=True, slots=True)
class Metric:
    """How to read one reported number."""

    larger_is_worse: bool = True
    for_categories: bool = True
    """Whether categorical signals have it."""

    def worsens(self, value: float, threshold: float) -> bool:
        """Whether the value has reached the threshold."""
        return value >= threshold if self.larger_is_worse else value <= threshold


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "psi": Metric(),
        "psi_debiased": Metric(),
        "kl_current_reference": Metric(),
        "kl_reference_current": Metric(),
        "js_distance": Metric(),
        "ks": Metric(for_categories=False),
        "ks_p_value": Metric(larger_is_worse=False, for_categories=False),
        "chi_square": Metric(),
        "g_p_value": Metric(larger_is_worse=False),
        "wasserstein": Metric(for_categories=False),
        "hellinger": Metric(),
    }
)


def value_of(comparison: Comparison, name: str) -> float | None:
    """The value in a comparison of the metric of that name."""
    value: float | None = getattr(comparison, name)
    return value
