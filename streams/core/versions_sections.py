"""What a version's report says of pairs and outcomes: joined counts as measures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kedge.detectors.outcome_measures import good, outcome_measures, possible
from kedge.detectors.pair_measures import pair_measures
from kedge.schemas.records import DisagreementFeature, Flip, JoinKind, OutcomeSection, PairSection, Role
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.join_layouts import outcome_layout, pair_features, pair_layout
from kedge.streams.core.plan import Plan
from kedge.streams.core.versions_joins import Joined, JoinSum, Of
from kedge.streams.core.versions_sides import Counted, Versus, share_of

__all__ = ["MATURE", "Observed", "doubtful", "followed", "observed", "pair_section"]

MATURE = 0.8
"""Share of the usual coverage from which on an outcome is judged."""

FLIPS_MAX = 100
"""Cells of a flip or confusion matrix that a report holds, and features that set pairs apart: the first ones."""

_OWN = 4
"""First slots of a pair's vector: what is counted of answers by themselves."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One outcome of one version's window, and what the harm test takes of it."""

    section: OutcomeSection
    counted: Counted


def pair_section(catalog: Catalog, versus: Versus, joined: Joined) -> PairSection | None:
    """Return what both answered to the same requests; None where nobody joins, or nothing was followed."""
    if (
        versus.spec.comparison is None
        or versus.control is None
        or versus.role is Role.PRIMARY
        or versus.control.healthy
    ):
        return None
    theirs = Of(JoinKind.PAIR, versus.control.version, Role.PRIMARY, versus.segment)
    ours = Of(JoinKind.PAIR, versus.ours.version, versus.role, versus.segment)
    pairs = joined.of(ours._replace(control=versus.control.version), versus.told)
    own, control = joined.of(ours, versus.told), joined.of(theirs, versus.told)
    plan = versus.control.plan if pairs is None else _plan(catalog, pairs)
    if (pairs is None and own is None) or plan is None:
        return None
    layout = pair_layout(plan)
    counts = np.zeros(layout.size, np.int64)
    if pairs is not None:
        if pairs.counts.size != layout.size:
            return None
        counts += pairs.counts
    for side in (own, control):
        if side is not None:
            counts[:_OWN] += side.counts[:_OWN]
    measures = pair_measures(layout, counts)
    names = [signal.name for signal in pair_features(plan)]
    return PairSection(
        n=measures.n,
        sampled_share=_sampled(versus, measures.candidates, measures.controls),
        unmatched_candidate=measures.unmatched_candidate,
        unmatched_control=measures.unmatched_control,
        join_rate=measures.join_rate,
        disagreements=measures.disagreements,
        disagreement_rate=measures.disagreement_rate,
        disagreement_low=measures.disagreement_low,
        disagreement_high=measures.disagreement_high,
        delta_mean=measures.delta_mean,
        delta_p05=measures.delta_p05,
        delta_p50=measures.delta_p50,
        delta_p95=measures.delta_p95,
        candidate_error_share=measures.candidate_error_share,
        control_error_share=measures.control_error_share,
        latency_ratio=measures.latency_ratio,
        flips=_flips(measures.flips),
        features=tuple(
            DisagreementFeature(feature=names[index], psi_debiased=distance)
            for index, distance in measures.features[:FLIPS_MAX]
        ),
    )


def observed(
    catalog: Catalog, of: Of, told: frozenset[str], joined: Joined, usual: Mapping[str, float | None]
) -> dict[str, Observed]:
    """Return the outcomes of a version's window by name; `usual`: the outcomes asked for, and their usual coverage."""
    found = {}
    for name in sorted(usual):
        total = joined.of(of._replace(outcome=name), told)
        plan = None if total is None else _plan(catalog, total)
        if total is None or plan is None or name not in plan.monitor.outcomes:
            continue
        layout = outcome_layout(plan.monitor.outcomes[name])
        if possible(layout, total.counts):
            spec = plan.monitor.outcomes[name]
            section = _outcome(name, plan, total, usual[name])
            found[name] = Observed(section, good(layout, total.counts, spec.judged.value))
    return found


def followed(versus: Versus, joined: Joined) -> Iterator[JoinSum]:
    """Yield the joined counts that a report of pairs or outcomes rests on."""
    sides = [(versus.ours.version, versus.role.value)]
    if versus.control is not None and not versus.control.healthy:
        sides.append((versus.control.version, Role.PRIMARY.value))
    return (total for of, total in joined.sums.items() if (of.version, of.role) in sides)


def doubtful(versus: Versus, joined: Joined) -> bool:
    """Return whether joined counts may hold duplicates."""
    return any(total.doubtful for total in followed(versus, joined))


def _plan(catalog: Catalog, total: JoinSum) -> Plan | None:
    """The one plan that counts were made by; None where there are several, or it is not known here."""
    return catalog.plan(*next(iter(total.plans))) if len(total.plans) == 1 else None


def _sampled(versus: Versus, candidates: int, controls: int) -> float:
    """Share of the requests that are followed; a version without rows of its own is seen through its control's."""
    if versus.ours.content is not None:
        return min(1.0, share_of(candidates, versus.ours.requests) or 0.0)
    return min(1.0, share_of(controls, 0 if versus.control is None else versus.control.requests) or 0.0)


def _outcome(name: str, plan: Plan, total: JoinSum, usual: float | None) -> OutcomeSection:
    measures = outcome_measures(outcome_layout(plan.monitor.outcomes[name]), total.counts)
    maturity = None if not usual or measures.coverage is None else min(1.0, measures.coverage / usual)
    return OutcomeSection(
        outcome=name,
        n=measures.n,
        predictions=measures.predictions,
        coverage=measures.coverage,
        usual_coverage=usual,
        maturity=maturity,
        mature=maturity is not None and maturity >= MATURE,
        positive_rate=measures.positive_rate,
        accuracy=measures.accuracy,
        precision=measures.precision,
        recall=measures.recall,
        f1=measures.f1,
        log_loss=measures.log_loss,
        brier=measures.brier,
        ece=measures.ece,
        auc=measures.auc,
        mae=measures.mae,
        rmse=measures.rmse,
        confusion=_flips(measures.confusion),
    )


def _flips(found: tuple[tuple[str, str, int], ...]) -> tuple[Flip, ...]:
    return tuple(
        Flip(control=control, candidate=candidate, count=count) for control, candidate, count in found[:FLIPS_MAX]
    )
