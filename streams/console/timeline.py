"""An incident from its first word to its last: what was told, sent and answered, in the order of time."""

from collections.abc import Iterator
from dataclasses import dataclass

from kedge.schemas.records import Ack, Alert, AlertEvent, Command, Evidence, HarmEvidence, Note, Severity
from kedge.streams.people.standing import Ended, Standing
from kedge.streams.pictures import shifts

__all__ = ["Event", "evidence_words", "timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step. `runbook`: a name in docs/runbooks."""

    at_ms: int
    kind: str
    """told, sent, answered or ended."""
    title: str
    lines: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    harms: tuple[HarmEvidence, ...] = ()
    vetoes: tuple[Note, ...] = ()
    runbook: str = ""


def timeline(standing: Standing, incident: str) -> list[Event]:
    """Return the steps of an incident, oldest first."""
    return sorted(_events(standing, incident), key=lambda event: event.at_ms)


def _events(standing: Standing, incident: str) -> Iterator[Event]:
    for alert in standing.alerts.values():
        if alert.incident == incident:
            yield _told(alert)
    for command in standing.commands_of(incident):
        yield _sent(command)
        for ack in standing.acks.get(command.command_id, ()):
            yield _answered(ack, command)
        ended = standing.ends.get(command.command_id)
        if ended is not None:
            yield _ended(ended, command)


def _told(alert: Alert) -> Event:
    whom = "page" if alert.severity is Severity.PAGE else "ticket"
    steps = {AlertEvent.OPENED: "opened", AlertEvent.UPDATED: "went on", AlertEvent.RESOLVED: "is over"}
    step = (
        f"The incident {steps[alert.event]}" if alert.event in steps else alert.subject.replace("_", " ").capitalize()
    )
    return Event(
        at_ms=alert.timestamp,
        kind="told",
        title=f"{step} ({whom} for {alert.owner or 'nobody'})",
        lines=(alert.summary,),
        evidence=alert.signals,
        harms=alert.harms,
        vetoes=tuple(sorted(alert.vetoes, key=lambda note: (note.result != "stands", note.name))),
        runbook=alert.subject,
    )


def _sent(command: Command) -> Event:
    to = f" to {command.target_version}" if command.target_version else ""
    drill = " (a drill)" if command.drill else ""
    back = (f"It takes {command.cancels[:16]} back.",) if command.cancels else ()
    return Event(
        at_ms=command.issued_at,
        kind="sent",
        title=f"{command.action.value}{to} was sent{drill}",
        lines=(f"Command {command.command_id[:16]}, number {command.sequence}.", *back),
        runbook=command.action.value.lower(),
    )


def _answered(ack: Ack, command: Command) -> Event:
    where = f", and stands at {ack.observed_version}" if ack.observed_version else ""
    reason = f" ({ack.reason})" if ack.reason else ""
    return Event(
        at_ms=ack.timestamp,
        kind="answered",
        title=f"{ack.actuator_id} answered {command.action.value}: {ack.result.value}{reason}{where}",
    )


def _ended(ended: Ended, command: Command) -> Event:
    return Event(
        at_ms=ended.at, kind="ended", title=f"{command.action.value} has ended: {ended.end}", lines=(ended.reason,)
    )


def evidence_words(signal: Evidence) -> str:
    """Return which bins of a signal moved most."""
    return ", ".join(shifts(signal.bins, 3)) or signal.reason
