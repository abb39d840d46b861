"""Leading traffic away: whether, where to, and whether it has helped."""

from collections.abc import Sequence
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.monitor import Guarded, Mode
from kedge.schemas.records import Action, AlertEvent, Report, Role, Severity, VersionReport
from kedge.streams.core.guarding.ends import fail
from kedge.streams.core.guarding.evidence import Proof
from kedge.streams.core.guarding.history import Span
from kedge.streams.core.guarding.incident import Incident
from kedge.streams.core.guarding.incidents import resolve
from kedge.streams.core.guarding.speech import Notice, gravity, tell
from kedge.streams.core.guarding.states import Trigger
from kedge.streams.core.guarding.target import safe_path
from kedge.streams.core.guarding.turn import News, Turn
from kedge.streams.core.guarding.vetoes import RollbackCase, ask
from kedge.streams.core.guarding.wishes import Fate, Wish, want

__all__ = ["STILL_WINDOWS", "consider", "watch_safe_path", "watch_version"]

STILL_WINDOWS: Final = 2
"""Decision windows after the acknowledgement that may still breach before people are called."""
_KEPT: Final = 16


def consider(turn: Turn, report: VersionReport, proofs: Sequence[Proof]) -> None:
    """Ask every veto, and lead traffic away if none stands and it was not decided for this incident already."""
    asking = tuple(proof for proof in proofs if proof.action is Guarded.ROUTE_TO_SAFE_PATH)
    incident = turn.model.incident
    if not asking or incident is None or incident.route:
        return
    target = safe_path(turn.model, turn.monitor, report)
    notes = ask(RollbackCase(turn, report, asking, target))
    turn.vetoes = incident.vetoes = notes
    incident.subject = "rollback"
    for note in notes:
        if note.result == "stands":
            turn.count("vetoes", veto=note.name)
    standing = ", ".join(note.name for note in notes if note.result == "stands")
    why = "; ".join(f"{proof.rule.value}: {proof.harm.reason}" for proof in asking)
    if standing:
        turn.step("veto_rollback", f"{why}; vetoed by {standing}")
        told = set(incident.told.splitlines())
        now = {f"{note.name} {report.version}" for note in notes if note.result == "stands"}
        if now - told:
            incident.told = "\n".join(sorted(told | now))
            # Whoever was called in this very window need not be called again for what nothing is done about.
            called = incident.severity == Severity.PAGE.value and turn.about.window_start <= incident.told_window
            severity = Severity.TICKET if called else gravity(turn.monitor)
            protests = "; ".join(f"{note.name} ({note.evidence})" for note in notes if note.result == "stands")
            _news(turn, f"{why}; a rollback{f' to {target}' if target else ''} is vetoed by {protests}", severity)
        return
    _lead_away(turn, report, target, why)


def _lead_away(turn: Turn, report: VersionReport, target: str, why: str) -> None:
    incident = turn.model.incident
    if incident is None:
        raise AssertionError("a rollback is of an incident")
    wish = Wish(
        action=Action.ROUTE_TO_SAFE_PATH,
        incident=incident.incident,
        from_version=report.version,
        target=target,
    )
    fate, command_id = want(turn, wish)
    if fate is Fate.OFF:
        turn.say(f"{why}; rollbacks are off")
        return
    turn.step("route_to_safe_path", f"{why}; ROUTE_TO_SAFE_PATH {target} is {fate.value}")
    incident.candidate, incident.target = report.version, target
    if fate is Fate.STAGED:
        incident.route, incident.command_id = "sent", command_id
        _news(turn, f"{why}; traffic is led to {target}")
    elif fate is Fate.ADVISED:
        incident.route = "advised"
        _news(turn, f"{why}; advice: lead traffic to {target}")
    elif turn.monitor.actions.route_to_safe_path.mode is not Mode.ARMED:
        incident.route = "withheld"


