"""What people are told: how grave it is, and whether anybody is told at all."""

from collections.abc import Collection
from dataclasses import dataclass

from kedge.schemas.monitor import Mode, MonitorSpec, Risk
from kedge.schemas.records import Alert, AlertEvent, Evidence, HarmEvidence, Note, OverrideAction, Severity
from kedge.streams.core.commands import alert_id
from kedge.streams.core.guarding.history import DAY_MS, SignalKey
from kedge.streams.core.guarding.incident import About
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.turn import Turn

__all__ = ["Notice", "gravity", "incident_severity", "tell"]

_OF_PEOPLE = frozenset(("hold", "drill"))
"""Subjects that people asked for themselves: they are told whatever the mode, and however suppressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One alert to be; `severity` None: as grave as the model's risk."""

    subject: str
    summary: str
    event: AlertEvent = AlertEvent.NOTICE
    severity: Severity | None = None
    about: About | None = None
    incident: str = ""
    signals: tuple[Evidence, ...] = ()
    harms: tuple[HarmEvidence, ...] = ()
    vetoes: tuple[Note, ...] = ()
    criteria: tuple[Note, ...] = ()
    command_id: str | None = None
    drill: bool = False
    freeze_stands_until: int | None = None


def gravity(monitor: MonitorSpec) -> Severity:
    """Return how grave anything of this model can be."""
    return Severity.TICKET if monitor.risk is Risk.BACKGROUND else Severity.PAGE


def incident_severity(turn: Turn, signals: Collection[SignalKey]) -> Severity:
    """Return whether these signals page: `alert_when` asks for importance, and for the KPI to have got worse."""
    when, model = turn.monitor.alert_when, turn.model
    if max((_importance(turn.monitor, key) for key in signals), default=0.0) < when.importance_min:
        return Severity.TICKET
    if when.kpi is not None and not _worse(model, when.kpi, turn.about.window_end):
        return Severity.TICKET
    return gravity(turn.monitor)


def _importance(monitor: MonitorSpec, key: SignalKey) -> float:
    of_feature = key.kind == "feature" or (key.kind == "quality" and key.signal in monitor.features)
    # A score, an answer, an error have no importance of their own: nothing is more important.
    return monitor.feature(key.signal).importance if of_feature else float("inf")


def _worse(model: ModelState, kpi: str, window_end: int) -> bool:
    """Whether the KPI is known to have got worse within a day of event time."""
    known = model.kpis.get(kpi)
    return known is not None and known.mature and known.worse and known.window_end > window_end - DAY_MS


def tell(turn: Turn, notice: Notice) -> None:
    """Send an alert, unless the owner or a person has said that none is wanted."""
    monitor, model = turn.monitor, turn.model
    asked = notice.subject in _OF_PEOPLE
    suppressed = turn.held(OverrideAction.SUPPRESS) and monitor.risk is not Risk.COMPLIANCE
    mode = monitor.actions.page_owner.mode
    if not asked and (suppressed or mode in (Mode.OFF, Mode.DRY_RUN)):
        turn.say(f"{notice.subject}: nobody is told ({'suppressed' if suppressed else mode.value})")
        return
    severity = notice.severity or gravity(monitor)
    if mode is Mode.ADVISE or gravity(monitor) is Severity.TICKET:
        severity = Severity.TICKET
    about, incident = notice.about or turn.about, notice.incident
    what = f"{notice.event.value} {notice.subject} {len(turn.alerts)}"
    alert = Alert(
        alert_id=alert_id(incident or model.model, what, model.journal_sequence + 1),
        environment=turn.environment,
        model=model.model,
        incident=incident,
        event=notice.event,
        subject=notice.subject,
        state=model.state.value,
        drill=notice.drill,
        severity=severity,
        timestamp=turn.now_ms,
        version=about.version,
        role=about.role,
        segment=about.segment,
        window_start=about.window_start,
        window_end=about.window_end,
        summary=notice.summary,
        signals=notice.signals,
        harms=notice.harms,
        vetoes=notice.vetoes,
        criteria=notice.criteria,
        owner=monitor.owner,
        escalation=monitor.escalation,
        runbook_url=monitor.runbook_url,
        command_id=notice.command_id,
        freeze_stands_until=notice.freeze_stands_until,
    )
    turn.alerts.append(alert)
    opened = model.incident
    if not asked and opened is not None and opened.incident == incident and not opened.severity:
        opened.severity = severity.value  # People know of it by this: they will be told of its end.
    turn.count("alerts", event=notice.event.value)
