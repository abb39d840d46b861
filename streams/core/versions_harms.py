"""Harm of a version beside its control: which measures are tested, and their evidence from window to window."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kedge.detectors.harm import LOG_HARM, LOG_WARNING, HarmTest
from kedge.detectors.harm_power import detectable_change, windows_to_detect
from kedge.schemas.records import ControlKind, Harm, HarmKind, HarmState, OutcomeSection, PairSection, Verdict
from kedge.streams.core.versions_sections import Observed
from kedge.streams.core.versions_sides import Counted, Side, Versus, share_of
from kedge.streams.core.versions_state import DAY_MS, VersionStream

__all__ = ["Gate", "Measured", "at_close", "divergence", "judge_harm", "of_outcomes"]

Gate = tuple[Verdict, str]
"""Why something is not judged."""

BAD_EPSILON: Final = 0.01
"""Relative excess of errors and slow answers that is not yet harm."""

_LOSS, _EXCESS = -0.1, 0.5
"""The changes whose time to detection a report tells: of good events, and of bad ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure of both sides; `refused`: why it moves no counter."""

    kind: HarmKind
    measure: str
    higher_is_better: bool
    epsilon: float
    ours: Counted
    control: Counted
    refused: Gate | None = None


def at_close(versus: Versus, refused: Gate | None) -> Iterator[Measured]:
    """Yield what is tested when a window closes: errors, and answers slower than the SLO."""
    ours, control = versus.ours, versus.control
    if ours.content is None or control is None:
        return
    bad = [
        (HarmKind.ERROR, "error_rate", (ours.requests, ours.errors), (control.requests, control.errors)),
        (HarmKind.LATENCY, "slow_rate", (ours.timed, ours.slow), (control.timed, control.slow)),
    ]
    for kind, measure, candidate, beside in bad:
        if candidate[0] and beside[0]:
            yield Measured(
                kind=kind,
                measure=measure,
                higher_is_better=False,
                epsilon=BAD_EPSILON,
                ours=candidate,
                control=beside,
                refused=refused,
            )


def of_outcomes(
    versus: Versus, ours: Mapping[str, Observed], control: Mapping[str, Observed], refused: Gate | None
) -> Iterator[Measured]:
    """Yield what is tested when outcomes are due: each outcome's judged measure."""
    for name, outcome in ours.items():
        beside = control.get(name)
        counted = _past(versus.control, name) if beside is None else beside.counted
        if counted is None:
            continue
        spec = versus.spec.outcomes[name]
        yield Measured(
            kind=HarmKind.OUTCOME,
            measure=f"{name}.{spec.judged.value}",
            higher_is_better=True,
            epsilon=spec.epsilon,
            ours=outcome.counted,
            control=counted,
            refused=refused or immature(outcome.section) or (None if beside is None else immature(beside.section)),
        )


def immature(section: OutcomeSection) -> Gate | None:
    """Return why an outcome is not judged yet; None: it is."""
    if section.mature:
        return None
    if section.usual_coverage is None:
        return Verdict.INSUFFICIENT, f"{section.outcome} immature: its usual coverage is not learnt"
    if section.coverage is None:
        return Verdict.INSUFFICIENT, f"{section.outcome} immature: no prediction was followed"
    usual = f"coverage {section.coverage:.1%}, usually {section.usual_coverage:.1%}"
    return Verdict.INSUFFICIENT, f"{section.outcome} immature: {usual}"


def divergence(versus: Versus, pairs: PairSection, refused: Gate | None) -> Harm:
    """Return how often pairs disagree. There is no right rate of that: only the owner's bound makes it a breach."""
    guardrail = versus.spec.guardrails.divergence_rate
    verdict, reason = Verdict.STABLE, "no guardrail: disagreement by itself is not harm"
    if pairs.disagreement_rate is None or pairs.n / versus.design_effect < versus.spec.policy.n_eff_min:
        verdict, reason = (
            Verdict.INSUFFICIENT,
            f"{pairs.n} pairs, {versus.spec.policy.n_eff_min:g} effective ones needed",
        )
    elif guardrail is not None:
        passed = pairs.disagreement_rate > guardrail.bound
        verdict = Verdict.DRIFTED if passed else Verdict.STABLE
        said = "above" if passed else "within"
        reason = f"divergence_rate {pairs.disagreement_rate:.3g} is {said} the guardrail's {guardrail.bound:g}"
    verdict, reason = refused or (verdict, reason)
    return Harm(
        kind=HarmKind.DIVERGENCE,
        measure="divergence_rate",
        higher_is_better=False,
        n=pairs.n,
        events=pairs.disagreements,
        rate=pairs.disagreement_rate,
        control_n=0,
        control_events=0,
        log_evidence=0.0,
        log_threshold=LOG_HARM,
        verdict=verdict,
        reason=reason,
    )


