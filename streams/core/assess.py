"""A closed window to its report: compares, applies the rules, and decides in the order of verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kedge.detectors import latency
from kedge.detectors.compare import Comparison, compare
from kedge.detectors.finding import Finding, judge
from kedge.detectors.overall import overall
from kedge.detectors.policy import FixedPolicy
from kedge.detectors.quality import QualityCounts, VolumeBand, feature_quality, volume_quality
from kedge.detectors.reference import Reference
from kedge.detectors.summaries import QualitySummary
from kedge.detectors.verdict import Cause, Verdict
from kedge.schemas import records
from kedge.schemas.monitor import MonitorSpec, PolicySpec
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.cells import DUPLICATES_POSSIBLE, Cell
from kedge.streams.core.finding_record import finding_record
from kedge.streams.core.judge_model import ModelWindows
from kedge.streams.core.plan import Plan, PlanSignal
from kedge.streams.core.rules import rules_of
from kedge.streams.core.windows import SEGMENT_MIN, Due

__all__ = ["assess", "policy_of", "policy_of_signal"]


def policy_of(spec: PolicySpec) -> FixedPolicy:
    """Return a monitor's policy as the detectors know it."""
    return FixedPolicy(
        metric=spec.metric,
        warn=spec.warn,
        drift=spec.drift,
        breaches=spec.breaches,
        windows=spec.windows,
        n_eff_min=spec.n_eff_min,
    )


def policy_of_signal(monitor: MonitorSpec, signal: PlanSignal) -> FixedPolicy:
    """Return the policy of one signal: the model's, with whatever the signal has of its own."""
    own = monitor.signal(signal.kind) if signal.feature is None else signal.feature
    return policy_of(monitor.policy.overridden(own.policy))


@dataclass(frozen=True, slots=True)
class _Window:
    """What a report is made of."""

    due: Due
    plan: Plan | None
    cell: Cell
    last_seen: Mapping[str, int]

    @property
    def completeness(self) -> float:
        """The least of what is known to have come and of the sources that are counted so far."""
        rows = self.cell.requests + max(self.cell.lost, 0)
        received = self.cell.requests / rows if rows else 1.0
        return min(received, self.due.share_counted)

    @property
    def design_effect(self) -> float:
        given = None if self.plan is None else self.plan.monitor.design_effect
        return 1.0 if given is None else given


def assess(catalog: Catalog, model: ModelWindows, due: Due, followed: Sequence[Finding] = ()) -> records.Report:
    """Return the report of a window that is due; `followed`: what detectors on sequences say of it."""
    window = _window(catalog, model, due)
    gate = _gate(window)
    findings = [] if window.plan is None else list(_findings(window, window.plan, gate))
    findings += [(_ungraded(finding, gate), None) for finding in followed]
    verdict, reason = gate or overall([finding for finding, _ in findings])
    cell, deff = window.cell, window.design_effect
    given = None if window.plan is None else window.plan.monitor.design_effect
    return records.Report(
        model=model.model,
        version=due.window.version,
        role=records.Role(due.window.role),
        segment=due.window.segment,
        window_start=due.window.start,
        window_end=due.window.end,
        revision=due.revision,
        final=due.final,
        requests=cell.requests,
        error_share=cell.errors / cell.requests if cell.requests else None,
        latency_p50_ms=latency.quantile(cell.latency, 0.50),
        latency_p95_ms=latency.quantile(cell.latency, 0.95),
        latency_p99_ms=latency.quantile(cell.latency, 0.99),
        n=cell.requests,
        n_eff=cell.requests / deff,
        design_effect=deff,
        design_effect_assumed=given is None,
        completeness=window.completeness,
        verdict=records.Verdict(verdict.name),
        reason=reason,
        baseline="" if window.plan is None else window.plan.hashes[1],
        monitor="" if window.plan is None else window.plan.hashes[0],
        findings=tuple(finding_record(finding, signal, cell) for finding, signal in findings),
    )


Gate = tuple[Verdict, str]
Judged = tuple[Finding, PlanSignal | None]


def _window(catalog: Catalog, model: ModelWindows, due: Due) -> _Window:
    span = due.window
    content = due.content
    last_seen = {
        feature: end
        for (version, role, feature), end in model.fresh.items()
        if (version, role) == (span.version, span.role)
    }
    if content is None:
        plan = catalog.plan_at(model.model, span.version, span.start)
        return _Window(due, plan, Cell.empty(1, 0 if plan is None else plan.layout.size), last_seen)
    plan = catalog.plan(*next(iter(content.plans))) if len(content.plans) == 1 else None
    return _Window(due, plan, content.cell, last_seen)


