"""The same evidence read the other way: whether a candidate may be promoted. What is unknown is HOLD, never yes."""

from collections.abc import Iterator
from dataclasses import replace

from kedge.schemas.monitor import MonitorSpec, PromotionSpec
from kedge.schemas.records import HarmKind, Note, Role, Severity, Verdict, VersionReport, VersionStanding
from kedge.schemas.report_json import iso_time
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.turn import Turn

__all__ = ["drill_is_fresh", "gate", "last_drill"]


def gate(turn: Turn, report: VersionReport) -> None:
    """Ask the criteria of a candidate; people are told where an answer has changed."""
    promotion, model = turn.monitor.promotion, turn.model
    key = (report.version, report.role.value)
    standing = model.standings.get(key)
    if promotion is None or report.role is Role.PRIMARY or report.segment or standing is None:
        return
    if turn.monitor.outcomes and not report.outcomes_due:
        return  # A window is asked about once, when all is known of it.
    criteria = tuple(_criteria(turn, promotion, report, standing))
    told = " ".join(f"{note.name}={note.result}" for note in criteria)
    if told == standing.promotion:
        return
    model.standings[key] = replace(standing, promotion=told)
    go = all(note.result == "pass" for note in criteria)
    lacking = ", ".join(f"{note.name} {note.result}" for note in criteria if note.result != "pass")
    words = f"{report.version}: " + ("PROMOTE, every criterion passes" if go else f"HOLD, {lacking}")
    turn.step("promotion_go" if go else "promotion_hold", words)
    notice = Notice(subject="promotion", summary=f"{model.model} {words}", severity=Severity.TICKET, criteria=criteria)
    tell(turn, notice)


def drill_is_fresh(model: ModelState, monitor: MonitorSpec, now_ms: int) -> bool | None:
    """Return whether the last good drill is recent enough (wall time); None: there was none yet."""
    return None if model.drilled_at is None else now_ms - model.drilled_at <= monitor.drills.every_ms


def last_drill(model: ModelState) -> str:
    """Return when the last good drill was, in words."""
    return "there was none yet" if model.drilled_at is None else f"the last good one ended {iso_time(model.drilled_at)}"


def _criteria(turn: Turn, promotion: PromotionSpec, report: VersionReport, standing: VersionStanding) -> Iterator[Note]:
    judged = None if not standing.verdict else not standing.broken
    yield _note("schema_clean", judged, "no quality rule is broken in its newest judged window")
    p95, most = report.latency_p95_ms, promotion.latency_p95_ms_max
    shown = "no latency is known" if p95 is None else f"{p95:.4g} ms"
    yield _note("latency_p95", None if p95 is None else p95 <= most, f"{shown}, at most {most:g}")
    yield _note("outcome", _outcome(promotion, report, standing), _outcome_words(promotion, report, standing))
    segments = {k: v for k, v in standing.changes.items() if k} or dict(standing.changes)
    worst = min(segments, key=lambda name: (segments[name], name), default=None)
    least = promotion.segment_change_min
    words = (
        "no outcome is known"
        if worst is None
        else f"{worst or 'all rows'} {segments[worst]:+.1%}, at least {least:+.1%}"
    )
    yield _note("worst_segment", None if worst is None else segments[worst] >= least, words)
    rate = None if report.pairs is None else report.pairs.disagreement_rate
    shown, most = "no pair is known" if rate is None else f"{rate:.1%}", promotion.disagreement_max
    yield _note("disagreement", None if rate is None else rate <= most, f"{shown}, at most {most:.1%}")
    fresh = drill_is_fresh(turn.model, turn.monitor, turn.now_ms)
    yield _note("drill", fresh, last_drill(turn.model))


def _outcome(promotion: PromotionSpec, report: VersionReport, standing: VersionStanding) -> bool | None:
    if any(h.kind is HarmKind.OUTCOME and h.verdict is Verdict.DRIFTED for h in report.harms):
        return False
    since = standing.outcomes_since
    return True if since is not None and report.window_end - since >= promotion.outcome_duration_ms else None


def _outcome_words(promotion: PromotionSpec, report: VersionReport, standing: VersionStanding) -> str:
    since = standing.outcomes_since
    known = 0 if since is None else report.window_end - since
    return f"no worse than the champion's for {known} ms of event time, {promotion.outcome_duration_ms} needed"


def _note(name: str, answer: bool | None, evidence: str) -> Note:  # noqa: FBT001 - the answer
    result = {True: "pass", False: "fail", None: "unknown"}[answer]
    return Note(name=name, result=result, evidence=evidence)
