"""What the guard shows of a model at any time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from kedge.schemas.monitor import Mode, MonitorSpec
from kedge.schemas.records import Action, AlertEvent
from kedge.streams.core.guarding.history import DAY_MS
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.states import State
from kedge.streams.core.instructions import Observation

__all__ = ["gauges"]

_NUMBERS: Final = {state: number for number, state in enumerate(State)}


def gauges(model: ModelState, monitor: MonitorSpec | None, now_ms: int) -> Iterator[Observation]:
    """Yield the gauges of a model; a drill that never was has no age. `monitor`: the one that acts now."""
    labels = {"model": model.model}
    yield Observation("incident_open", labels, model.incident is not None)
    yield Observation("guard_state", labels, _NUMBERS[model.state])
    yield Observation("sensing_degraded", labels, model.blind is not None)
    yield Observation("action_failed", labels, model.failed is not None)
    if model.drilled_at is not None:
        yield Observation("drill_age_ms", labels, now_ms - model.drilled_at)
    if monitor is not None:
        yield from _of_monitor(model, monitor)
    yield from _of_incident(model, now_ms)
    # From the start: a counter that begins at more than 0 has not risen, to Prometheus.
    yield from (Observation("commands", {**labels, "action": action.value}, 0) for action in Action)
    yield from (Observation("alerts", {**labels, "event": event.value}, 0) for event in AlertEvent)


def _of_monitor(model: ModelState, monitor: MonitorSpec) -> Iterator[Observation]:
    """What the owner has said that rules and dashboards measure by."""
    labels = {"model": model.model}
    whom = {**labels, "owner": monitor.owner, "escalation": ",".join(monitor.escalation)}
    yield Observation("model_info", whom, 1)
    yield Observation("window_length_ms", labels, monitor.windows.length_ms)
    yield Observation("latency_slo_ms", labels, monitor.compared.latency_slo_ms)
    if monitor.trained_at is not None:
        trained = datetime.fromisoformat(monitor.trained_at).replace(tzinfo=UTC)
        yield Observation("trained_ms", labels, trained.timestamp() * 1000)
    if monitor.actions.route_to_safe_path.mode is not Mode.OFF:
        last = model.since if model.drilled_at is None else model.drilled_at
        yield Observation("drill_due_ms", labels, last + monitor.drills.every_ms)


def _of_incident(model: ModelState, now_ms: int) -> Iterator[Observation]:
    labels, incident, order = {"model": model.model}, model.incident, model.order
    if incident is not None:
        about = {"incident": incident.incident, "subject": incident.subject}
        severity = incident.severity.lower() or "none"
        yield Observation("incident_opened_ms", {**labels, **about, "severity": severity}, incident.opened_at)
    if model.rollbacks and model.rollbacks[-1] > now_ms - DAY_MS:
        yield Observation("rollback_sent_ms", {**labels, "incident": _rolled_back(model)}, model.rollbacks[-1])
    if order is not None and order.sent_at is not None:
        command = order.command
        named = {"incident": command.incident, "action": command.action.value, "drill": str(command.drill).lower()}
        yield Observation("command_sent_ms", {**labels, **named}, order.sent_at)


def _rolled_back(model: ModelState) -> str:
    """The incident of the last rollback, as far as its command is remembered."""
    if model.routed and model.order is not None:
        return model.order.command.incident
    route = (ended for ended in reversed(model.ended) if ended.action is Action.ROUTE_TO_SAFE_PATH and not ended.drill)
    last = next(route, None)
    return "" if last is None else last.incident
