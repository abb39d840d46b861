"""What a monitor file says of versions, of outcomes, and of what the guard may do.

Durations are int milliseconds, shares are in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

__all__ = [
    "ActionSpec",
    "ActionsSpec",
    "AlertWhenSpec",
    "ComparisonSpec",
    "DrillsSpec",
    "Guarded",
    "GuardrailSpec",
    "GuardrailsSpec",
    "Measure",
    "Mode",
    "OutcomeSpec",
    "OutcomeType",
    "PromotionSpec",
    "RetrainSpec",
    "Risk",
    "SafePathSpec",
    "SequentialKind",
    "SequentialSpec",
]

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


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
    """Class outcomes: those told apart; every other is `other`. Of binary outcomes the two labels that predictions
    carry: negative, positive; none: "0" and "1"."""
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
    expires_after_ms: int = _DAY
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
    standby_ms: int = 7 * _DAY
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

    outcome_duration_ms: int = _DAY
    """For so long its outcomes must have been no worse than the champion's."""
    latency_p95_ms_max: float = 200.0
    disagreement_max: float = 0.2
    segment_change_min: float = -0.05
    """Least relative change of the outcome in the worst segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainSpec:
    """When a retraining is asked for."""

    every_ms: int = 14 * _DAY
    """At most one in this time."""
    after_ms: int = _DAY
    """A drift of the world that has lasted so long is no blip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillsSpec:
    """How often the way back is rehearsed."""

    every_ms: int = 7 * _DAY
    freeze: bool = False
    """An overdue drill freezes the rollout."""
