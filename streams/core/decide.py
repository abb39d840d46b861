"""What one report leads to: nothing, or a step in the life of the model's incident."""

from dataclasses import dataclass
from typing import Final

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import Action, AlertEvent, Command, Report
from kedge.streams.core.assess import policy_of
from kedge.streams.core.commands import CommandName, incident_id
from kedge.streams.core.guard_model import Incident, ModelGuard, SignalKey
from kedge.streams.core.panes import is_decision_window

__all__ = ["Case", "Decision", "decide"]

NAMED: Final = 20
"""Signals named in a reason; the evidence has all of them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A report and everything that it is decided by. `digest`: hex SHA-256 of the report's bytes."""

    environment: str
    model: ModelGuard
    monitor: MonitorSpec
    report: Report
    digest: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one report; `event` None: nothing that anybody must know."""

    name: str
    reason: str
    event: AlertEvent | None = None
    signals: frozenset[SignalKey] = frozenset()
    incident: str | None = None
    command_id: str | None = None
    command: Command | None = None
    freeze_stands_until: int | None = None


def decide(case: Case) -> Decision:
    """Enter the report into the model's guard and return what it leads to."""
    model, monitor, report = case.model, case.monitor, case.report
    if not is_decision_window(report.window_start, report.window_end, monitor.windows):
        return Decision("none", "not a decision window")
    policy = policy_of(monitor.policy)
    model.remember(report, max(policy.windows, monitor.resolve_after))
    breaching = frozenset(model.breaching(report, policy))
    if model.incident is None:
        return _open(case, breaching) if breaching else Decision("none", report.reason)
    return _go_on(case, model.incident, breaching - model.incident.signals)


def _open(case: Case, breaching: frozenset[SignalKey]) -> Decision:
    model, policy = case.model, case.monitor.policy
    first = [*min(breaching), str(case.report.window_start)]
    name = incident_id(case.environment, model.model, first)
    model.command_sequence += 1
    command = _freeze(case, name)
    model.incident = Incident(name, case.now_ms, set(breaching), command.command_id, command.expires_at)
    return Decision(
        "open_incident",
        f"drifted in {policy.breaches} of {policy.windows} windows: {_names(breaching)}",
        AlertEvent.OPENED,
        breaching,
        name,
        command.command_id,
        command,
    )


def _go_on(case: Case, incident: Incident, fresh: frozenset[SignalKey]) -> Decision:
    model, monitor = case.model, case.monitor
    name, held = incident.incident, incident.command_id
    if fresh:
        incident.signals |= fresh
        return Decision("update_incident", f"also drifted: {_names(fresh)}", AlertEvent.UPDATED, fresh, name, held)
    if not model.is_over(case.report, monitor.resolve_after):
        return Decision("none", "the incident goes on", incident=name)
    gone = model.gone(case.report)
    calm = f"stable for {monitor.resolve_after} windows" + (f"; not judged for a day: {_names(gone)}" if gone else "")
    model.clear()
    expires = incident.freeze_expires_at
    stands = expires if expires is not None and expires > case.now_ms else None
    freeze = "no freeze stands" if stands is None else "the freeze stands until it expires"
    return Decision(
        "resolve_incident",
        f"{calm}; {freeze}",
        AlertEvent.RESOLVED,
        frozenset(incident.signals),
        name,
        held,
        freeze_stands_until=stands,
    )


def _freeze(case: Case, incident: str) -> Command:
    model, monitor, report = case.model, case.monitor, case.report
    name = CommandName(case.environment, model.model, incident, Action.FREEZE_ROLLOUT)
    return Command(
        command_id=name.digest(),
        environment=name.environment,
        model=name.model,
        incident=incident,
        action=name.action,
        from_version=report.version,
        target_version=name.target_version,
        attempt=name.attempt,
        cancels="",
        sequence=model.command_sequence,
        issued_at=case.now_ms,
        expires_at=case.now_ms + monitor.actions.freeze_rollout.expires_after_ms,
        drill=False,
        evidence_digest=case.digest,
        policy_version=report.monitor,
        baseline=report.baseline,
        journal_sequence=model.journal_sequence + 1,
        owner=monitor.owner,
        escalation=monitor.escalation,
        runbook_url=monitor.runbook_url,
        key_id="",
        signature=b"",
    )


def _names(signals: frozenset[SignalKey]) -> str:
    names = sorted({key.signal for key in signals})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
