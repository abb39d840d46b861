"""What is known of the outcomes: whether they come, whether a KPI got worse, and how a candidate's compare."""

from collections.abc import Mapping
from dataclasses import replace

from kedge.detectors.outcome_measures import stays_away
from kedge.schemas.monitor import OutcomeSpec
from kedge.schemas.records import Harm, HarmKind, KpiState, OutcomeSection, Role, Verdict, VersionReport
from kedge.streams.core.guarding.history import StreamKey
from kedge.streams.core.guarding.sensing import away, see_outcomes
from kedge.streams.core.guarding.turn import Turn

__all__ = ["take_outcomes"]

_RANKS = 0.7
"""Least AUC of a score that still ranks."""
_OFF = 0.05
"""ECE from which its level is off."""
_ASSUMED = 0.03
"""Coverage where none has been usual yet."""
_KPIS_MAX = 32
"""Outcomes of which something is kept; the one heard of longest ago goes."""
_SEGMENTS_MAX = 256
"""Segments of which a version's change is kept: more than a monitor can name."""
_JUDGED = (Verdict.STABLE, Verdict.WARNING, Verdict.DRIFTED)


def take_outcomes(turn: Turn, report: VersionReport) -> None:
    """Take note of a version's outcomes once they are due."""
    if not report.outcomes_due:
        return
    if not report.segment:
        before = away(turn)
        for section in report.outcomes:
            _kpi(turn, report, section)
        if report.role is Role.PRIMARY:
            _look_for_missing(turn, report)
            see_outcomes(turn, before)
    _candidate(turn, report)


def _look_for_missing(turn: Turn, report: VersionReport) -> None:
    """Take note of outcomes that the monitor asks for and that do not come, of the version that serves."""
    sections, kpis = {section.outcome: section for section in report.outcomes}, turn.model.kpis
    for name, spec in turn.monitor.outcomes.items():
        section, known = sections.get(name), kpis.get(name)
        predictions = report.requests if section is None else section.predictions
        if not predictions or (known is not None and known.window_end > report.window_end):
            continue  # Nothing to come of, or an older window than what is known.
        fresh = KpiState(outcome=name, window_end=report.window_end, worse=False, mature=False, missed=0.0)
        known = fresh if known is None else known
        if _stays_away(section, spec):
            began = report.window_start if known.missing_from is None else known.missing_from
            usual = (None if section is None else section.usual_coverage) or _ASSUMED
            kpis[name] = replace(known, missing_from=began, missed=known.missed + usual * predictions)
        else:
            kpis[name] = replace(known, missing_from=None, missed=0.0)


def _stays_away(section: OutcomeSection | None, spec: OutcomeSpec) -> bool:
    """Whether a window has none of an outcome, or far fewer than usual; late labels may be all that ever comes."""
    if section is None or not section.usual_coverage:
        return spec.label_horizon_ms is None and (section is None or not section.n)
    return stays_away(section.n, section.predictions, section.usual_coverage)


def _kpi(turn: Turn, report: VersionReport, section: OutcomeSection) -> None:
    kpis, name = turn.model.kpis, section.outcome
    harms = [h for h in _harms(report) if h.measure.partition(".")[0] == name]
    worse = any(h.verdict in (Verdict.WARNING, Verdict.DRIFTED) for h in harms)
    known = kpis.get(name)
    if known is not None and known.window_end > report.window_end:
        return
    same = known is not None and known.window_end == report.window_end
    ranks = None if section.auc is None or section.ece is None else section.auc >= _RANKS and section.ece > _OFF
    kpis[name] = KpiState(
        outcome=name,
        window_end=report.window_end,
        # Several versions of one window: worse if any of them is.
        worse=worse or (same and known is not None and known.worse),
        mature=section.mature and (not same or known is None or known.mature),
        miscalibrated=ranks,
        missing_from=None if known is None else known.missing_from,
        missed=0.0 if known is None else known.missed,
    )
    if len(kpis) > _KPIS_MAX:
        del kpis[min(kpis, key=lambda kpi: (kpis[kpi].window_end, kpi))]


def _harms(report: VersionReport) -> list[Harm]:
    return [h for h in report.harms if h.kind is HarmKind.OUTCOME]


def _candidate(turn: Turn, report: VersionReport) -> None:
    """Since when its outcomes are no worse, and how each segment's compare."""
    model, key = turn.model, (report.version, report.role.value)
    standing, harms = model.standings.get(key), [h for h in _harms(report) if h.verdict in _JUDGED]
    if standing is None or not harms:
        return
    since = standing.outcomes_since
    if not report.segment:
        harmed = any(h.verdict is Verdict.DRIFTED for h in harms)
        since = None if harmed else (report.window_start if since is None else since)
    changes = [h.change if h.higher_is_better else -h.change for h in harms if h.change is not None]
    told = {**standing.changes, report.segment: min(changes)} if changes else dict(standing.changes)
    if len(told) > _SEGMENTS_MAX:
        told = _known(turn, report, told)
    model.standings[key] = replace(standing, outcomes_since=since, changes={k: told[k] for k in sorted(told)})


def _known(turn: Turn, report: VersionReport, told: Mapping[str, float]) -> dict[str, float]:
    """What is told of segments that are still heard of; a former monitor may have named others."""
    streams = turn.model.history.streams
    known = {s for s in told if s == report.segment or StreamKey(report.version, report.role.value, s) in streams}
    return {segment: told[segment] for segment in sorted(known)[:_SEGMENTS_MAX]}
