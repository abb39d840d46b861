"""The signals of one version: reference against current, distances over windows, and what the policy can see here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kedge.detectors.false_pages import breach_chance, windows_between
from kedge.detectors.metrics import METRICS
from kedge.schemas.monitor import MonitorSpec, PolicySpec
from kedge.schemas.records import Cause, Finding, FindingKind, Report, Verdict
from kedge.streams.console.board import policy_for
from kedge.streams.console.charts import Curve, Histogram, Sample, curve, histogram, thresholds_of
from kedge.streams.console.history import Point, StreamTrack
from kedge.streams.console.words import clock_time, number
from kedge.streams.core.plan import Plan

__all__ = ["SHOWN_MAX", "Sight", "SignalCard", "SignalRow", "cards_of", "rows_of", "sight_of"]

SHOWN_MAX: Final = 40
"""Signals that have a picture: the others stand in the table."""
_PLAIN: Final = PolicySpec()
_SEVERITY: Final = (Verdict.DRIFTED, Verdict.WARNING, Verdict.INVALID, Verdict.INSUFFICIENT, Verdict.STABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A signal in the table. `kind` tells a feature from a score, a rule or a detector on a sequence."""

    signal: str
    kind: str
    verdict: Verdict
    cause: str
    reason: str
    distance: str
    policy: str
    detectable: str
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCard:
    """A signal with its pictures."""

    finding: Finding
    metric: str
    value: str
    histogram: Histogram
    curve: Curve
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the policy can see, and how often it must be expected to be wrong."""

    detectable: str
    false_pages: str


def ordered(report: Report) -> list[Finding]:
    """Return the findings, the gravest first."""
    return sorted(report.findings, key=lambda f: (_SEVERITY.index(f.verdict), -(f.psi_debiased or 0.0), f.signal))


def rows_of(report: Report, spec: MonitorSpec | None) -> list[SignalRow]:
    """Return the table of a window's findings."""
    return [_row(finding, _policy(spec, finding)) for finding in ordered(report)]


def cards_of(track: StreamTrack, report: Report, spec: MonitorSpec | None, now_ms: int) -> list[SignalCard]:
    """Return the pictures of the signals that have bins, the gravest first."""
    shown = [finding for finding in ordered(report) if finding.bins][:SHOWN_MAX]
    return [_card(finding, _policy(spec, finding), track.points, now_ms) for finding in shown]


def _policy(spec: MonitorSpec | None, finding: Finding) -> PolicySpec:
    return _PLAIN if spec is None else policy_for(spec, finding.kind.value, finding.signal)


def _row(finding: Finding, policy: PolicySpec) -> SignalRow:
    compared = finding.kind not in (FindingKind.QUALITY, FindingKind.SEQUENTIAL)
    return SignalRow(
        signal=finding.signal,
        kind=finding.kind.value,
        verdict=finding.verdict,
        cause="" if finding.cause is Cause.NONE else finding.cause.value.lower(),
        reason=finding.reason,
        distance=number(getattr(finding, policy.metric)) if compared else "does not apply",
        policy=f"{policy.metric}: {policy.warn:g}, {policy.drift:g}" if compared else "does not apply",
        detectable=number(finding.detectable_psi) if compared else "does not apply",
        rows=f"{finding.n:,}",
    )


def _card(finding: Finding, policy: PolicySpec, points: Sequence[Point], now_ms: int) -> SignalCard:
    signal = (finding.kind.value, finding.signal)
    samples = tuple(_sample(point, point.value(signal), policy, now_ms) for point in points)
    return SignalCard(
        finding=finding,
        metric=policy.metric,
        value=number(getattr(finding, policy.metric)),
        histogram=histogram(finding.bins),
        curve=curve(samples, thresholds_of(policy)),
        samples=samples,
    )


def _sample(point: Point, value: float | None, policy: PolicySpec, now_ms: int) -> Sample:
    words = f"window that ended at {clock_time(point.window_end, now_ms)}: {number(value)}"
    return Sample(point.window_end, value, _passed(value, policy), words)


def _passed(value: float | None, policy: PolicySpec) -> Verdict:
    if value is None:
        return Verdict.INSUFFICIENT
    worsens = METRICS[policy.metric].worsens
    bounds = ((Verdict.DRIFTED, policy.drift), (Verdict.WARNING, policy.warn))
    return next((verdict for verdict, bound in bounds if worsens(value, bound)), Verdict.STABLE)


def sight_of(report: Report, spec: MonitorSpec, plan: Plan | None) -> Sight:
    """Return what shifts of this window's size can be found, and how rare false pages are at the least."""
    known = [f.detectable_psi for f in report.findings if f.detectable_psi is not None]
    detectable = "not known: no signal of this window was judged by its debiased PSI"
    if known:
        detectable = f"a true PSI from {number(min(known))} to {number(max(known))}, by signal"
    return Sight(detectable=detectable, false_pages=_false_pages(report, spec, plan))


def _false_pages(report: Report, spec: MonitorSpec, plan: Plan | None) -> str:
    references = {} if plan is None else _reference_rows(plan)
    judged = [finding for finding in report.findings if finding.detectable_psi is not None]
    if not judged or not all(finding.bins for finding in judged):
        return "not known: this window does not hold the bins of all signals"
    chances = [
        breach_chance(
            _policy(spec, finding).drift,
            len(finding.bins),
            finding.n_eff,
            references.get((finding.kind.value, finding.signal), 0),
        )
        for finding in judged
    ]
    between = windows_between(chances, spec.policy.breaches, spec.policy.windows)
    if math.isinf(between) or between > _NEVER:
        return f"over {_NEVER:,.0f} windows"
    years = between * spec.windows.length_ms / _YEAR_MS
    return f"{number(between)} windows, which is {number(years)} years"


_NEVER: Final = 1e9
_YEAR_MS: Final = 365.25 * 86_400_000


def _reference_rows(plan: Plan) -> Mapping[tuple[str, str], int]:
    return {
        (signal.kind, signal.name): reference.n
        for signal, reference in zip(plan.signals, plan.references.get("", ()), strict=False)
    }