def _news(turn: Turn, words: str, severity: Severity | None = None) -> None:
    """Add to what the incident's alert of this turn says, or make one; `severity` None: as grave as can be."""
    severity = severity or gravity(turn.monitor)
    if turn.news is None:
        turn.news = News(AlertEvent.UPDATED.value, words, severity)
    else:
        turn.news.reason += f"; {words}"
        turn.news.severity = severity


def watch_safe_path(turn: Turn, report: Report) -> None:
    """Take note of how the safe path does after the rollback was acknowledged."""
    incident = _watched(turn, report)
    if incident is None or report.version != incident.target or report.segment or report.role is Role.SHADOW:
        return
    verdict, start = Verdict[report.verdict.name], report.window_start
    if not verdict.judged:
        return
    incident.healthy.discard(start)
    incident.breaching.discard(start)
    (incident.breaching if verdict is Verdict.DRIFTED else incident.healthy).add(start)
    _conclude(turn, incident)


def watch_version(turn: Turn, report: VersionReport, proofs: Sequence[Proof]) -> None:
    """Take note whether the version still harms whom it still serves."""
    incident = _watched(turn, report)
    if incident is None or report.role is Role.SHADOW or report.version not in (incident.candidate, incident.target):
        return
    asking = any(proof.action is Guarded.ROUTE_TO_SAFE_PATH for proof in proofs)
    if asking and report.n_eff >= turn.monitor.policy.n_eff_min:
        incident.healthy.discard(report.window_start)
        incident.breaching.add(report.window_start)
        _conclude(turn, incident)


def _watched(turn: Turn, report: Report | VersionReport) -> Incident | None:
    incident = turn.model.incident
    if incident is None or incident.acked_at is None or turn.model.routed:
        return None
    return incident if report.window_start >= incident.watch_from else None


def _conclude(turn: Turn, incident: Incident) -> None:
    for kept in (incident.breaching, incident.healthy):
        kept -= set(sorted(kept)[:-_KEPT])
    if len(incident.breaching) >= STILL_WINDOWS:
        if turn.model.failed is None:
            fail(turn, f"still in breach in {len(incident.breaching)} windows after the rollback was acknowledged")
        return
    if incident.healthy and not incident.contained:
        incident.contained = True
        turn.fire(Trigger.CONTAINED)
        turn.step("contained", f"{incident.target} has shown a healthy window")
        words = f"contained, {incident.target} has shown a healthy window{_shadow(turn, incident)}"
        notice = Notice(
            subject="contained",
            summary=f"{turn.model.model}: {words}",
            incident=incident.incident,
            command_id=incident.command_id,
        )
        tell(turn, notice)
    newest = sorted(incident.healthy | incident.breaching)[-turn.monitor.resolve_after :]
    # A third version that harms is none of the rollback's, and still of the incident.
    others = [key for key in incident.signals if key.version not in (incident.candidate, incident.target)]
    span = Span(turn.about.window_start, turn.about.window_end, 0)
    over = turn.model.history.is_over(others, span, turn.monitor.resolve_after)
    if over and len(newest) == turn.monitor.resolve_after and incident.healthy >= set(newest):
        resolve(turn, incident, f"{incident.target} was healthy for {len(newest)} windows")


def _shadow(turn: Turn, incident: Incident) -> str:
    """Ask for a shadow of the version that was taken out: it can be looked at there without harm."""
    wish = Wish(action=Action.START_SHADOW, incident=incident.incident, target=incident.candidate)
    if not incident.candidate:
        return ""
    fate, _ = want(turn, wish)
    if fate is Fate.OFF:
        return ""
    turn.step("start_shadow", f"START_SHADOW {incident.candidate} is {fate.value}")
    return {
        Fate.STAGED: f"; {incident.candidate} is started as a shadow",
        Fate.ADVISED: f"; advice: start {incident.candidate} as a shadow",
    }.get(fate, "")
