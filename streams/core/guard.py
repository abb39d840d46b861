"""Guard: verdicts that last become one incident, one page and one command a model.

Every report that it takes in becomes a journal entry with what was decided, in one transaction
with the alert and the command: the same journal prefix leads to the same decisions.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import (
    Alert,
    Command,
    GuardModel,
    Journal,
    Position,
    Report,
    Severity,
    VersionReport,
)
from kedge.streams.core.alerts import evidence, summary
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import RefusedError
from kedge.streams.core.commands import alert_id
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.decide import Case, Decision, decide
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.guard_model import ModelGuard
from kedge.streams.core.instructions import POSITION_KEY, STATE, Checkpoint, Observation, Write, source_of
from kedge.streams.core.position import check_position, new_position
from kedge.streams.core.record import Record

__all__ = ["Guard"]

REPORTS: Final = "reports"
_MODEL: Final = b"model"


class Guard:
    """One partition's models; a `Core`."""

    def __init__(self, config: CoreConfig, catalog: Catalog, codec: Codec, means: GuardMeans) -> None:
        self._means = means
        self._config = config
        self._catalog = catalog
        self._codec = codec
        self._letters = DeadLetterWriter(codec, config.hash_key)
        self.committed: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._models: dict[str, ModelGuard] = {}
        self._states: dict[str, bytes] = {}
        self._leaving: list[Write] = []
        self._observed: list[Observation] = []
        self._position: Position | None = None

    @property
    def due(self) -> bool:
        """Alerts and commands wait for nothing."""
        return bool(self._leaving)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state partition in."""
        if value is None:
            return
        if key == POSITION_KEY:
            self._position = self._codec.decode(value, Position)
        else:
            model = ModelGuard.of(self._codec.decode(value, GuardModel))
            self._models[model.model] = model

    def restored(self) -> None:
        """Check the state's topology."""
        if self._position is not None:
            check_position(self._position, self._config)
            self.committed = dict(self._position.committed)
            self._told = dict(self.committed)

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        """Take reports in, in order of offset."""
        for record in records:
            if source_of(record) == REPORTS:
                self._fold_report(record, now_ms)
            self.committed[source_of(record)] = record.offset

    def _fold_report(self, record: Record, now_ms: int) -> None:
        try:
            report = self._codec.decode(record.value or b"", (Report, VersionReport))
        except UndecodableError as error:
            self._letters.add(record, RefusedError(error.reason, error.detail), 0)
        else:
            # Nothing is decided from what a version's report says, so there is no entry to write.
            if isinstance(report, Report):
                self._take(record, report, now_ms)

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return what changed, the journal, alerts and commands; None: there is nothing to say."""
        del now_ms  # Whatever waits leaves at once.
        leaving = [*self._leaving, *self._letters.take()]
        if not leaving and self.committed == self._told:
            return None
        self._leaving, self._told = [], dict(self.committed)
        models = [Write(STATE, _MODEL + name.encode(), self._states[name]) for name in sorted(self._states)]
        self._states = {}
        position = new_position("guard", self._config, self.committed, b"")
        end = Write(STATE, POSITION_KEY, self._codec.encode(position))
        return Checkpoint((*models, *leaving, end), dict(self.committed))

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
        observed, self._observed = self._observed, []
        open_incidents = [
            Observation("incident_open", {"model": name}, model.incident is not None)
            for name, model in self._models.items()
        ]
        return [*observed, *open_incidents, *self._letters.drain()]

    def _take(self, record: Record, report: Report, now_ms: int) -> None:
        model = self._models.setdefault(report.model, ModelGuard(report.model))
        monitor = self._catalog.spec(report.monitor) or self._latest(report)
        digest = sha256(record.value or b"").hexdigest()
        decision = Decision("none", "no monitor is known for this model")
        if monitor is not None:
            decision = decide(Case(self._config.environment, model, monitor, report, digest, now_ms))
        model.journal_sequence += 1
        state = self._states[report.model] = self._codec.encode(model.record())
        entry = Journal(
            environment=self._config.environment,
            model=report.model,
            sequence=model.journal_sequence,
            timestamp=now_ms,
            input_topic=REPORTS,
            input_partition=record.partition,
            input_offset=record.offset,
            input_digest=digest,
            readings=(),
            decision=decision.name,
            reason=decision.reason,
            state_before="",
            state_after="",
            vetoes=(),
            commands=() if decision.command is None else (decision.command.command_id,),
            withheld=(),
            alerts=(),
            incident=decision.incident,
            state_digest=sha256(state).hexdigest(),
        )
        self._send("journal", report.model, entry)
        if monitor is not None and decision.event is not None:
            self._tell(monitor, report, decision, entry)

    def _latest(self, report: Report) -> MonitorSpec | None:
        active = self._catalog.monitor_at(report.model, report.window_start)
        return None if active is None else active.spec

    def _tell(self, monitor: MonitorSpec, report: Report, decision: Decision, entry: Journal) -> None:
        event, incident = decision.event, decision.incident
        if event is None or incident is None:
            raise AssertionError("an alert is of an incident")
        command = decision.command
        alert = Alert(
            alert_id=alert_id(incident, event.value, entry.sequence),
            environment=self._config.environment,
            model=report.model,
            incident=incident,
            event=event,
            subject="drift",
            state="",
            severity=Severity.PAGE,
            timestamp=entry.timestamp,
            version=report.version,
            role=report.role,
            segment=report.segment,
            window_start=report.window_start,
            window_end=report.window_end,
            summary=summary(report, event, decision.signals, decision.reason),
            signals=evidence(report, decision.signals),
            owner=monitor.owner,
            escalation=monitor.escalation,
            runbook_url=monitor.runbook_url,
            command_id=decision.command_id,
            freeze_stands_until=decision.freeze_stands_until,
        )
        self._send("alerts", report.model, alert)
        self._observed.append(Observation("alerts", {"model": report.model, "event": event.value}, 1))
        if command is not None:
            self._send("control", report.model, command)
            labels = {"model": report.model, "action": command.action.value}
            self._observed.append(Observation("commands", labels, 1))

    def _send(self, topic: str, model: str, record: Alert | Command | Journal) -> None:
        self._leaving.append(Write(topic, model.encode(), self._codec.encode(record)))
