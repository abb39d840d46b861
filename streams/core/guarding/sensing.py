"""Whether the guard still sees: reports that come, in time, of windows that are complete enough, and outcomes."""

from dataclasses import replace
from typing import Final

from kedge.schemas.records import Cause, Finding, FindingKind, Report, Verdict, VersionStanding
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.states import State, Trigger
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.guarding.vetoes import LAG_WINDOWS, lag_ms

__all__ = ["SENSING_WINDOWS", "away", "blind_at", "look", "see_outcomes", "stand", "unreported"]

SENSING_WINDOWS: Final = 3
"""Decision windows, of wall time, without a report; or decision windows in a row that are too poor."""
_LAG_FORGOTTEN: Final = 256
"""Windows after which about two thirds of how early a single one came are forgotten."""
_MISSED_MIN: Final = 30.0
"""Outcomes that should have come before any are missed: of a few it is chance whether they come."""
_STANDINGS_MAX: Final = 32
"""Versions and roles remembered; the one seen longest ago goes."""


def look(turn: Turn, report: Report) -> None:
    """Take note that a decision window was reported, and how well it can be seen."""
    model, length = turn.model, turn.monitor.windows.length_ms
    model.reported_at = turn.now_ms
    new = report.window_start > model.newest_window
    if new:
        model.newest_window = report.window_start
        lag = turn.now_ms - report.window_end
        poor = not report.completeness >= turn.monitor.policy.completeness_min
        poor = poor or lag_ms(turn, report.window_end, 0) > LAG_WINDOWS * length
        least = lag if model.least_lag_ms is None else min(model.least_lag_ms, lag)
        # One window told by a clock that was off must not make every later one look late for ever.
        model.least_lag_ms = least + (lag - least) // _LAG_FORGOTTEN
        model.poor_windows = model.poor_windows + 1 if poor else 0
        _cool(turn)
    if model.poor_windows >= SENSING_WINDOWS:
        _lose(turn, f"{model.poor_windows} windows in a row are too incomplete or too late")
    elif new and model.blind is not None and not model.poor_windows:
        _regain(turn)


def see_outcomes(turn: Turn, before: str) -> None:
    """Say that outcomes that the monitor asks for stay away, or come again; `before`: what `away` was."""
    why, model = away(turn), turn.model
    if why:
        _lose(turn, why)
    elif before and model.blind is not None and not model.poor_windows:
        _regain(turn)


def away(turn: Turn) -> str:
    """Return which outcomes have stayed away for long enough; empty: none."""
    least, kpis = SENSING_WINDOWS * turn.monitor.windows.length_ms, turn.model.kpis
    missed = [
        name
        for name in sorted(turn.monitor.outcomes)
        if (kpi := kpis.get(name)) is not None
        and kpi.missing_from is not None
        and kpi.window_end - kpi.missing_from >= least
        and kpi.missed >= _MISSED_MIN
    ]
    words = f"in {SENSING_WINDOWS} windows none came, or less than half of what is usual"
    return f"outcomes stay away: {', '.join(missed)}; {words}" if missed else ""


def _cool(turn: Turn) -> None:
    """Count the cooldown down, in windows."""
    model = turn.model
    if model.cooldown and model.incident is None:
        model.cooldown -= 1
        if not model.cooldown:
            turn.fire(Trigger.COOLED)
            turn.step("cooled", "the windows after the rollback have passed")


def blind_at(turn_windows_ms: int, reported_at: int) -> int:
    """Return from when on (wall time) a model without reports is not seen any more."""
    return reported_at + SENSING_WINDOWS * turn_windows_ms


def unreported(turn: Turn) -> None:
    """Say that a model that was live is reported no more."""
    if turn.model.blind is None:
        _lose(turn, f"no report for {SENSING_WINDOWS} windows")


def _lose(turn: Turn, why: str) -> None:
    model = turn.model
    if model.blind is not None:
        return
    model.blind = why
    turn.fire(Trigger.BLIND)
    turn.step("lose_sight", why)
    tell(turn, Notice(subject="sensing_degraded", summary=f"{model.model}: sensing is degraded, {why}"))


def _regain(turn: Turn) -> None:
    """See again; not while outcomes stay away, whatever else is back."""
    model, missing = turn.model, away(turn)
    if missing:
        model.blind = missing
        turn.say(missing)
        return
    why, model.blind = model.blind, None
    turn.fire(Trigger.SIGHT)
    turn.step("regain_sight", f"was: {why}")
    tell(turn, Notice(subject="sensing_degraded", summary=f"{model.model}: sensing is back (was: {why})"))


def stand(turn: Turn, report: Report) -> None:
    """Keep how a version did in its newest windows, all rows."""
    if report.segment:
        return
    model, key = turn.model, (report.version, report.role.value)
    under = f"{report.baseline}/{report.monitor}"
    known = model.standings.get(key) or VersionStanding(
        version=report.version,
        role=report.role,
        window_end=0,
        requests=0,
        verdict="",
        pipeline=False,
        broken=False,
        under=under,
        promotion="",
    )
    if report.window_end < known.window_end:
        return
    judged = report.verdict in (Verdict.STABLE, Verdict.WARNING, Verdict.DRIFTED)
    healthy = judged and report.verdict is not Verdict.DRIFTED
    known = replace(
        known,
        window_end=report.window_end,
        requests=report.requests,
        changed_at=report.window_start if under != known.under else known.changed_at,
        under=under,
        healthy_end=report.window_end if healthy else known.healthy_end,
    )
    if judged:
        known = replace(
            known,
            judged_end=report.window_end,
            verdict=report.verdict.value,
            pipeline=any(_upstream(f) for f in report.findings),
            broken=any(f.kind is FindingKind.QUALITY and f.verdict is Verdict.DRIFTED for f in report.findings),
        )
    model.standings[key] = known
    while len(model.standings) > _STANDINGS_MAX:
        del model.standings[min(model.standings, key=lambda k: (model.standings[k].window_end, k))]


def _upstream(finding: Finding) -> bool:
    return finding.verdict is Verdict.DRIFTED and finding.cause is Cause.PIPELINE


def still_blind(turn: Turn) -> None:
    """What is calm and not seen is degraded, however it came to be calm."""
    if turn.model.blind is not None and turn.model.state in (State.HEALTHY, State.SUSPECT):
        turn.fire(Trigger.BLIND)
