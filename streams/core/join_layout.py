"""What the vectors of joined counts look like: known to the tally, which counts, and to the judge, which reads."""

from functools import lru_cache
from typing import Final

from kedge.detectors.grids import CategoryGrid
from kedge.detectors.outcomes import OutcomeKind, OutcomeLayout
from kedge.detectors.pairs import PairLayout
from kedge.schemas.monitor import OutcomeSpec, OutcomeType
from kedge.streams.core.plan import Plan

__all__ = ["LABELS_MAX", "labels_of", "outcome_layout", "pair_layout"]

LABELS_MAX: Final = 30
"""Predicted classes that are told apart in pairs: their square is the size of the flip matrix."""


def labels_of(plan: Plan) -> tuple[str, ...]:
    """Return the predicted classes that the baseline names, most frequent first."""
    for signal in plan.signals:
        if signal.kind == "label" and isinstance(signal.grid, CategoryGrid):
            return signal.grid.categories[:LABELS_MAX]
    return ()


@lru_cache(maxsize=1_024)
def pair_layout(plan: Plan, *, features: bool) -> PairLayout:
    """Return the layout of pairs by the control's plan.

    `features`: with the histograms of its features; only pairs of all rows (segment and control as in the partial:
    empty, not empty) have them.
    """
    sizes = (signal.grid.size for signal in plan.signals if signal.kind == "feature")
    return PairLayout(labels=labels_of(plan), features=tuple(sizes) if features else ())


@lru_cache(maxsize=1_024)
def outcome_layout(plan: Plan, outcome: str) -> OutcomeLayout:
    """Return the layout of one of the monitor's outcomes; `KeyError` for one that it does not have."""
    spec = plan.monitor.outcomes[outcome]
    return OutcomeLayout(OutcomeKind(spec.type.value), classes_of(spec, plan), spec.tolerance)


def classes_of(spec: OutcomeSpec, plan: Plan) -> tuple[str, ...]:
    """Return the classes that an outcome tells apart; those that are predicted where the monitor names none."""
    match spec.type:
        case OutcomeType.BINARY:
            return spec.classes[:2] if len(spec.classes) > 1 else ()
        case OutcomeType.CLASS:
            return spec.classes or labels_of(plan) or ("",)
        case OutcomeType.NUMERIC:
            return ()
