"""What a monitor file says of watching: features, signals, windows and the policy.

Durations are int milliseconds, shares are in [0, 1].
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

__all__ = [
    "CATEGORY_METRICS",
    "METRICS",
    "P_VALUE_METRICS",
    "SIGNALS",
    "Disclose",
    "FeatureSpec",
    "FeatureType",
    "PolicyKind",
    "PolicyOverride",
    "PolicySpec",
    "SignalSpec",
    "VolumeSpec",
    "WindowSpec",
]

SIGNALS: Final = ("score", "label", "confidence")
"""What is watched besides the features."""

CATEGORY_METRICS: Final = (
    "psi_debiased",
    "psi",
    "kl_current_reference",
    "kl_reference_current",
    "js_distance",
    "hellinger",
    "chi_square",
    "g_p_value",
)
"""Distances that are known of categories too."""

METRICS: Final = (*CATEGORY_METRICS, "ks", "ks_p_value", "wasserstein")
"""Every reported distance: a policy may put its thresholds on any of them."""

P_VALUE_METRICS: Final = frozenset(("g_p_value", "ks_p_value"))
"""Where smaller is worse."""

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE


class Disclose(StrEnum):
    """What may be said of a feature's values."""

    COUNTS = "counts"
    """No value at all."""
    FREQUENT = "frequent"
    """Categories that occur often enough to be nobody's own."""
    VALUES = "values"
    """Any of them."""


class FeatureType(StrEnum):
    """What a feature's values are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class PolicyKind(StrEnum):
    """How a verdict is come to."""

    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOverride:
    """Thresholds of one signal; None: as in the model's policy."""

    metric: str | None = None
    warn: float | None = None
    drift: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """Thresholds on a distance, and how many of the last disjoint windows must pass them."""

    kind: PolicyKind = PolicyKind.FIXED
    metric: str = "psi_debiased"
    warn: float = 0.1
    drift: float = 0.2
    breaches: int = 2
    """Windows that must have drifted …"""
    windows: int = 3
    """… among the last so many."""
    n_eff_min: float = 200.0
    """Effective rows below which a window is INSUFFICIENT."""
    completeness_min: float = 0.95
    """Completeness below which a window is INSUFFICIENT."""

    def overridden(self, override: PolicyOverride | None) -> "PolicySpec":
        """Return this policy with whatever `override` says instead."""
        if override is None:
            return self
        return replace(
            self,
            metric=self.metric if override.metric is None else override.metric,
            warn=self.warn if override.warn is None else override.warn,
            drift=self.drift if override.drift is None else override.drift,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """One feature: its type, its quality rules (None: no such rule), what may be said of it."""

    type: FeatureType = FeatureType.NUMERIC
    missing_max: float | None = None
    range: tuple[float, float] | None = None
    """Least and greatest allowed value, both included; numeric features only."""
    allowed: tuple[str, ...] | None = None
    """Every allowed value; categorical features only."""
    cardinality_max: int | None = None
    """Distinct values in a window."""
    freshness_max_ms: int | None = None
    """How long before a window's end the last present and valid value may lie."""
    critical: bool = False
    importance: float = 1.0
    """Weight in the drift rate, and what `alert_when` asks for."""
    disclose: Disclose = Disclose.FREQUENT
    policy: PolicyOverride | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """Score, label or confidence: watched whenever the baseline has it, unless switched off."""

    enabled: bool = True
    policy: PolicyOverride | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """How event time is cut; the hop is a multiple of the pane, the length one of the hop."""

    pane_ms: int = _MINUTE
    length_ms: int = 5 * _MINUTE
    hop_ms: int = _MINUTE
    grace_ms: int = _MINUTE
    """How far the watermark stays behind the newest event."""
    lateness_ms: int = _HOUR
    """How long after a window's end late events still amend it."""
    idle_timeout_ms: int = _MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpec:
    """Rows that a window should have; None: no such bound."""

    min: int | None = None
    max: int | None = None
