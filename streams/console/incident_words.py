"""What is told of an incident: what is wrong, what Kedge did about it, and what is left for a person to do."""

from collections.abc import Iterator, Sequence
from typing import Final

from kedge.schemas.monitor import Mode
from kedge.schemas.records import Ack, Action, Alert, Command, Role, Severity, Verdict
from kedge.streams.console.situation import Situation, live_streams, open_command
from kedge.streams.people.harm_words import SHIFTED
from kedge.streams.people.standing import IncidentView

__all__ = ["because", "done", "held", "todo", "wrong"]


def done(situation: Situation, incident: IncidentView) -> Iterator[str]:
    """Tell what Kedge did in an incident, the newest last."""
    first = incident.alerts[0]
    told = "page" if first.severity is Severity.PAGE else "ticket"
    yield f"A {told} for {first.owner or 'the owner'} was put out at {situation.at(first.timestamp)}."
    standing = situation.board.standing
    for command in standing.commands_of(incident.incident):
        yield _sent(situation, command)
    stand = [note for note in incident.latest.vetoes if note.result == "stands"]
    if stand:
        named = ", ".join(note.name for note in stand)
        yield f"A rollback was asked for and withheld: {named} ({stand[0].evidence})."
    elif _is_advice(situation, incident):
        yield "Nothing was switched: leading traffic away is only advised for this model."


def _is_advice(situation: Situation, incident: IncidentView) -> bool:
    commands = situation.board.standing.commands_of(incident.incident)
    routed = any(command.action is Action.ROUTE_TO_SAFE_PATH for command in commands)
    armed = situation.spec is not None and situation.spec.actions.route_to_safe_path.mode is Mode.ARMED
    return incident.latest.subject == "rollback" and not routed and not armed


def _sent(situation: Situation, command: Command) -> str:
    standing = situation.board.standing
    to = f" (to {command.target_version})" if command.target_version else ""
    ended = standing.ends.get(command.command_id)
    outcome = _outcome(situation, standing.acks.get(command.command_id, []), "" if ended is None else ended.end)
    return f"{command.action.value}{to} was sent at {situation.at(command.issued_at)}; {outcome}."


def _outcome(situation: Situation, answers: Sequence[Ack], end: str) -> str:
    told = ", ".join(f"{ack.actuator_id} {ack.result.value} at {situation.at(ack.timestamp)}" for ack in answers[-2:])
    if told:
        return told if end in ("", "acked", "nacked") else f"{told}; it has {end}"
    return f"it has {end}" if end else "nobody has answered"


def because(reason: str) -> str:
    """End a sentence with its reason, if there is one."""
    return f": {reason}." if reason else "."


def wrong(situation: Situation, incident: IncidentView) -> str:
    """Say what an incident is about: harm that was shown, else what drifted, else the bound that was passed."""
    harms = {(harm.version, harm.measure): harm for alert in incident.alerts for harm in alert.harms}
    for harm in harms.values():
        if harm.rate is not None and harm.control_rate is not None and harm.change is not None:
            beside = f"{harm.rate:.1%} beside {harm.control_rate:.1%}"
            return f"Version {harm.version} does harm: {harm.measure} is {beside} of {harm.control or 'before'}."
    shifted = [harm for harm in harms.values() if harm.measure in SHIFTED]
    if shifted:
        first, names = shifted[0], sorted({harm.measure for harm in shifted})
        return _otherwise(first.version, first.control or "its control", names)
    worse = next((harm for harm in harms.values() if harm.measure != "drift_rate"), None)
    if worse is not None:
        return f"Version {worse.version}: {worse.reason}."
    return _drifted(situation, incident) or f"{incident.latest.summary}."


def _otherwise(version: str, control: str, names: Sequence[str]) -> str:
    return f"{version} answers otherwise than {control} on the same traffic: {', '.join(names)}."


def _drifted(situation: Situation, incident: IncidentView) -> str:
    """Say what drifted from the baseline; where that is a version beside a calm control, it is not the world."""
    told = [alert for alert in incident.alerts if alert.signals]
    signals = [signal for alert in told for signal in alert.signals]
    if not signals:
        return ""
    names = list(dict.fromkeys(signal.signal for signal in signals))
    shown = [*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])]
    causes = {signal.cause for signal in signals} - {"NONE"}
    versions, control = {alert.version for alert in told}, _calm_control(situation)
    beside = control and len(versions) == 1 and all(alert.role is not Role.PRIMARY for alert in told)
    if beside and "PIPELINE" not in causes:
        if all(signal.kind != "feature" for signal in signals):
            return _otherwise(versions.pop(), control, shown)
        return f"{versions.pop()} differs from its baseline, and {control} beside it does not: {', '.join(shown)}."
    why = _CAUSES.get(next(iter(causes)), "") if len(causes) == 1 else ""
    return f"{', '.join(shown)} drifted from the baseline{why}."


def _calm_control(situation: Situation) -> str:
    """Return the version that serves and whose newest window is stable; empty: there is none."""
    serving = (track for track in live_streams(situation.board) if track.role is Role.PRIMARY)
    return next((track.version for track in serving if track.last.verdict is Verdict.STABLE), "")


_NAMED: Final = 3
_CAUSES: Final = {
    "PIPELINE": ": values are missing, out of range, invalid or unseen, so look upstream",
    "DISTRIBUTION": ": known values come in other shares, so the world has changed",
    "TRAFFIC": ": the control shows the same shift, so it is the traffic",
    "CANDIDATE": ": the control does not show it, so it is the version",
}


def todo(situation: Situation, incident: IncidentView) -> Iterator[str]:
    """Tell what is left for a person to do."""
    latest, command = incident.latest, open_command(situation.board, situation.now_ms)
    if command is not None and command.action is Action.ROUTE_TO_SAFE_PATH:
        yield f"Wait: a router has until {situation.at(command.expires_at)} to answer."
        return
    if latest.subject == "rollback":
        routed = situation.board.standing.commands_of(incident.incident)
        if any(sent.action is Action.ROUTE_TO_SAFE_PATH for sent in routed):
            yield "Wait for healthy windows of the safe path; stop the rollout of the version at its source."
        else:
            yield "Decide whether traffic must be led away; a person's command needs no evidence and knows no veto."
        return
    yield from _todo_of_drift(latest, [s.cause for alert in incident.alerts for s in alert.signals])


def _todo_of_drift(latest: Alert, causes: Sequence[str]) -> Iterator[str]:
    if "PIPELINE" in causes:
        yield "Look upstream: what was deployed there since the incident began?"
    else:
        yield "One version, or all? One: look at its rollout. All: it is the traffic."
    yield "Does it hurt? Look at errors, latency and outcomes below. Drift alone moves no traffic."
    if latest.freeze_stands_until is not None:
        yield "The rollout stays frozen until somebody resumes it."


def held(situation: Situation) -> Iterator[str]:
    """Tell who holds the model."""
    for action, hold in situation.board.standing.held(situation.now_ms).items():
        if hold is None:
            yield f"A person holds it ({action.value}, given earlier than was read)."
        else:
            yield f"{hold.actor} holds it until {situation.at(hold.expires_at)} ({action.value}: {hold.reason})."
