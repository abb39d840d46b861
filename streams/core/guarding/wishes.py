"""What is wanted of routers and rollout controllers, and whether it may become a command.

At most one command of a model is open. A graver one takes a lesser one's place; a person's takes any.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kedge.schemas.monitor import ActionSpec, ActionsSpec, Mode
from kedge.schemas.records import Action, Command, GuardOrder
from kedge.streams.core.commands import CommandName
from kedge.streams.core.guarding.ends import Ending, finish
from kedge.streams.core.guarding.orders import End
from kedge.streams.core.guarding.states import Trigger
from kedge.streams.core.guarding.turn import Turn

__all__ = ["Fate", "Wish", "spec_of", "want"]

_GRAVITY: Final = {
    Action.ROUTE_TO_SAFE_PATH: 3,
    Action.FREEZE_ROLLOUT: 2,
    Action.RESUME_ROLLOUT: 2,
    Action.START_SHADOW: 1,
    Action.REQUEST_RETRAIN: 1,
}
"""What is as grave or graver takes an open command's place; the least never do."""


class Fate(StrEnum):
    """What became of a wish."""

    STAGED = "staged"
    ADVISED = "advised"
    WITHHELD = "withheld"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A command that is wanted; `forced`: by a person, whatever the mode and whoever holds."""

    action: Action
    incident: str
    from_version: str = ""
    target: str = ""
    forced: bool = False
    drill: bool = False
    lasts_ms: int | None = None
    """None: as the monitor says."""


def spec_of(actions: ActionsSpec, action: Action) -> ActionSpec:
    """Return what the monitor says of an action."""
    by_action = {
        Action.FREEZE_ROLLOUT: actions.freeze_rollout,
        Action.ROUTE_TO_SAFE_PATH: actions.route_to_safe_path,
        Action.RESUME_ROLLOUT: actions.resume_rollout,
        Action.START_SHADOW: actions.start_shadow,
        Action.REQUEST_RETRAIN: actions.request_retrain,
    }
    return by_action[action]


def want(turn: Turn, wish: Wish) -> tuple[Fate, str]:
    """Stage a command, or note that an armed guard would have; returns its id too (empty: off)."""
    model, spec = turn.model, spec_of(turn.monitor.actions, wish.action)
    bidden = wish.forced or wish.drill
    if spec.mode is Mode.OFF and not bidden:
        return Fate.OFF, ""
    attempt = f"{wish.incident} {wish.action.value} {wish.target}"
    name = CommandName(
        turn.environment, model.model, wish.incident, wish.action, wish.target, model.attempts.get(attempt, 0)
    )
    held = turn.held() or model.failed is not None
    if not bidden and (held or spec.mode is not Mode.ARMED or not _yields(turn, wish)):
        turn.withheld.append(name.digest())
        return (Fate.ADVISED if spec.mode is Mode.ADVISE and not held else Fate.WITHHELD), name.digest()
    if model.order is not None:
        # What a freeze has done stands below a rollback; whatever a person replaces is called back.
        cancel = wish.forced or model.order.forced or model.order.command.drill
        finish(turn, Ending(End.SUPERSEDED, f"{wish.action.value} takes its place", cancel=cancel))
    model.attempts[attempt] = name.attempt + 1
    model.command_sequence += 1
    lasts = spec.expires_after_ms if wish.lasts_ms is None else wish.lasts_ms
    command = Command(
        command_id=name.digest(),
        environment=name.environment,
        model=name.model,
        incident=wish.incident,
        action=wish.action,
        from_version=wish.from_version,
        target_version=wish.target,
        attempt=name.attempt,
        cancels="",
        sequence=model.command_sequence,
        issued_at=turn.now_ms,
        expires_at=turn.now_ms + lasts,
        drill=wish.drill,
        evidence_digest=turn.digest,
        policy_version=turn.monitor_hash,
        baseline=turn.baseline,
        journal_sequence=model.journal_sequence + 1,
        owner=turn.monitor.owner,
        escalation=turn.monitor.escalation,
        runbook_url=turn.monitor.runbook_url,
        key_id="",
        signature=b"",
    )
    model.order = GuardOrder(
        command=command,
        forced=wish.forced,
        staged=True,
        actuators=spec.actuators,
        sends=0,
        resend_at=turn.now_ms,
        escalated=False,
    )
    turn.staged.append(command.command_id)
    if wish.action is Action.ROUTE_TO_SAFE_PATH and not wish.drill:
        turn.fire(Trigger.ROUTED)
    if wish.action is Action.FREEZE_ROLLOUT and not wish.drill:
        model.freeze_expires_at = command.expires_at
    return Fate.STAGED, command.command_id


def _yields(turn: Turn, wish: Wish) -> bool:
    """Whether the open command, if any, gives way to this wish of the guard's own."""
    order = turn.model.order
    if order is None or order.command.drill:
        return True
    gravity = _GRAVITY[wish.action]
    return not order.forced and gravity > 1 and gravity >= _GRAVITY[order.command.action]
