"""A monitor file as values. Whatever is left out of the file has the default that stands here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.monitor.guard_spec import (
    ActionsSpec,
    AlertWhenSpec,
    ComparisonSpec,
    DrillsSpec,
    GuardrailsSpec,
    OutcomeSpec,
    PromotionSpec,
    RetrainSpec,
    Risk,
    SafePathSpec,
    SequentialSpec,
)
from kedge.schemas.monitor.watch_spec import FeatureSpec, PolicySpec, SignalSpec, VolumeSpec, WindowSpec

__all__ = ["MonitorSpec"]


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
    windows: WindowSpec = field(default_factory=WindowSpec)
    policy: PolicySpec = field(default_factory=PolicySpec)
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
    guardrails: GuardrailsSpec = field(default_factory=GuardrailsSpec)
    alert_when: AlertWhenSpec = field(default_factory=AlertWhenSpec)
    actions: ActionsSpec = field(default_factory=ActionsSpec)
    safe_path: SafePathSpec = field(default_factory=SafePathSpec)
    promotion: PromotionSpec | None = None
    retrain: RetrainSpec = field(default_factory=RetrainSpec)
    drills: DrillsSpec = field(default_factory=DrillsSpec)

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
