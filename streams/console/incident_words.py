"""What is told of an incident: what is wrong, what Kedge did about it, and what is left for a person to do."""

from collections.abc import Iterator, Sequence
from typing import Final

from kedge.schemas.monitor import Mode
from kedge.schemas.records import Ack, Action, Alert, Command, Severity
from kedge.streams.console.situation import Situation, open_command
from kedge.streams.people.standing import IncidentView

__all__ = ["because", "done", "held", "todo", "wrong"]


def done(situation: Situation, incident: IncidentView) -> Iterator[str]:
    """Tell what Kedge did in an incident, the newest last."""
    first = incident.alerts[0]
    told = "paged" if first.severity is Severity.PAGE else "told (a ticket, no page)"
    yield f"{first.owner or 'The owner'} was {told} at {situation.at(first.timestamp)}."
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


def wrong(incident: IncidentView) -> str:
    """Say what an incident is about: harm that was shown, else what drifted, else the bound that was passed."""
    harms = {(harm.version, harm.measure): harm for alert in incident.alerts for harm in alert.harms}
    for harm in harms.values():
        if harm.rate is not None and harm.control_rate is not None and harm.change is not None:
            beside = f"{harm.rate:.1%} beside {harm.control_rate:.1%}"
            return f"Version {harm.version} does harm: {harm.measure} is {beside} of {harm.control or 'before'}."
    signals = {(signal.kind, signal.signal): signal for alert in incident.alerts for signal in alert.signals}
    if not signals:
        return next(
            (f"Version {harm.version}: {harm.reason}." for harm in harms.values()), f"{incident.latest.summary}."
        )
    names = [signal.signal for signal in signals.values()]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    causes = {signal.cause for signal in signals.values()} - {"NONE"}
    why = _CAUSES.get(next(iter(causes)), "") if len(causes) == 1 else ""
    return f"{', '.join(names[:_NAMED])}{more} drifted from the baseline{why}."


_NAMED: Final = 3
_CAUSES: Final = {
    "PIPELINE": ": values are missing, invalid or unseen, so look upstream",
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
