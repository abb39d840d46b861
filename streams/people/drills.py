"""A drill as it goes on, and what it leaves behind as evidence."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Message

from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Ack, Alert, Command, Journal
from kedge.schemas.report_json import ack_to_json, alert_to_json, command_to_json, iso_time
from kedge.streams.announce import Place
from kedge.streams.people.overrides import Answer, Sent, answer_to
from kedge.streams.reading import follow_from

__all__ = ["LONGEST_S", "Course", "evidence", "follow_drill"]

LONGEST_S: Final = 16 * 60.0
"""The guard ends a drill after 15 minutes; a minute more for its word to come."""
ANSWER_S: Final = 60.0
"""A guard that runs has taken a person's word by then."""
_RECORDS: Final[Mapping[str, type[Any]]] = {"journal": Journal, "alerts": Alert, "control": Command, "acks": Ack}


@dataclass(slots=True)
class Course:
    """What is known of a drill so far."""

    sent: Sent
    answer: Answer | None = None
    entries: list[Journal] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    command: Command | None = None
    record: str = ""
    """Hex of the command as it lies on the control topic."""
    lies_at: str = ""
    acks: list[Ack] = field(default_factory=list)
    passed: bool | None = None
    """None: it is not over."""

    def take(self, record: Journal | Alert | Command | Ack) -> bool:
        """Take a record in; returns whether it is about this drill."""
        match record:
            case Journal():
                return self._take_entry(record)
            case Alert() if record.drill and record.incident == self.trace:
                self.alerts.append(record)
            case Command() if record.drill and record.incident == self.trace and self.command is None:
                self.command = record
            case Ack() if self.command is not None and record.command_id == self.command.command_id:
                self.acks.append(record)
            case _:
                return False
        return True

    @property
    def trace(self) -> str | None:
        """The drill's own incident: the name that everything of it carries."""
        return None if self.answer is None else self.answer.entry.incident

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.passed is not None or (self.answer is not None and not self.answer.taken)

    def _take_entry(self, entry: Journal) -> bool:
        if self.answer is None:
            self.answer = answer_to(self.sent, entry)
            if self.answer is None:
                return False
        elif not entry.drill:
            return False
        self.entries.append(entry)
        steps = entry.decision.split("+")
        if "drill_passed" in steps or "drill_failed" in steps:
            self.passed = "drill_passed" in steps
        return True


def follow_drill(place: Place, sent: Sent, timeout_s: float) -> Iterator[Course]:
    """Yield the course whenever something has come of it, until it is over or `timeout_s` have passed.

    Also until no guard has taken it within `ANSWER_S`: nobody needs a quarter of an hour to see that none runs.
    """
    course = Course(sent)
    waiting: list[tuple[Any, Message[Any, Any]]] = []
    began_s = time.monotonic()
    for message in follow_from(place.kafka, dict(sent.told.values())):
        if message is None:
            # What lies in other topics may be read before the journal entry that names it.
            taken = [pair for pair in waiting if _take(course, *pair)]
            waiting = [pair for pair in waiting if pair not in taken]
            if taken:
                yield course
            patience_s = timeout_s if course.answer is not None else min(timeout_s, ANSWER_S)
            if time.monotonic() >= began_s + patience_s or (course.over and not taken):
                return
            continue
        record = _decoded(place, sent, message)
        if record is not None and record.model == sent.override.model:
            waiting.append((record, message))
            waiting.sort(key=lambda pair: not isinstance(pair[0], Journal))


def _take(course: Course, record: Journal | Alert | Command | Ack, message: "Message[Any, Any]") -> bool:
    known, taken = course.command, course.take(record)
    if known is None and course.command is not None:
        course.record = (message.value() or b"").hex()
        course.lies_at = f"{message.topic()}/{message.partition()} at {message.offset()}"
    return taken


def _decoded(place: Place, sent: Sent, message: "Message[Any, Any]") -> Any:  # noqa: ANN401 - one of _RECORDS
    logical = next(name for name, (log, _) in sent.told.items() if log[0] == message.topic())
    try:
        return place.codec.decode(message.value() or b"", _RECORDS[logical])
    except UndecodableError:
        return None


def evidence(course: Course) -> dict[str, Any]:
    """Return the bundle: what was injected, told, commanded and answered, by whom, and how long each step took.

    `vetoes` are those that would withhold it in earnest; all but `again` have ended the drill too.
    """
    override, command = course.sent.override, course.command
    began = course.alerts[0] if course.alerts else None
    harm = None if began is None or not began.harms else began.harms[0]
    return {
        "drill": override.override_id,
        "environment": override.environment,
        "model": override.model,
        "fault": override.fault,
        "actor": override.actor,
        "reason": override.reason,
        "passed": course.passed is True,
        "trace_id": course.trace,
        "metric": None
        if harm is None
        else {
            "name": harm.measure,
            "version": harm.version,
            "value": harm.rate,
            "control": harm.control,
            "control_value": harm.control_rate,
            "series": f'kedge_drill_age_seconds{{model="{override.model}"}}',
        },
        "vetoes": {}
        if began is None
        else {note.name: note.evidence for note in began.vetoes if note.result == "stands"},
        "log": [_line(entry) for entry in course.entries],
        "alerts": [alert_to_json(alert) for alert in course.alerts],
        "command": None if command is None else command_to_json(command),
        "command_record": course.record,
        "command_at": course.lies_at,
        "owner": None if began is None else began.owner,
        "escalation": [] if began is None else list(began.escalation),
        "runbook_url": None if began is None else began.runbook_url,
        "acks": [ack_to_json(ack) for ack in course.acks],
        "seconds": _seconds(course),
    }


def _line(entry: Journal) -> str:
    state = f"{entry.state_before} -> {entry.state_after}"
    return (
        f"{iso_time(entry.timestamp)} {entry.model} journal {entry.sequence} {state} {entry.decision}: {entry.reason}"
    )


def _seconds(course: Course) -> dict[str, float | None]:
    """Since the person said so: until the guard has decided, the command has left, it was answered, it was over."""
    issued = course.sent.override.issued_at
    sent = next((e.timestamp for e in course.entries if e.commands), None)
    acked = min((ack.timestamp for ack in course.acks), default=None)
    over = course.entries[-1].timestamp if course.passed is not None else None
    decided = None if course.answer is None else course.answer.entry.timestamp
    steps = {"decided": decided, "commanded": sent, "acked": acked, "over": over}
    return {name: None if at is None else round((at - issued) / 1_000, 3) for name, at in steps.items()}
