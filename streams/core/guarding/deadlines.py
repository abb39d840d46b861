"""What time alone brings: stored deadlines, and what is done when one is due. All of them are wall time."""

from dataclasses import dataclass, replace
from typing import Final

from kedge.schemas.monitor import Mode, MonitorSpec
from kedge.schemas.records import Action, Severity
from kedge.streams.core.commands import incident_id
from kedge.streams.core.guarding.ends import Ending, finish
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import SKEW_MS, End, resend
from kedge.streams.core.guarding.promotion import last_drill
from kedge.streams.core.guarding.rehearse import end_late_drill
from kedge.streams.core.guarding.sensing import blind_at, unreported
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.guarding.wishes import Wish, want

__all__ = ["ESCALATE_MS", "due_deadlines", "take_tick"]

ESCALATE_MS: Final = 30_000
"""After the first send, unacknowledged: people are told."""


@dataclass(frozen=True, slots=True)
class _Clock:
    """`up_since`: when this guard began to fold; what it could not have seen before is not missing."""

    now_ms: int
    up_since: int


def due_deadlines(model: ModelState, monitor: MonitorSpec, now_ms: int, up_since: int) -> tuple[str, ...]:
    """Return the names of the deadlines that are due, in the order in which they are worked off."""
    clock = _Clock(now_ms, up_since)
    found = {
        "hold": any(hold.expires_at <= now_ms for hold in model.holds.values()),
        "drill": model.drill is not None and model.drill.ends_at <= now_ms,
        **_of_order(model, now_ms),
        "sensing": _sensing(model, monitor, clock),
        "drill_overdue": _overdue(model, monitor, now_ms),
        "freeze": _freeze_ends(model, monitor, now_ms),
    }
    return tuple(name for name, due in found.items() if due)


def _of_order(model: ModelState, now_ms: int) -> dict[str, bool]:
    order = model.order
    if order is None or order.staged or order.sent_at is None:
        return {}
    expires = order.command.expires_at
    return {
        "expire": now_ms >= expires + SKEW_MS,
        "resend": order.resend_at <= now_ms < expires - SKEW_MS,
        "escalate": not order.escalated and now_ms >= order.sent_at + ESCALATE_MS,
    }


def _sensing(model: ModelState, monitor: MonitorSpec, clock: _Clock) -> bool:
    if model.reported_at is None or model.blind is not None:
        return False
    return clock.now_ms >= blind_at(monitor.windows.length_ms, max(model.reported_at, clock.up_since))


def _overdue(model: ModelState, monitor: MonitorSpec, now_ms: int) -> bool:
    if monitor.actions.route_to_safe_path.mode is Mode.OFF:
        return False
    last = model.since if model.drilled_at is None else model.drilled_at
    told = model.overdue_told_at
    every = monitor.drills.every_ms
    return now_ms >= last + every and (told is None or now_ms >= told + every)


def _freeze_ends(model: ModelState, monitor: MonitorSpec, now_ms: int) -> bool:
    """Whether half of a freeze's time has passed that stands until a person resumes, and nothing is in its way."""
    spec, ends = monitor.actions.freeze_rollout, model.freeze_expires_at
    if ends is None or not model.keeps_frozen or now_ms < ends - spec.expires_after_ms // 2:
        return False
    return spec.mode is Mode.ARMED and model.order is None and model.failed is None and not model.holds


def take_tick(turn: Turn, due: tuple[str, ...]) -> None:
    """Do what is due. Holds that are over have been let go of before; a model that is just known has nothing due."""
    if "drill" in due:
        end_late_drill(turn)
    if "expire" in due:
        _expire(turn)
    if "resend" in due:
        resend(turn)
    if "escalate" in due:
        _escalate(turn)
    if "sensing" in due:
        unreported(turn)
    if "drill_overdue" in due:
        _say_overdue(turn)
    if "freeze" in due and turn.model.order is None:
        _keep_frozen(turn)


def _keep_frozen(turn: Turn) -> None:
    model = turn.model
    if model.incident is not None:
        model.incident.frozen = True
    fate, _ = want(turn, Wish(action=Action.FREEZE_ROLLOUT, incident=model.keeps_frozen))
    turn.step("keep_frozen", f"no person has resumed the rollout since the rollback; FREEZE_ROLLOUT is {fate.value}")


def _expire(turn: Turn) -> None:
    order = turn.model.order
    if order is None:
        return
    turn.drill = order.command.drill
    missing = [who for who in order.actuators if who not in order.acked_by]
    partly = f"only {', '.join(order.acked_by)} acknowledged, not {', '.join(missing)}"
    finish(turn, Ending(End.EXPIRED, partly if order.acked_by else "nobody has acknowledged it"))


def _escalate(turn: Turn) -> None:
    order, model = turn.model.order, turn.model
    if order is None or order.staged:
        return
    command = order.command
    turn.drill = command.drill
    model.order = replace(order, escalated=True)
    what = f"{command.action.value} {command.target_version}".strip()
    words = f"{what} is not acknowledged after {ESCALATE_MS // 1_000} s"
    turn.step("escalate", words)
    incident = model.incident
    notice = Notice(
        subject="command_unacked",
        summary=f"{model.model}: {words}; escalated to {', '.join(command.escalation) or turn.monitor.owner}",
        severity=Severity.PAGE,
        about=None if incident is None else incident.about,
        incident=command.incident,
        command_id=command.command_id,
        drill=command.drill,
    )
    tell(turn, notice)


def _say_overdue(turn: Turn) -> None:
    model = turn.model
    model.overdue_told_at = turn.now_ms
    words = f"a drill is overdue, {last_drill(model)}"
    command_id = None
    if turn.monitor.drills.freeze:
        name = incident_id(turn.environment, model.model, ["drill_overdue", str(turn.now_ms)])
        fate, command_id = want(turn, Wish(action=Action.FREEZE_ROLLOUT, incident=name))
        words += f"; FREEZE_ROLLOUT is {fate.value}"
    turn.step("drill_overdue", words)
    notice = Notice(
        subject="drill_overdue",
        summary=f"{model.model}: {words}; promotion is held",
        severity=Severity.TICKET,
        command_id=command_id or None,
    )
    tell(turn, notice)
