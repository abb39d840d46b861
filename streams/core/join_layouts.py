"""How a monitor's pairs and outcomes are counted: the one place where tally and judge learn the vectors' layouts."""

from kedge.detectors.grids import CategoryGrid
from kedge.detectors.outcomes import OutcomeKind, OutcomeLayout
from kedge.detectors.pairs import PairLayout
from kedge.schemas.monitor import OutcomeSpec
from kedge.streams.core.plan import Plan, PlanSignal

__all__ = ["outcome_layout", "pair_features", "pair_layout"]


def pair_features(plan: Plan) -> tuple[PlanSignal, ...]:
    """Return the features that pairs are described by, in the layout's order."""
    return tuple(signal for signal in plan.signals if signal.kind == "feature")


def pair_layout(plan: Plan) -> PairLayout:
    """Return the layout of pairs whose control is counted by `plan`: features and classes are of its baseline."""
    labels = next((signal.grid for signal in plan.signals if signal.kind == "label"), None)
    return PairLayout(
        labels=tuple(labels.categories) if isinstance(labels, CategoryGrid) else (),
        features=tuple(signal.grid.size for signal in pair_features(plan)),
    )


def outcome_layout(spec: OutcomeSpec) -> OutcomeLayout:
    """Return the layout of one kind of outcome."""
    return OutcomeLayout(OutcomeKind(spec.type.value), spec.classes, spec.tolerance)
