"""What asks for a rollback (guard.md §3), read off a version's report and counted by window.

Attribution first: each rule compares the version with a control. Feature drift alone is none of them, unless the owner
has opted in by a guardrail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.monitor import Guarded, GuardrailSpec, MonitorSpec, PromotionSpec
from kedge.schemas.records import ControlKind, Harm, HarmEvidence, HarmKind, Role, VersionReport
from kedge.streams.core.assess import policy_of
from kedge.streams.core.guarding.history import DAY_MS, Seen, SignalKey, Span
from kedge.streams.core.guarding.turn import Turn

__all__ = ["GUARDRAIL_WINDOWS", "RULES", "Proof", "Rule", "Sighting", "sightings", "weigh"]

GUARDRAIL_WINDOWS: Final = 2
"""Consecutive judged windows past a bound that the owner opted in to."""
_DISAGREEMENT_MAX: Final = PromotionSpec().disagreement_max
_SCORES: Final = ("score", "label")


class Rule(StrEnum):
    """What kind of evidence it is; the kind of its key in the history."""

    DIVERGENCE = "divergence"
    """Paired answers differ, and something got worse with it."""
    HARM = "harm"
    """Errors, latency or an outcome are worse than the concurrent control's."""
    SLO = "slo"
    """The version breaks the latency SLO, the control keeps it."""
    SHIFT = "shift"
    """Its scores have moved since it was rolled out, the control's have not."""
    HISTORY = "history"
    """Worse than the previous version was, since the switch."""
    GUARDRAIL = "guardrail"
    """A bound of the owner's."""


