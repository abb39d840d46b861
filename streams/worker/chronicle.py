"""What a guard did, and what was refused, as log lines: read off what a checkpoint wrote, once it is committed.

Cores log nothing. The journal has every step; alerts and commands are beside it in the same checkpoint, so that nothing
is told that did not happen, and nothing twice.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Action, Alert, Command, DeadLetter, Journal
from kedge.streams import events
from kedge.streams.core.instructions import Write
from kedge.streams.events import Event
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.means import Seat

__all__ = ["PREFIXES", "STEPS", "Chronicle"]

REFUSED_EVERY_S: Final = 10.0
"""The least time between two lines about refused records of one partition: a flood of them is told by its sums."""

STEPS: Final[Mapping[str, Event]] = {
    "open_incident": events.INCIDENT_OPENED,
    "update_incident": events.INCIDENT_UPDATED,
    "join_incident": events.INCIDENT_UPDATED,
    "resolve_incident": events.INCIDENT_RESOLVED,
    "veto_rollback": events.VETOED,
    "lose_sight": events.SENSING_DEGRADED,
    "regain_sight": events.SENSING_RESTORED,
    "refuse_override": events.OVERRIDE_REFUSED,
    "hold_over": events.OVERRIDE_ENDED,
    "withdraw": events.COMMAND_WITHDRAWN,
    "escalate": events.COMMAND_UNACKED,
    "ack_partly": events.COMMAND_PARTLY,
    "late_ack": events.ACK_LATE,
    "refuse_ack": events.ACK_REFUSED,
    "command_acked": events.COMMAND_ACKED,
    "command_nacked": events.COMMAND_NACKED,
    "command_expired": events.COMMAND_EXPIRED,
    "command_superseded": events.COMMAND_SUPERSEDED,
    "fail": events.ACTION_FAILED,
    "contained": events.DECIDED,
    "cooled": events.DECIDED,
    "drill_passed": events.DECIDED,
    "drill_failed": events.DECIDED,
    "drill_overdue": events.DECIDED,
    "promotion_go": events.DECIDED,
    "promotion_hold": events.DECIDED,
    "request_retrain": events.DECIDED,
    "withhold_retrain": events.DECIDED,
    "keep_frozen": events.DECIDED,
}
"""The guard's steps, and what they are in the log."""

PREFIXES: Final[Mapping[str, Event | None]] = {
    "override_": events.OVERRIDE_TAKEN,
    # What these come to is told of the command: staged, withheld or sent.
    "send_": None,
    "resend": None,
    "freeze_rollout": None,
    "route_to_safe_path": None,
    "start_shadow": None,
}
"""The same for steps that begin so; None: told by other lines."""

_OF_OPEN: Final = (
    events.COMMAND_UNACKED,
    events.COMMAND_ACKED,
    events.COMMAND_PARTLY,
    events.COMMAND_NACKED,
    events.COMMAND_EXPIRED,
    events.COMMAND_SUPERSEDED,
)
"""What becomes of a model's open command: the last that was sent."""

_CODE: Final = re.compile(r"(?:^|; )([a-z_]+): ")
"""With which the reason of a refusal begins."""
_OWN_WORDS: Final = frozenset(("hold", "drill"))
"""Alerts about these quote what a person wrote."""