def _gate(window: _Window) -> Gate | None:
    """Why the window must not be judged; asked before anything is compared."""
    plan, content = window.plan, window.due.content
    if content is None:
        return Verdict.INSUFFICIENT, "no data"
    if len(content.plans) > 1:
        return Verdict.INVALID, "the monitor or the baseline changed inside the window"
    if plan is None:
        return Verdict.INVALID, "the monitor or the baseline is not known here"
    if not plan.hashes[1]:
        return Verdict.INVALID, f"no baseline for version {window.due.window.version}"
    return _weak(window, plan)


def _weak(window: _Window, plan: Plan) -> Gate | None:
    """Why counts that are comparable do not bear a verdict."""
    if window.cell.flags & DUPLICATES_POSSIBLE:
        return Verdict.INVALID, "more single events than duplicates can be told of"
    if window.due.window.segment not in plan.references:
        return Verdict.INSUFFICIENT, "the baseline does not have this segment"
    if window.cell.requests < SEGMENT_MIN:
        return Verdict.INSUFFICIENT, f"{window.cell.requests} requests; fewer than {SEGMENT_MIN} are not compared"
    least = plan.monitor.policy.completeness_min
    if window.completeness < least:
        return Verdict.INSUFFICIENT, f"completeness {window.completeness:.1%}, at least {least:.0%} needed"
    return None


def _findings(window: _Window, plan: Plan, gate: Gate | None) -> Iterator[Judged]:
    references = plan.references.get(window.due.window.segment)
    if references is None or window.due.content is None:
        return
    for signal in plan.signals:
        policy = policy_of_signal(plan.monitor, signal)
        comparison = _compared(window, references[signal.index], signal, policy)
        finding = judge(signal.name, signal.kind, comparison, policy)
        if signal.kind == "feature" and signal.name in plan.unfit:
            finding = _ungraded(finding, (Verdict.INVALID, plan.unfit[signal.name]))
        yield _ungraded(finding, gate), signal
    for name in plan.unfit.keys() - {s.name for s in plan.signals if s.kind == "feature"}:
        nothing = Comparison(n=window.cell.requests, n_eff=window.cell.requests / window.design_effect)
        yield (
            Finding(
                signal=name,
                kind="feature",
                verdict=Verdict.INVALID,
                cause=Cause.NONE,
                reason=plan.unfit[name],
                comparison=nothing,
            ),
            None,
        )
    if not window.due.window.segment:
        for finding in _quality(window, plan):
            yield _ungraded(finding, gate), None


def _compared(window: _Window, reference: Reference, signal: PlanSignal, policy: FixedPolicy) -> Comparison:
    """The comparison; of a handful of rows the distances would tell what they were, and nothing else."""
    counts, grid = window.cell.counts[signal.where], signal.grid
    if window.cell.requests >= SEGMENT_MIN:
        return compare(reference, counts, design_effect=window.design_effect, drift_psi=policy.drift_psi)
    return Comparison(
        n=int(counts.sum()),
        n_eff=int(counts.sum()) / window.design_effect,
        n_reference=reference.n,
        missing=int(counts[grid.missing]),
        invalid=int(counts[grid.invalid]),
    )


def _ungraded(finding: Finding, gate: Gate | None) -> Finding:
    """The finding with its numbers, and without a verdict that the window does not bear."""
    if gate is None:
        return finding
    return replace(finding, verdict=gate[0], reason=gate[1], cause=Cause.NONE)


def _quality(window: _Window, plan: Plan) -> Iterator[Finding]:
    for signal in plan.signals:
        if signal.feature is not None and signal.name in plan.monitor.features:
            rules = rules_of(signal.feature)
            finding = feature_quality(
                signal.name,
                rules,
                _quality_counts(window, plan, signal, QualitySummary(rules, window.cell.counts[signal.rules])),
                n_eff_min=plan.monitor.policy.n_eff_min,
            )
            if finding is not None:
                yield finding
    band = plan.monitor.volume
    if band is not None:
        finding = volume_quality(VolumeBand(band.min, band.max), window.cell.requests)
        if finding is not None:
            yield finding


def _quality_counts(window: _Window, plan: Plan, signal: PlanSignal, summary: QualitySummary) -> QualityCounts:
    bins, grid = window.cell.counts[signal.where], signal.grid
    reference = plan.references[""][signal.index]
    return QualityCounts(
        n=int(bins.sum()),
        missing=int(bins[grid.missing]),
        invalid=int(bins[grid.invalid]),
        out_of_rule=summary.out_of_rule,
        distinct=summary.distinct,
        last_seen_ms=window.last_seen.get(signal.name),
        window_end_ms=window.due.window.end,
        baseline_rows=reference.n,
        baseline_faults=int(reference.counts[grid.missing] + reference.counts[grid.invalid]),
        design_effect=window.design_effect,
    )
