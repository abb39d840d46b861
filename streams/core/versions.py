"""Decision windows to version reports: each version beside its control, at the close and when its outcomes are due.

A model's monitor asks for them by comparing versions, by following outcomes, or by a guardrail; without any of these
nothing is kept and nothing is said.
"""

from collections.abc import Iterator, Mapping, Sequence

from kedge.detectors.outcome_measures import stays_away
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import (
    ControlKind,
    HealthyOutcome,
    HealthyWindow,
    JoinKind,
    Report,
    Role,
    SourceProgress,
    Verdict,
    VersionReport,
)
from kedge.streams.core.assess import assess
from kedge.streams.core.catalog import ActiveMonitor, Catalog
from kedge.streams.core.judge_model import ModelWindows, Window
from kedge.streams.core.panes import is_decision_window
from kedge.streams.core.sequences import Sequences
from kedge.streams.core.versions_beside import Beside
from kedge.streams.core.versions_contrasts import contrasts
from kedge.streams.core.versions_harms import at_close, divergence, judge_harm, of_outcomes
from kedge.streams.core.versions_joins import Joined, Of
from kedge.streams.core.versions_report import Told, gate_of, version_report
from kedge.streams.core.versions_sections import Observed, observed, pair_section
from kedge.streams.core.versions_sides import Side, Versus, leader
from kedge.streams.core.versions_state import ModelVersions, VersionStream
from kedge.streams.core.versions_store import VersionsStore
from kedge.streams.core.windows import Due, Stream, contents_of

__all__ = ["Versions", "asks"]


def asks(spec: MonitorSpec) -> bool:
    """Return whether a monitor wants versions looked at."""
    bounds = spec.guardrails
    return spec.joins or any((bounds.error_rate, bounds.drift_rate, bounds.divergence_rate))


