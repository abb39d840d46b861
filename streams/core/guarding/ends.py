"""What follows when a command ends: a rollback's next step, a failure for people to look at, the end of a drill."""

from dataclasses import dataclass
from typing import Final

from kedge.schemas.records import Action, GuardOrder, Severity
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import End, close
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.states import Trigger
from kedge.streams.core.guarding.turn import Turn

__all__ = ["UNSUPPORTED", "Ending", "acknowledged", "drill_over", "fail", "finish", "resumed"]

UNSUPPORTED: Final = "unsupported"
"""An actuator that does not do such things has not failed at them."""
_MOVING: Final = (Action.FREEZE_ROLLOUT, Action.ROUTE_TO_SAFE_PATH, Action.RESUME_ROLLOUT)
"""Actions whose failure ends automation; advice that nobody took does not."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the open command ends. `code`: the actuator's, if it was one that said so."""

    end: End
    reason: str
    cancel: bool = False
    code: str = ""


def finish(turn: Turn, ending: Ending) -> None:
    """End the open command, and do what follows."""
    order = close(turn, ending.end, ending.reason, cancel=ending.cancel)
    command, failed = order.command, ending.end in (End.NACKED, End.EXPIRED) and not order.staged
    if failed and command.action is Action.FREEZE_ROLLOUT:
        turn.model.freeze_expires_at = None
    if command.drill:
        drill_over(turn, good=ending.end is End.ACKED, words=ending.reason)
    elif command.action is Action.ROUTE_TO_SAFE_PATH:
        _route_ended(turn, order, ending)
    elif failed and command.action in _MOVING and ending.code != UNSUPPORTED:
        fail(turn, f"{command.action.value} {ending.end.value}: {ending.reason}")
    elif failed:
        _tell_failed(turn, f"{command.action.value} {ending.end.value}: {ending.reason}")
    elif command.action is Action.RESUME_ROLLOUT and ending.end is End.ACKED:
        resumed(turn.model)


def resumed(model: ModelState) -> None:
    """The rollout goes on; where a rollback kept it frozen, it was a person who said so."""
    model.freeze_expires_at, model.frozen_by = None, ""


def _route_ended(turn: Turn, order: GuardOrder, ending: Ending) -> None:
    incident = turn.model.incident
    if ending.end in (End.NACKED, End.EXPIRED) and not order.staged:
        fail(turn, f"ROUTE_TO_SAFE_PATH {ending.end.value}: {ending.reason}")
        return
    if ending.end is End.ACKED:
        acknowledged(turn, "" if incident is None else incident.candidate, order.command.target_version)
    elif incident is not None:
        incident.route = ""
    turn.settle()


def acknowledged(turn: Turn, candidate: str, target: str) -> None:
    """Traffic was led away: from now on the safe path must show that it helped."""
    incident = turn.model.incident
    if incident is None:
        return
    incident.route = "done"
    incident.candidate, incident.target = candidate, target
    incident.acked_at = turn.now_ms
    incident.contained = False
    incident.breaching, incident.healthy = set(), set()
    # Windows: what is open now, and the one whose grace runs, hold traffic from before.
    incident.watch_from = turn.model.newest_window + 2 * turn.monitor.windows.length_ms


def fail(turn: Turn, reason: str) -> None:
    """End automation until a person releases it: never a second action after a failed one."""
    model = turn.model
    model.failed = reason
    if model.incident is not None and model.incident.route:
        model.incident.route = "failed"
    turn.fire(Trigger.FAILED)
    order = model.order
    if order is not None and order.staged and not order.forced and not order.command.drill:
        close(turn, End.SUPERSEDED, "an action has failed", cancel=False)
    turn.step("fail", reason)
    _tell_failed(turn, f"{reason}; nothing is done automatically until a person releases it")


def _tell_failed(turn: Turn, words: str) -> None:
    incident = turn.model.incident
    notice = Notice(
        subject="action_failed",
        summary=f"{turn.model.model}: {words}",
        severity=Severity.PAGE,
        about=None if incident is None else incident.about,
        incident="" if incident is None else incident.incident,
        command_id=None if incident is None else incident.command_id,
    )
    tell(turn, notice)


def drill_over(turn: Turn, *, good: bool, words: str) -> None:
    """End the rehearsal, and say how it went."""
    model = turn.model
    drill, model.drill = model.drill, None
    if drill is None:
        raise AssertionError("no drill is running")
    if good:
        model.drilled_at = turn.now_ms
        model.overdue_told_at = None
    took = (turn.now_ms - drill.began_at) / 1_000
    result = "passed" if good else "failed"
    turn.step(f"drill_{result}", f"drill {drill.fault} {result} after {took:.1f} s: {words}")
    summary = f"{model.model}: drill {drill.fault} by {drill.actor} {result} after {took:.1f} s: {words}"
    notice = Notice(
        subject="drill",
        summary=summary,
        severity=Severity.TICKET if good else None,
        incident=drill.incident,
        command_id=next((e.command_id for e in reversed(model.ended) if e.incident == drill.incident), None),
        drill=True,
    )
    tell(turn, notice)