class Chronicle:
    """Of one seat."""

    def __init__(self, seat: Seat, codec: Codec) -> None:
        """Nothing has been told."""
        self._seat, self._codec = seat, codec
        self._open: dict[str, str] = {}  # model to command id; empty after a take-over, until one is sent
        self._refused: Counter[str] = Counter()
        self._refused_said_s = -REFUSED_EVERY_S

    def tell(self, writes: Sequence[Write]) -> None:
        """Log what a committed checkpoint holds."""
        self._refusals(writes)
        entry: Journal | None = None
        for write in writes:  # of one turn the entry comes first, then its alerts and commands
            match write.topic, write.value:
                case "journal", bytes(value):
                    entry = self._codec.decode(value, Journal)
                    self._entry(entry)
                case "alerts", bytes(value):
                    _alert(self._codec.decode(value, Alert))
                case "control", bytes(value) if entry is not None:
                    self._command(self._codec.decode(value, Command), entry)

    def _refusals(self, writes: Iterable[Write]) -> None:
        letters = (write.value for write in writes if write.topic == "dead_letters" and write.value is not None)
        self._refused.update(self._codec.decode(value, DeadLetter).reason for value in letters)
        if self._refused and time.monotonic() - self._refused_said_s >= REFUSED_EVERY_S:
            self._refused_said_s = time.monotonic()
            told, self._refused = dict(self._refused), Counter()
            words = ", ".join(f"{count} {reason}" for reason, count in sorted(told.items()))
            events.REFUSED.tell(LOG, f"{self._seat}: refused {words}", **self._seat._asdict(), reasons=told)

    def _entry(self, entry: Journal) -> None:
        steps = [step for step in entry.decision.split("+") if step != "none"]
        for step in steps:
            event = _event_of(step)
            if event is not None:
                more = self._more(event, entry)
                words = f"{entry.model}: {event.name.replace('_', ' ')}" + _named(entry, step, more)
                event.tell(LOG, words, **_common(entry), step=step, **more)
        for event, ids in ((events.COMMAND_STAGED, entry.staged), (events.COMMAND_WITHHELD, entry.withheld)):
            for command_id in ids:
                words = f"{entry.model}: {event.name.replace('_', ' ')}, {entry.decision} {command_id[:12]}"
                event.tell(LOG, words, **_common(entry), step=entry.decision, command_id=command_id)
        if entry.state_before != entry.state_after:
            words = f"{entry.model}: {entry.state_before} → {entry.state_after}"
            events.STATE_CHANGED.tell(LOG, words, **_common(entry), state_before=entry.state_before)

    def _more(self, event: Event, entry: Journal) -> dict[str, str | list[str] | None]:
        if event is events.VETOED:
            return {"vetoes": [veto.name for veto in entry.vetoes if veto.result == "stands"]}
        if event in (events.OVERRIDE_REFUSED, events.ACK_REFUSED):
            found = _CODE.search(entry.reason)
            return {"reason": found[1] if found else ""}
        if event in _OF_OPEN:
            return {"command_id": self._open.get(entry.model)}
        return {}

    def _command(self, command: Command, entry: Journal) -> None:
        event = events.COMMAND_RESENT if "resend" in entry.decision.split("+") else events.COMMAND_SENT
        target = f" {command.target_version}" if command.target_version else ""
        words = (
            f"{entry.model}: {event.name.replace('_', ' ')}, {command.action.value}{target} {command.command_id[:12]}"
        )
        event.tell(
            LOG,
            words,
            **{**_common(entry), "incident": command.incident},
            command_id=command.command_id,
            action=command.action.value,
            sequence=command.sequence,
            target_version=command.target_version,
            cancels=command.cancels,
        )
        if command.action is not Action.CANCEL:
            self._open[command.model] = command.command_id


def _event_of(step: str) -> Event | None:
    if step in STEPS:
        return STEPS[step]
    return next((event for prefix, event in PREFIXES.items() if step.startswith(prefix)), events.DECIDED)


def _named(entry: Journal, step: str, more: Mapping[str, str | list[str] | None]) -> str:
    parts = (value if isinstance(value, str) else " ".join(value or ()) for value in more.values())
    detail = " ".join(part[:12] if name == "command_id" else part for name, part in zip(more, parts, strict=True))
    incident = f" (incident {entry.incident[:12]})" if entry.incident else ""
    return f", {detail or step}{incident}"


def _common(entry: Journal) -> dict[str, str | int | bool | None]:
    return {
        "model": entry.model,
        "incident": entry.incident,
        "journal_sequence": entry.sequence,
        "drill": entry.drill,
        "state": entry.state_after,
    }


def _alert(alert: Alert) -> None:
    words = f"{alert.model}: {alert.subject}" if alert.subject in _OWN_WORDS else alert.summary
    events.ALERTED.tell(
        LOG,
        f"{alert.severity.value.lower()} to {alert.owner}: {words}",
        model=alert.model,
        version=alert.version,
        role=alert.role.value,
        segment=alert.segment,
        incident=alert.incident,
        alert_id=alert.alert_id,
        kind=alert.event.value,
        subject=alert.subject,
        severity=alert.severity.value,
        state=alert.state,
        command_id=alert.command_id,
        drill=alert.drill,
    )
