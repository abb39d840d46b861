"""Where a model stands, folded from its journal and from the records that the journal names.

The journal is the one order of what the guard took in: what lies in other topics is looked up from it.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.monitor import Mode, MonitorSpec
from kedge.schemas.records import (
    Ack,
    Action,
    Alert,
    AlertEvent,
    Command,
    Journal,
    Override,
    OverrideAction,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.streams.core.guarding.states import State
from kedge.streams.reading import Log

__all__ = ["REPORTS_MAX", "Drilled", "Ended", "IncidentView", "Standing"]

REPORTS_MAX: Final = 200
"""The newest reports of a model that are looked up."""
_HOLDS: Final = {
    f"override_{a.value.lower()}": a for a in (OverrideAction.PIN, OverrideAction.SUPPRESS, OverrideAction.DISARM)
}
_ENDED: Final = "command_"
_PROMOTION: Final = "promotion"
_OPEN: Final = frozenset((State.INCIDENT, State.AWAIT_ACK, State.CONTAINED))
_OF_INCIDENTS: Final = frozenset((AlertEvent.OPENED, AlertEvent.UPDATED, AlertEvent.RESOLVED))


@dataclass(frozen=True, slots=True)
class Drilled:
    """How a drill went."""

    passed: bool
    at: int
    words: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and why."""

    end: str
    reason: str
    at: int


@dataclass(slots=True)
class IncidentView:
    """One incident as it was told."""

    incident: str
    alerts: list[Alert] = field(default_factory=list)

    @property
    def opened_at(self) -> int:
        """Its first alert that is known."""
        return self.alerts[0].timestamp

    @property
    def latest(self) -> Alert:
        """Its newest step."""
        return self.alerts[-1]

    @property
    def is_open(self) -> bool:
        """Whether it has not been resolved."""
        return self.latest.event is not AlertEvent.RESOLVED


@dataclass(slots=True)
class Standing:
    """All that is known of one model. Entries must be taken in order of sequence."""

    model: str
    monitor: MonitorSpec | None = None
    last: Journal | None = None
    reports_at: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=REPORTS_MAX))
    """Partition and offset of the newest reports that the guard took in."""
    reports: list[Report | VersionReport] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    acks: dict[str, list[Ack]] = field(default_factory=dict)
    """By command; heartbeats by the empty name."""
    overrides: dict[tuple[int, int], Override] = field(default_factory=dict)
    """By partition and offset."""
    holds: dict[OverrideAction, tuple[int, int]] = field(default_factory=dict)
    open_command: str | None = None
    staged: str | None = None
    ends: dict[str, Ended] = field(default_factory=dict)
    drilled: Drilled | None = None
    kept_at: int = -1
    """When a rollback that was left to people, or the renewal of its freeze, was last journalled; -1: never."""

    def take(self, entry: Journal) -> None:
        """Take the next entry of the journal in."""
        steps = entry.decision.split("+")
        self.last = entry
        if entry.input_topic == "reports":
            self.reports_at.append((entry.input_partition, entry.input_offset))
        for step in steps:
            if step in _HOLDS:
                self.holds[_HOLDS[step]] = (entry.input_partition, entry.input_offset)
            elif step == "override_release":
                self.holds.clear()
            elif step.startswith("drill_") and step != "drill_overdue":
                self.drilled = Drilled(step == "drill_passed", entry.timestamp, entry.reason)
            elif step.startswith(_ENDED) and self.open_command is not None:
                self.ends[self.open_command] = Ended(step.removeprefix(_ENDED), entry.reason, entry.timestamp)
                self.open_command = None
            elif step == "withdraw":
                self.staged = None
            elif step == "keep_frozen" or (step == "route_to_safe_path" and self._leaves_rollbacks_to_people()):
                self.kept_at = entry.timestamp
        self._leave(entry)

    def _leaves_rollbacks_to_people(self) -> bool:
        actions = None if self.monitor is None else self.monitor.actions
        return actions is not None and actions.route_to_safe_path.mode is not Mode.ARMED

    def _leave(self, entry: Journal) -> None:
        if entry.staged:
            self.staged = entry.staged[-1]
        for command_id in entry.commands:
            command = self.commands.get(command_id)
            # A command that is sent again is open already; what takes one back is over as it leaves.
            if command_id not in self.ends and (command is None or command.action is not Action.CANCEL):
                self.open_command = command_id
                self.staged = None if self.staged == command_id else self.staged

    def held(self, now_ms: int) -> dict[OverrideAction, Override | None]:
        """Return the holds in force; None: an override that is too old to be read."""
        found = {action: self.overrides.get(at) for action, at in sorted(self.holds.items())}
        return {action: hold for action, hold in found.items() if hold is None or hold.expires_at > now_ms}

    def incidents(self) -> list[IncidentView]:
        """Return the incidents that were told, oldest first; drills and notices beside them are none."""
        views: dict[str, IncidentView] = {}
        for alert in sorted(self.alerts.values(), key=lambda alert: alert.timestamp):
            if alert.event in _OF_INCIDENTS and not alert.drill and alert.incident:
                views.setdefault(alert.incident, IncidentView(alert.incident)).alerts.append(alert)
        return list(views.values())

    def open_incident(self) -> IncidentView | None:
        """Return the one that is open."""
        return next((view for view in reversed(self.incidents()) if view.is_open), None)

    def is_untold(self) -> bool:
        """Whether the guard has an incident open, and no alert of it is known: too old to be there, or hidden."""
        open_ = self.last is not None and self.last.state_after in _OPEN
        return open_ and self.open_incident() is None

    def commands_of(self, incident: str) -> list[Command]:
        """Return the commands that an incident led to, in order."""
        found = (command for command in self.commands.values() if command.incident == incident)
        return sorted(found, key=lambda command: command.sequence)

    def promotions(self) -> dict[str, Alert]:
        """Return the newest word on each candidate's promotion."""
        told = (alert for alert in self.alerts.values() if alert.subject == _PROMOTION)
        return {alert.version: alert for alert in sorted(told, key=lambda alert: alert.timestamp)}

    def windows(self) -> list[Report]:
        """Return the newest report of each version and role, all rows."""
        newest: dict[tuple[str, Role], Report] = {}
        for report in self.reports:
            key = (report.version, report.role)
            if isinstance(report, Report) and not report.segment:
                known = newest.get(key)
                if known is None or (report.window_end, report.revision) >= (known.window_end, known.revision):
                    newest[key] = report
        return [newest[key] for key in sorted(newest)]

    def judged(self) -> bool:
        """Whether anything has been judged of late: a model of which that is not so is not well."""
        verdicts = {report.verdict for report in self.windows()}
        return bool(verdicts - {Verdict.INVALID, Verdict.INSUFFICIENT})


def by_log(standings: Iterable[Standing], topic: str) -> Mapping[Log, int]:
    """Return from where on a topic's logs hold the reports that are looked up."""
    starts: dict[Log, int] = {}
    for standing in standings:
        for partition, offset in standing.reports_at:
            starts[topic, partition] = min(offset, starts.get((topic, partition), offset))
    return starts