def judge_harm(stream: VersionStream, versus: Versus, measured: Measured) -> Harm:
    """Return a measure's harm; its evidence grows in `stream` where the window bears it, and once a window."""
    test = HarmTest.of(measured.epsilon, higher_is_better=measured.higher_is_better)
    refused = measured.refused
    if refused is None and not (measured.ours[0] and measured.control[0]):
        refused = Verdict.INSUFFICIENT, f"no rows of {measured.measure}"
    state = _state(stream, versus, measured, test)
    if refused is None and state.through < versus.end:
        state = _advanced(test, state, versus, measured)
        stream.harms[versus.segment, measured.measure] = state
    evidence = test.log_evidence(state.state)
    verdict, reason = refused or _judged(measured, evidence)
    rate, control_rate = (
        share_of(measured.ours[1], measured.ours[0]),
        share_of(measured.control[1], measured.control[0]),
    )
    found = _power(test, versus, measured) if not versus.segment else (None, None)
    return Harm(
        kind=measured.kind,
        measure=measured.measure,
        higher_is_better=measured.higher_is_better,
        n=measured.ours[0],
        events=measured.ours[1],
        rate=rate,
        control_n=measured.control[0],
        control_events=measured.control[1],
        control_rate=control_rate,
        change=None if rate is None or not control_rate else rate / control_rate - 1,
        log_evidence=evidence,
        log_threshold=LOG_HARM,
        verdict=verdict,
        reason=reason,
        detectable_change=found[0],
        windows_to_detect=found[1],
    )


def _state(stream: VersionStream, versus: Versus, measured: Measured, test: HarmTest) -> HarmState:
    """The evidence so far; none where it was gathered against another control, baseline or monitor."""
    control = "" if versus.control is None else versus.control.version
    fresh = HarmState(
        segment=versus.segment,
        measure=measured.measure,
        control=control,
        control_kind=versus.kind,
        baseline=versus.hashes[1],
        monitor=versus.hashes[0],
        through=0,
        state=test.start(),
    )
    known = stream.harms.get((versus.segment, measured.measure))
    return known if known is not None and _identity(known) == _identity(fresh) else fresh


def _identity(state: HarmState) -> tuple[object, ...]:
    return state.control, state.control_kind, state.baseline, state.monitor, len(state.state)


def _advanced(test: HarmTest, state: HarmState, versus: Versus, measured: Measured) -> HarmState:
    update = test.update_against_past if versus.kind is ControlKind.HISTORY else test.update
    return HarmState(
        segment=state.segment,
        measure=state.measure,
        control=state.control,
        control_kind=state.control_kind,
        baseline=state.baseline,
        monitor=state.monitor,
        through=versus.end,
        state=update(state.state, measured.ours, measured.control, versus.design_effect),
    )


def _judged(measured: Measured, evidence: float) -> Gate:
    rates = [share_of(events, rows) or 0.0 for rows, events in (measured.ours, measured.control)]
    said = f"{measured.measure} {rates[0]:.3g}, the control's {rates[1]:.3g}, evidence {evidence:.1f} of {LOG_HARM:.1f}"
    if evidence >= LOG_HARM:
        return Verdict.DRIFTED, said
    return (Verdict.WARNING if evidence >= LOG_WARNING else Verdict.STABLE), said


def _power(test: HarmTest, versus: Versus, measured: Measured) -> tuple[float | None, float | None]:
    """What a day shows, and how long a usual harm takes; nothing where the control has no rate to change."""
    rate = share_of(measured.control[1], measured.control[0])
    if rate is None or not 0 < rate < 1 or not measured.ours[0]:
        return None, None
    n, control_n = measured.ours[0] / versus.design_effect, measured.control[0] / versus.design_effect
    windows = DAY_MS / versus.spec.windows.length_ms
    change = _LOSS if measured.higher_is_better else _EXCESS
    return (
        detectable_change(test, n, control_n, rate, max(1.0, windows)),
        windows_to_detect(test, change, n, control_n, rate),
    )


def _past(control: Side | None, outcome: str) -> Counted | None:
    """The judged measure over a past control's windows; None where it had no such outcome."""
    windows = () if control is None else control.healthy
    found = [(o.n, o.events) for window in windows for o in window.outcomes if o.outcome == outcome]
    return (sum(n for n, _ in found), sum(events for _, events in found)) if found else None
