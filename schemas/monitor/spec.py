"""A monitor file as values. Whatever is left out of the file has the default that stands here.

Durations are int milliseconds, shares are in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

__all__ = [
    "CATEGORY_METRICS",
    "METRICS",
    "P_VALUE_METRICS",
    "SIGNALS",
    "ActionSpec",
    "ActionsSpec",
    "AlertWhenSpec",
    "ComparisonSpec",
    "Disclose",
    "DrillsSpec",
    "FeatureSpec",
    "FeatureType",
    "Guarded",
    "GuardrailSpec",
    "GuardrailsSpec",
    "Measure",
    "Mode",
    "MonitorSpec",
    "OutcomeSpec",
    "OutcomeType",
    "PolicyKind",
    "PolicyOverride",
    "PolicySpec",
    "PromotionSpec",
    "RetrainSpec",
    "Risk",
    "SafePathSpec",
    "SequentialKind",
    "SequentialSpec",
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

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
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


class OutcomeType(StrEnum):
    """What is observed of a request afterwards."""

    BINARY = "binary"
    """0 or 1: clicked, paid, defaulted."""
    CLASS = "class"
    """The true class."""
    NUMERIC = "numeric"
    """The true value of what the score predicts."""


class Measure(StrEnum):
    """What of an outcome must not get worse; of all of them more is better."""

    POSITIVE_RATE = "positive_rate"
    ACCURACY = "accuracy"
    WITHIN_TOLERANCE = "within_tolerance"


class Guarded(StrEnum):
    """What a guardrail may lead to."""

    PAGE_OWNER = "page_owner"
    FREEZE_ROLLOUT = "freeze_rollout"
    ROUTE_TO_SAFE_PATH = "route_to_safe_path"


class Mode(StrEnum):
    """How far an action may go."""

    OFF = "off"
    """Not even decided."""
    DRY_RUN = "dry_run"
    """Decided as if armed; the journal has it, nobody is told."""
    ADVISE = "advise"
    """Decided, and people are told what to do."""
    ARMED = "armed"
    """Sent."""


class Risk(StrEnum):
    """What is at stake."""

    CRITICAL = "critical"
    """An incident pages."""
    BACKGROUND = "background"
    """An incident is a ticket."""
    COMPLIANCE = "compliance"
    """An incident pages, and nobody can suppress that."""


class SequentialKind(StrEnum):
    """A detector of concept drift on a sequence."""

    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"
    KSWIN = "kswin"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSpec:
    """One kind of outcome: what it is, when it is due, and how much worse is harm."""

    type: OutcomeType = OutcomeType.BINARY
    classes: tuple[str, ...] = ()
    """Class outcomes: those told apart; every other is `other`. Of binary outcomes the first two labels that a
    prediction may carry: negative, positive."""
    tolerance: float | None = None
    """Numeric outcomes: greatest absolute error that is good."""
    measure: Measure | None = None
    """None: positive_rate, accuracy or within_tolerance, by type."""
    epsilon: float = 0.01
    """Relative loss that is not yet harm."""
    delay_ms: int = 10 * _MINUTE
    """How long after a window's end its outcomes are judged; no longer than the join horizon."""
    label_horizon_ms: int | None = None
    """Labels that carry version and time themselves are taken for so long; None: they are not."""

    @property
    def judged(self) -> Measure:
        """The measure that is tested for harm."""
        by_type = {
            OutcomeType.BINARY: Measure.POSITIVE_RATE,
            OutcomeType.CLASS: Measure.ACCURACY,
            OutcomeType.NUMERIC: Measure.WITHIN_TOLERANCE,
        }
        return by_type[self.type] if self.measure is None else self.measure


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSpec:
    """How versions are compared on the same requests, and beside one another."""

    tolerance: float = 0.1
    """Scores that differ by more disagree."""
    join_horizon_ms: int = _HOUR
    """How long answers and outcomes of one request wait for each other; no longer than the lateness."""
    expected_share: Mapping[str, float] = field(default_factory=dict)
    """Version to its share of the traffic."""
    latency_slo_ms: float = 200.0
    """Slower answers are slow."""
    sender_share_max: float = 0.5
    """Evidence of which one sender (of three or more) has more than this does not move traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialSpec:
    """A detector on a sequence of pane means. Parameters are river's; None: river's default."""

    detector: SequentialKind
    signal: str
    """score, errors, or the name of an outcome."""
    delta: float | None = None
    """ADWIN's significance; Page-Hinkley's tolerated change."""
    threshold: float | None = None
    """Page-Hinkley's."""
    alpha: float | None = None
    """KSWIN's significance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailSpec:
    """A bound that the owner has opted in to; passed in two consecutive judged windows it acts."""

    bound: float
    action_on_breach: Guarded = Guarded.ROUTE_TO_SAFE_PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailsSpec:
    """Bounds; None: not opted in."""

    error_rate: GuardrailSpec | None = None
    """Errors by requests."""
    drift_rate: GuardrailSpec | None = None
    """Importance-weighted share of the watched signals that are DRIFTED."""
    divergence_rate: GuardrailSpec | None = None
    """Share of pairs that disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One action of the guard."""

    mode: Mode = Mode.ARMED
    expires_after_ms: int = 24 * _HOUR
    actuators: tuple[str, ...] = ()
    """Who must all acknowledge; empty: any one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsSpec:
    """What the guard may do, and how far."""

    page_owner: ActionSpec = ActionSpec()
    freeze_rollout: ActionSpec = ActionSpec()
    route_to_safe_path: ActionSpec = ActionSpec(mode=Mode.ADVISE, expires_after_ms=10 * _MINUTE)
    resume_rollout: ActionSpec = ActionSpec(mode=Mode.OFF)
    start_shadow: ActionSpec = ActionSpec(mode=Mode.ADVISE)
    request_retrain: ActionSpec = ActionSpec(mode=Mode.ADVISE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafePathSpec:
    """Where ROUTE_TO_SAFE_PATH leads."""

    version: str | None = None
    """None: the control that serves beside the candidate, else the version that served before."""
    standby_ms: int = 7 * 24 * _HOUR
    """How long ago a version that serves no more may have had its last healthy window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWhenSpec:
    """What makes a page of a drift; whatever falls short of it is a ticket, never silence."""

    importance_min: float = 0.0
    """Least importance of a drifted signal."""
    kpi: str | None = None
    """An outcome that must have got worse too; where it is not known the page is a ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSpec:
    """What a candidate must show before it is promoted; unknown is HOLD."""

    outcome_duration_ms: int = 24 * _HOUR
    """For so long its outcomes must have been no worse than the champion's."""
    latency_p95_ms_max: float = 200.0
    disagreement_max: float = 0.2
    segment_change_min: float = -0.05
    """Least relative change of the outcome in the worst segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainSpec:
    """When a retraining is asked for."""

    every_ms_min: int = 14 * 24 * _HOUR
    """At most one in this time."""
    after_ms: int = 24 * _HOUR
    """A drift of the world that has lasted so long is no blip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillsSpec:
    """How often the way back is rehearsed."""

    every_ms: int = 7 * 24 * _HOUR
    freeze: bool = False
    """An overdue drill freezes the rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSpec:
    """One model's monitor file."""

    model: str
    owner: str
    escalation: tuple[str, ...] = ()
    runbook_url: str | None = None
    risk: Risk = Risk.CRITICAL
    trained_at: str | None = None
    """ISO 8601 date on which the model was trained."""
    features: Mapping[str, FeatureSpec] = field(default_factory=dict)
    """Those that the file names. A feature that only the baseline has is watched with the defaults."""
    signals: Mapping[str, SignalSpec] = field(default_factory=dict)
    """Those of `SIGNALS` that the file names; `signal` knows the others too."""
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Segment key to the values told apart; every other value is `other`."""
    windows: WindowSpec = WindowSpec()
    policy: PolicySpec = PolicySpec()
    design_effect: float | None = None
    """Rows that are worth one independent row; None: not known, taken for 1."""
    volume: VolumeSpec | None = None
    resolve_after: int = 3
    """Stable disjoint windows after which an incident is over."""
    comparison: ComparisonSpec | None = None
    """None: versions are not compared."""
    outcomes: Mapping[str, OutcomeSpec] = field(default_factory=dict)
    """Kinds of outcomes by name."""
    sequential: tuple[SequentialSpec, ...] = ()
    guardrails: GuardrailsSpec = GuardrailsSpec()
    alert_when: AlertWhenSpec = AlertWhenSpec()
    actions: ActionsSpec = ActionsSpec()
    safe_path: SafePathSpec = SafePathSpec()
    promotion: PromotionSpec | None = None
    retrain: RetrainSpec = RetrainSpec()
    drills: DrillsSpec = DrillsSpec()

    @property
    def joins(self) -> bool:
        """Whether requests are followed: pairs or outcomes are asked for."""
        return self.comparison is not None or bool(self.outcomes)

    @property
    def compared(self) -> ComparisonSpec:
        """What the file says of comparisons, or the defaults."""
        return _PLAIN_COMPARISON if self.comparison is None else self.comparison

    def feature(self, name: str) -> FeatureSpec:
        """Return what the file says of a feature, or the defaults."""
        return self.features.get(name, _PLAIN_FEATURE)

    def signal(self, name: str) -> SignalSpec:
        """Return what the file says of one of `SIGNALS`, or the defaults."""
        return self.signals.get(name, _PLAIN_SIGNAL)


_PLAIN_FEATURE: Final = FeatureSpec()
_PLAIN_SIGNAL: Final = SignalSpec()
_PLAIN_COMPARISON: Final = ComparisonSpec()