class Versions:
    """Makes the version reports of one judge's models."""

    def __init__(self, catalog: Catalog, store: VersionsStore, sequences: Sequences) -> None:
        self._catalog = catalog
        self._store = store
        self._sequences = sequences
        self._beside = Beside(catalog, store)

    def close(self, model: ModelWindows, reported: Sequence[tuple[Due, Report]]) -> Iterator[VersionReport]:
        """Yield the reports of one window that has just closed; it was reported as told. Windows come in order."""
        window = reported[0][0].window
        active = self._asked(model.model, window.start, window.end)
        sides = {} if active is None else self._sides(model.model, active.spec, reported)
        if active is None or not sides:
            return
        versions = self._store.model(model.model)
        first = leader(sides)
        if first is not None:
            versions.lead(first, window.start)
        if active.spec.outcomes:
            versions.due.add((window.end, window.start))
        joined = self._store.joins[model.model].window(window.start, window.end)
        for version, role in joined.streams():
            self._store.see(model.model, version, role, window.start)
        for versus, stream in self._beside.each(active, versions, sides, joined, window):
            told = self._at_close(stream, versus, joined, last=not active.spec.outcomes)
            if (versus.ours.version, versus.role, versus.segment) == (first, Role.PRIMARY, ""):
                _remember(stream, versus, told.verdict)
            self._store.touch(stream)
            yield told

    def come_due(self, model: ModelWindows, sources: Mapping[int, SourceProgress]) -> Iterator[VersionReport]:
        """Yield the second reports of the windows whose outcomes are due by now."""
        known = self._store.known(model.model)
        for end, start in sorted(known.due) if known is not None else ():
            active = self._catalog.monitor_at(model.model, start)
            if active is None:
                continue
            delay = max((outcome.delay_ms for outcome in active.spec.outcomes.values()), default=0)
            if end + delay <= model.watermark:
                versions = self._store.model(model.model)
                versions.due.discard((end, start))
                yield from self._due(model, versions, active, self._again(model, sources, active, (start, end)))

    def _asked(self, model: str, start: int, end: int) -> ActiveMonitor | None:
        active = self._catalog.monitor_at(model, start)
        if active is None or not asks(active.spec):
            return None
        return active if is_decision_window(start, end, active.spec.windows) else None

    def _again(
        self,
        model: ModelWindows,
        sources: Mapping[int, SourceProgress],
        active: ActiveMonitor,
        span: tuple[int, int],
    ) -> list[tuple[Due, Report]]:
        """Look at a window again that was reported."""
        start, end = span
        share = model.share_counted(sources, active.spec.windows.idle_timeout_ms, end)
        reported = []
        for stream, content in sorted(contents_of(model, start, end, sorted(model.pieces)).items(), key=_by_stream):
            due = Due(Window(end, start, *stream), 1, final=True, content=content, share_counted=share)
            reported.append((due, assess(self._catalog, model, due)))
        return reported

    def _due(
        self,
        model: ModelWindows,
        versions: ModelVersions,
        active: ActiveMonitor,
        reported: Sequence[tuple[Due, Report]],
    ) -> Iterator[VersionReport]:
        sides = self._sides(model.model, active.spec, reported)
        if not sides:
            return
        window = reported[0][0].window
        joined = self._store.joins[model.model].window(window.start, window.end)
        versions.learn_under(active.hash)
        usual = {name: versions.usual_coverage(name) for name in active.spec.outcomes}
        first = leader(sides)
        for versus, stream in self._beside.each(active, versions, sides, joined, window):
            ours = self._observed(versus.ours.version, versus.role, versus, joined, usual)
            told = self._when_due(stream, versus, joined, ours, usual)
            if not versus.segment:
                self._feed(model, stream, active, versus, ours)
            if (versus.ours.version, versus.role, versus.segment) == (first, Role.PRIMARY, ""):
                _learn(versions, ours)
                _remember_outcomes(stream, versus, told.verdict, ours)
            self._store.touch(stream)
            yield told

    def _feed(
        self,
        model: ModelWindows,
        stream: VersionStream,
        active: ActiveMonitor,
        versus: Versus,
        ours: Mapping[str, Observed],
    ) -> None:
        """Let detectors see what came of the window; an alarm is told in the next decision window that closes."""
        length = active.spec.windows.length_ms
        told_in = model.closed_through - model.closed_through % length + length
        for name, outcome in ours.items():
            rows, events = outcome.counted
            if outcome.section.mature and rows:
                self._sequences.feed_outcome(stream, active, name, events / rows, (versus.end, told_in))

    def _sides(self, model: str, spec: MonitorSpec, reported: Sequence[tuple[Due, Report]]) -> dict[Stream, Side]:
        sides = {}
        for due, report in reported:
            window, content = due.window, due.content
            if content is not None:
                plan = self._catalog.plan(*next(iter(content.plans))) if len(content.plans) == 1 else None
                stream = (window.version, window.role, window.segment)
                sides[stream] = Side.of(content, plan, report, spec.compared.latency_slo_ms)
                if not window.segment and self._store.stream(model, window.version, window.role) is None:
                    # Seen before the monitor asked.
                    self._store.see(model, window.version, window.role, window.start)
        return sides

    def _at_close(self, stream: VersionStream, versus: Versus, joined: Joined, *, last: bool) -> VersionReport:
        pairs = pair_section(self._catalog, versus, joined)
        gate = gate_of(versus, joined)
        harms = [judge_harm(stream, versus, measured) for measured in at_close(versus, gate)]
        if pairs is not None:
            harms.append(divergence(versus, pairs, gate))
        told = Told(
            began_at=stream.began_at,
            revision=0,
            final=last,
            outcomes_due=False,
            pairs=pairs,
            contrasts=contrasts(versus),
            harms=tuple(harms),
            gate=gate,
        )
        return version_report(versus, told, stream.model)

    def _when_due(
        self,
        stream: VersionStream,
        versus: Versus,
        joined: Joined,
        ours: Mapping[str, Observed],
        usual: Mapping[str, float | None],
    ) -> VersionReport:
        concurrent = versus.control is not None and versus.kind is ControlKind.CONCURRENT
        version = versus.control.version if versus.control is not None else ""
        control = self._observed(version, Role.PRIMARY, versus, joined, usual) if concurrent else {}
        gate = gate_of(versus, joined)
        harms = tuple(judge_harm(stream, versus, measured) for measured in of_outcomes(versus, ours, control, gate))
        told = Told(
            began_at=stream.began_at,
            revision=1,
            final=True,
            outcomes_due=True,
            pairs=pair_section(self._catalog, versus, joined),
            contrasts=contrasts(versus),
            harms=harms,
            gate=gate,
            outcomes=tuple(outcome.section for outcome in ours.values()),
            control_outcomes=tuple(outcome.section for outcome in control.values()),
        )
        return version_report(versus, told, stream.model)

    def _observed(
        self, version: str, role: Role, versus: Versus, joined: Joined, usual: Mapping[str, float | None]
    ) -> dict[str, Observed]:
        of = Of(JoinKind.OUTCOME, version, role, versus.segment)
        return observed(self._catalog, of, versus.told, joined, usual)


def _by_stream(item: tuple[Stream, object]) -> Stream:
    return item[0]


def _remember(stream: VersionStream, versus: Versus, verdict: Verdict) -> None:
    """Keep the leader's window if it was healthy: its successor may have no other control."""
    ours, report = versus.ours, versus.ours.report
    if verdict in {Verdict.STABLE, Verdict.WARNING} and report is not None and report.verdict is not Verdict.DRIFTED:
        stream.keep_healthy(
            HealthyWindow(
                window_start=versus.start,
                window_end=versus.end,
                requests=ours.requests,
                errors=ours.errors,
                timed=ours.timed,
                slow=ours.slow,
                outcomes=(),
            )
        )


def _remember_outcomes(stream: VersionStream, versus: Versus, verdict: Verdict, ours: Mapping[str, Observed]) -> None:
    if verdict is Verdict.DRIFTED:
        stream.healthy.pop(versus.start, None)
    else:
        mature = {name: outcome.counted for name, outcome in ours.items() if outcome.section.mature}
        outcomes = (HealthyOutcome(outcome=name, n=n, events=events) for name, (n, events) in mature.items())
        stream.keep_outcomes(versus.start, tuple(outcomes))


def _learn(versions: ModelVersions, ours: Mapping[str, Observed]) -> None:
    for name, outcome in ours.items():
        section = outcome.section
        # An outage that lasts would become what is usual, and its end would be told while it lasts.
        if section.coverage is not None and not stays_away(section.n, section.predictions, section.usual_coverage):
            versions.learn_coverage(name, section.coverage)