RULES: Final = frozenset(rule.value for rule in Rule)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one rule sees in one window."""

    key: SignalKey
    verdict: Verdict
    action: Guarded
    harm: HarmEvidence


@dataclass(frozen=True, slots=True)
class Proof:
    """A rule that holds, for as long as it must; `began`: the first window of the run."""

    rule: Rule
    key: SignalKey
    action: Guarded
    harm: HarmEvidence
    began: int


def weigh(turn: Turn, report: VersionReport) -> tuple[Proof, ...]:
    """Enter a decision window of a version into the counters; return what holds now."""
    monitor, history = turn.monitor, turn.model.history
    policy = policy_of(monitor.policy)
    keep = max(policy.windows, monitor.resolve_after, GUARDRAIL_WINDOWS)
    span = Span(report.window_start, report.window_end, keep)
    found = list(sightings(monitor, report))
    held = frozenset() if turn.model.incident is None else frozenset(turn.model.incident.signals)
    under = f"{report.baseline}/{report.monitor}/{report.control}"
    history.enter(Seen(span, under, {s.key: s.verdict for s in found}), held)
    proofs = []
    for sighting in found:
        key, track = sighting.key, history.track(sighting.key)
        rule = Rule(key.kind)
        if track is None or track.began is None or not _holds(turn, report, sighting):
            continue
        if rule in (Rule.SHIFT, Rule.HISTORY) and track.began > report.began_at + DAY_MS:
            continue  # It did not begin with the rollout: whatever it is, it is not shown to be the version's.
        proofs.append(Proof(rule, key, sighting.action, sighting.harm, track.began))
    return tuple(proofs)


def _holds(turn: Turn, report: VersionReport, sighting: Sighting) -> bool:
    history, key = turn.model.history, sighting.key
    match Rule(key.kind):
        case Rule.HARM | Rule.HISTORY:
            # The test behind it counts windows itself: one verdict is enough.
            return history.last_judged_breach(key, 1)
        case Rule.GUARDRAIL:
            return history.last_judged_breach(key, GUARDRAIL_WINDOWS)
        case Rule.DIVERGENCE | Rule.SLO | Rule.SHIFT:
            return history.persists(key, policy_of(turn.monitor.policy), report.window_end - report.window_start)


def sightings(monitor: MonitorSpec, report: VersionReport) -> Iterator[Sighting]:
    """Yield what each rule sees in the window; what cannot be judged moves no counter."""
    yield from _harms(report)
    if not report.segment:
        yield from _divergence(monitor, report)
        yield from _slo(monitor, report)
        yield from _shifts(monitor, report)
        yield from _guardrails(monitor, report)


def _harms(report: VersionReport) -> Iterator[Sighting]:
    rule = {ControlKind.CONCURRENT: Rule.HARM, ControlKind.HISTORY: Rule.HISTORY}.get(report.control_kind)
    for harm in report.harms:
        if rule is not None and harm.kind is not HarmKind.DIVERGENCE:
            yield Sighting(
                _key(report, rule, harm.measure), Verdict[harm.verdict.name], _route(report), _harm(report, harm)
            )


def _divergence(monitor: MonitorSpec, report: VersionReport) -> Iterator[Sighting]:
    pairs = report.pairs
    if pairs is None:
        return
    least = _DISAGREEMENT_MAX if monitor.promotion is None else monitor.promotion.disagreement_max
    low = pairs.disagreement_low
    shown = any(h.kind is HarmKind.DIVERGENCE and Verdict[h.verdict.name] is Verdict.DRIFTED for h in report.harms)
    apart = shown or (low is not None and low > least)
    harmed = [
        h.measure
        for h in report.harms
        if h.kind is not HarmKind.DIVERGENCE and Verdict[h.verdict.name] >= Verdict.WARNING
    ]
    breach = apart and bool(harmed)
    words = f"disagrees in {_share(pairs.disagreement_rate)} of pairs; worse: {', '.join(harmed) or 'nothing'}"
    evidence = _evidence(report, "divergence_rate", pairs.disagreement_rate, None, words)
    judged = _judged(monitor, report) and pairs.disagreement_rate is not None
    yield Sighting(_key(report, Rule.DIVERGENCE, "divergence_rate"), _verdict(judged, breach), _route(report), evidence)


def _slo(monitor: MonitorSpec, report: VersionReport) -> Iterator[Sighting]:
    slo, own, control = monitor.compared.latency_slo_ms, report.latency_p95_ms, report.control_latency_p95_ms
    if monitor.comparison is None or report.control_kind is not ControlKind.CONCURRENT:
        return
    if own is None or control is None:
        return
    words = f"95 % within {own:.4g} ms, the control {control:.4g} ms, the SLO {slo:.4g} ms"
    judged = _judged(monitor, report) and report.control_n_eff >= monitor.policy.n_eff_min
    evidence = _evidence(report, "latency_p95_ms", own, control, words)
    verdict = _verdict(judged, own > slo >= control)
    yield Sighting(_key(report, Rule.SLO, "latency_p95_ms"), verdict, _route(report), evidence)


def _shifts(monitor: MonitorSpec, report: VersionReport) -> Iterator[Sighting]:
    policy = monitor.policy
    drift = policy.drift if policy.metric == "psi_debiased" else type(policy)().drift
    for contrast in report.contrasts:
        own, control = contrast.candidate_psi_debiased, contrast.control_psi_debiased
        if contrast.kind.lower() not in _SCORES or own is None or control is None:
            continue
        judged = _judged(monitor, report) and report.control_n_eff >= policy.n_eff_min
        breach = own >= drift > control and contrast.cause == "candidate"
        words = f"PSI of {contrast.signal} {own:.3g} against its baseline, the control's {control:.3g}"
        evidence = _evidence(report, contrast.signal, own, control, words)
        yield Sighting(_key(report, Rule.SHIFT, contrast.signal), _verdict(judged, breach), _route(report), evidence)


def _guardrails(monitor: MonitorSpec, report: VersionReport) -> Iterator[Sighting]:
    rails, pairs = monitor.guardrails, report.pairs
    told: tuple[tuple[str, GuardrailSpec | None, float | None, float | None], ...] = (
        ("error_rate", rails.error_rate, report.error_share, report.control_error_share),
        ("drift_rate", rails.drift_rate, report.drifted_share, None),
        ("divergence_rate", rails.divergence_rate, None if pairs is None else pairs.disagreement_rate, None),
    )
    for name, rail, value, control in told:
        if rail is None or value is None:
            continue
        words = f"{name} {value:.4g}, the bound is {rail.bound:.4g}"
        action = rail.action_on_breach
        if report.role is Role.SHADOW and action is Guarded.ROUTE_TO_SAFE_PATH:
            action = Guarded.FREEZE_ROLLOUT
        verdict = _verdict(_judged(monitor, report), value > rail.bound)
        evidence = _evidence(report, name, value, control, words)
        yield Sighting(_key(report, Rule.GUARDRAIL, name), verdict, action, evidence)


def _key(report: VersionReport, rule: Rule, measure: str) -> SignalKey:
    return SignalKey(report.version, report.role.value, report.segment, rule.value, measure)


def _route(report: VersionReport) -> Guarded:
    """A shadow serves nobody: there is no traffic to lead away from it."""
    return Guarded.FREEZE_ROLLOUT if report.role is Role.SHADOW else Guarded.ROUTE_TO_SAFE_PATH


def _judged(monitor: MonitorSpec, report: VersionReport) -> bool:
    policy = monitor.policy
    return report.n_eff >= policy.n_eff_min and report.completeness >= policy.completeness_min


def _verdict(judged: bool, breach: bool) -> Verdict:  # noqa: FBT001 - two answers, in the order they are asked
    if not judged:
        return Verdict.INSUFFICIENT
    return Verdict.DRIFTED if breach else Verdict.STABLE


def _harm(report: VersionReport, harm: Harm) -> HarmEvidence:
    return HarmEvidence(
        measure=harm.measure,
        version=report.version,
        control=report.control,
        rate=harm.rate,
        control_rate=harm.control_rate,
        change=harm.change,
        n=harm.n,
        control_n=harm.control_n,
        verdict=harm.verdict.value,
        reason=harm.reason,
    )


def _evidence(
    report: VersionReport, measure: str, value: float | None, control: float | None, words: str
) -> HarmEvidence:
    return HarmEvidence(
        measure=measure,
        version=report.version,
        control=report.control,
        rate=value,
        control_rate=control,
        n=report.requests,
        control_n=report.control_requests,
        verdict=Verdict.DRIFTED.name,
        reason=words,
    )


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else f"{value:.1%}"
