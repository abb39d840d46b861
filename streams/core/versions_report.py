"""One version beside its control as the record that leaves, and in which order its verdict is come to."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kedge.schemas.records import (
    Contrast,
    Finding,
    FindingKind,
    Harm,
    HarmKind,
    OutcomeSection,
    PairSection,
    Role,
    Verdict,
    VersionReport,
)
from kedge.streams.core.plan import Plan
from kedge.streams.core.versions_harms import Gate
from kedge.streams.core.versions_joins import Joined
from kedge.streams.core.versions_sections import doubtful
from kedge.streams.core.versions_sides import Side, Versus, share_of

__all__ = ["Told", "drifted_share", "gate_of", "sample_ratio_p_value", "version_report"]

_WATCHED = frozenset((FindingKind.FEATURE, FindingKind.SCORE, FindingKind.LABEL, FindingKind.CONFIDENCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a report says besides the two sides' counts."""

    began_at: int
    revision: int
    final: bool
    outcomes_due: bool
    gate: Gate | None = None
    """Why nothing is judged."""
    pairs: PairSection | None = None
    contrasts: tuple[Contrast, ...] = ()
    outcomes: tuple[OutcomeSection, ...] = ()
    control_outcomes: tuple[OutcomeSection, ...] = ()
    harms: tuple[Harm, ...] = ()


def version_report(versus: Versus, told: Told, model: str) -> VersionReport:
    """Return the report."""
    ours, control, deff = versus.ours, versus.control, versus.design_effect
    verdict, reason = told.gate or _verdict(versus, told)
    served = versus.role is not Role.SHADOW
    expected = versus.spec.compared.expected_share.get(ours.version) if served and not versus.segment else None
    senders = _senders(ours)
    return VersionReport(
        model=model,
        version=ours.version,
        role=versus.role,
        segment=versus.segment,
        control="" if control is None else control.version,
        control_kind=versus.kind,
        window_start=versus.start,
        window_end=versus.end,
        revision=told.revision,
        final=told.final,
        outcomes_due=told.outcomes_due,
        requests=ours.requests,
        control_requests=0 if control is None else control.requests,
        error_share=ours.error_share,
        control_error_share=None if control is None else control.error_share,
        latency_p95_ms=ours.latency_p95_ms,
        control_latency_p95_ms=None if control is None else control.latency_p95_ms,
        slow_share=ours.slow_share,
        control_slow_share=None if control is None else control.slow_share,
        traffic_share=share_of(ours.requests, versus.served) if served else None,
        expected_share=expected,
        sample_ratio_p_value=None
        if expected is None
        else sample_ratio_p_value(ours.requests, versus.served, expected, deff),
        completeness=_completeness(versus),
        n_eff=ours.requests / deff,
        control_n_eff=0.0 if control is None else control.requests / deff,
        largest_sender_share=share_of(max(senders.values()), ours.requests) if senders else None,
        senders=len(senders),
        began_at=told.began_at,
        drifted_share=_drifted(ours),
        pairs=told.pairs,
        contrasts=told.contrasts,
        outcomes=told.outcomes,
        control_outcomes=told.control_outcomes,
        harms=told.harms,
        verdict=verdict,
        reason=reason,
        baseline=versus.hashes[1],
        monitor=versus.hashes[0],
    )


def gate_of(versus: Versus, joined: Joined) -> Gate | None:
    """Return why nothing of this window is judged; None: it bears a verdict."""
    ours, control, policy = versus.ours, versus.control, versus.spec.policy
    sides = [ours] if control is None else [ours, control]
    if any(side.mixed for side in sides):
        return Verdict.INVALID, "the monitor or the baseline changed inside the window"
    if any(side.doubtful for side in sides) or doubtful(versus, joined):
        return Verdict.INVALID, "more single events than duplicates can be told of"
    if not ours.requests:
        return Verdict.INSUFFICIENT, "no data"
    if control is None and versus.role is not Role.PRIMARY:
        return Verdict.INSUFFICIENT, "no control: no primary version serves in this window"
    if _completeness(versus) < policy.completeness_min:
        return (
            Verdict.INSUFFICIENT,
            f"completeness {_completeness(versus):.1%}, at least {policy.completeness_min:.0%} needed",
        )
    return _thin(versus, sides)


def _thin(versus: Versus, sides: Sequence[Side]) -> Gate | None:
    least = versus.spec.policy.n_eff_min
    for side in sides:
        n_eff = side.requests / versus.design_effect
        if n_eff < least:
            return Verdict.INSUFFICIENT, f"{n_eff:.4g} effective rows of {side.version}, {least:g} needed"
    return None


def _completeness(versus: Versus) -> float:
    """The lesser of both."""
    return min(versus.ours.completeness, 1.0 if versus.control is None else versus.control.completeness)


def _verdict(versus: Versus, told: Told) -> Gate:
    """What the harms say together. Divergence warns: it is no harm without another."""
    tested = [harm for harm in told.harms if harm.kind is not HarmKind.DIVERGENCE]
    shown = [harm for harm in tested if harm.verdict is Verdict.DRIFTED]
    if shown:
        return Verdict.DRIFTED, f"harm is shown: {'; '.join(harm.reason for harm in shown)}"
    warned = [harm for harm in told.harms if harm.verdict in {Verdict.WARNING, Verdict.DRIFTED}]
    if warned:
        return Verdict.WARNING, "; ".join(harm.reason for harm in warned)
    if told.outcomes_due and versus.control is not None and not any(h.verdict is Verdict.STABLE for h in tested):
        reasons = [harm.reason for harm in tested] or ["no outcome of both sides"]
        return Verdict.INSUFFICIENT, "; ".join(reasons)
    if versus.control is None:
        return Verdict.STABLE, "nothing to compare with: not tested for harm"
    return Verdict.STABLE, f"no harm shown in {', '.join(harm.measure for harm in tested) or 'anything'}"


def sample_ratio_p_value(rows: int, served: int, expected: float, design_effect: float) -> float:
    """Return how likely chance would put the traffic share so far from the expected one, or further.

    Pearson's chi-square of two cells with one degree of freedom, counts divided by the design effect.

    >>> round(sample_ratio_p_value(60, 1_000, 0.05, 1.0), 3)
    0.147
    """
    if not 0 < expected < 1:
        return 1.0 if rows == expected * served else 0.0
    spread = served * expected * (1 - expected) * design_effect
    return math.erfc(math.sqrt((rows - served * expected) ** 2 / spread / 2)) if served else 1.0


def drifted_share(findings: Sequence[Finding], plan: Plan) -> float | None:
    """Return the importance-weighted share of the watched signals that are DRIFTED; None: none is watched."""
    watched = [finding for finding in findings if finding.kind in _WATCHED]
    weights = [_importance(finding, plan) for finding in watched]
    drifted = [w for w, finding in zip(weights, watched, strict=True) if finding.verdict is Verdict.DRIFTED]
    return share_of(sum(drifted), sum(weights))


def _importance(finding: Finding, plan: Plan) -> float:
    return plan.monitor.feature(finding.signal).importance if finding.kind is FindingKind.FEATURE else 1.0


def _drifted(ours: Side) -> float | None:
    """Nothing is said of a window that was not judged."""
    report, plan = ours.report, ours.plan
    if report is None or plan is None or report.verdict in {Verdict.INVALID, Verdict.INSUFFICIENT}:
        return None
    return drifted_share(report.findings, plan)


def _senders(ours: Side) -> Counter[int]:
    return Counter() if ours.content is None else ours.content.senders
