"""What people tell the guard: holds, forced commands, releases and drills. Their word wins, for as long as it lasts."""

from collections.abc import Callable, Mapping
from typing import Final

from kedge.schemas.monitor import Risk
from kedge.schemas.records import Action, Override, OverrideAction, Severity
from kedge.streams.core.commands import incident_id
from kedge.streams.core.guarding.ends import Ending, finish
from kedge.streams.core.guarding.history import DAY_MS
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import End
from kedge.streams.core.guarding.rehearse import FAULTS, rehearse
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.states import State, Trigger
from kedge.streams.core.guarding.turn import HOLDING, Turn
from kedge.streams.core.guarding.wishes import Wish, want

__all__ = ["FUTURE_MS_MAX", "lapse", "take_override"]

FUTURE_MS_MAX: Final = 5 * 60_000
"""How far ahead of the guard's clock an operator's may be."""


def take_override(turn: Turn, override: Override) -> None:
    """Obey an override, or refuse it with a reason; one that came before counts once."""
    model, action = turn.model, override.action
    if override.override_id in model.seen:
        turn.say(f"{action.value} {override.override_id} was taken in before")
        turn.count("overrides", action=action.value, result="repeated")
        return
    reason = _fault(turn, override)
    if reason:
        turn.step("refuse_override", f"{reason}: {action.value} by {override.actor or 'nobody'}")
        turn.count("overrides", action=action.value, result=reason)
        turn.count("refusals", input="overrides", reason=reason)
        return
    model.seen[override.override_id] = override.expires_at
    turn.count("overrides", action=action.value, result="accepted")
    turn.step(f"override_{action.value.lower()}", f"{override.actor}: {override.reason}")
    _OBEY[action](turn, override)


def _fault(turn: Turn, override: Override) -> str:
    """Why an override does not count; the signature first: whoever forges learns nothing else."""
    now, action = turn.now_ms, override.action
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("wrong_environment", lambda: override.environment != turn.environment),
        ("untrusted", lambda: not turn.readings.trusts(override)),
        ("no_actor", lambda: not override.actor.strip()),
        ("no_reason", lambda: not override.reason.strip()),
        ("too_long", lambda: override.expires_at - override.issued_at > DAY_MS),
        ("expired", lambda: override.expires_at <= now),
        ("from_the_future", lambda: override.issued_at > now + FUTURE_MS_MAX),
        ("no_target", lambda: action is OverrideAction.PIN and not override.target_version),
        ("compliance", lambda: action is OverrideAction.SUPPRESS and turn.monitor.risk is Risk.COMPLIANCE),
        ("nothing_forced", lambda: action is OverrideAction.FORCE and override.forced is None),
        ("no_target", lambda: override.forced is Action.ROUTE_TO_SAFE_PATH and not override.target_version),
        ("nothing_to_cancel", lambda: override.forced is Action.CANCEL and turn.model.order is None),
        ("unknown_fault", lambda: action is OverrideAction.DRILL and override.fault not in FAULTS),
        ("busy", lambda: action is OverrideAction.DRILL and _busy(turn.model)),
        ("held", lambda: action is OverrideAction.DRILL and (turn.held() or turn.model.failed is not None)),
    )
    return next((reason for reason, fails in checks if fails()), "")


def _busy(model: ModelState) -> bool:
    """A drill takes no real command's place, and no other drill's."""
    return model.order is not None or model.drill is not None


def _hold(turn: Turn, override: Override) -> None:
    """Hold automation: what is on its way is called back, if it has not been done yet."""
    model = turn.model
    model.holds[override.action] = override
    if model.order is not None:
        sent = not model.order.staged
        finish(turn, Ending(End.SUPERSEDED, f"{override.action.value} by {override.actor}", cancel=sent))
    turn.fire(Trigger.HELD)
    pinned = f" to {override.target_version}" if override.target_version else ""
    _say(turn, f"{override.action.value}{pinned} by {override.actor}: {override.reason}")


def _force(turn: Turn, override: Override) -> None:
    model, action = turn.model, override.forced
    if action is None:
        raise AssertionError("checked before")
    if action is Action.CANCEL:
        sent = model.order is not None and not model.order.staged
        finish(turn, Ending(End.SUPERSEDED, f"cancelled by {override.actor}", cancel=sent))
        _say(turn, f"the open command is cancelled by {override.actor}: {override.reason}")
        return
    incident = model.incident
    name = incident_id(turn.environment, model.model, ["override", override.override_id])
    if action is Action.ROUTE_TO_SAFE_PATH:
        model.cooldown = 0
    wish = Wish(
        action=action,
        incident=name if incident is None else incident.incident,
        # Wherever the router stands by now: a condition would refuse whoever leads traffic back after a rollback.
        from_version="",
        target=override.target_version,
        forced=True,
    )
    _, command_id = want(turn, wish)
    if incident is not None:
        incident.command_id = command_id
        if action is Action.ROUTE_TO_SAFE_PATH:
            # The person's rollback is the one that is watched from now on, whatever it took the place of.
            incident.route, incident.acked_at, incident.contained = "sent", None, False
            suspect = incident.about.version
            incident.candidate = "" if suspect == override.target_version else suspect
            incident.target = override.target_version
    what = f"{action.value} {override.target_version}".strip()
    _say(turn, f"{what} is forced by {override.actor}: {override.reason}", command_id)


def _release(turn: Turn, override: Override) -> None:
    """End every hold, and a failure."""
    model = turn.model
    model.holds.clear()
    failed, model.failed = model.failed, None
    if failed is not None and model.incident is not None:
        # Never a second automatic rollback for what a first one has failed at.
        model.incident.route = model.incident.route or "failed"
    if model.state in (State.HUMAN_HOLD, State.FAILED_ACTION):
        turn.release()
    _say(turn, f"released by {override.actor}: {override.reason}")


def lapse(turn: Turn) -> None:
    """Let go of holds whose time is over; asked before anything else of every turn."""
    model, now = turn.model, turn.now_ms
    for override_id in [key for key, expires in model.seen.items() if expires <= now]:
        del model.seen[override_id]
    # In the order in which the state has them: it must not matter whether it was read back meanwhile.
    over = [hold for _, hold in sorted(model.holds.items()) if hold.expires_at <= now]
    for hold in over:
        del model.holds[hold.action]
        turn.step("hold_over", f"{hold.action.value} by {hold.actor} is over")
        _say(turn, f"{hold.action.value} by {hold.actor} is over")
    if over and not any(action in model.holds for action in HOLDING) and model.state is State.HUMAN_HOLD:
        turn.release()


def _say(turn: Turn, words: str, command_id: str | None = None) -> None:
    incident = turn.model.incident
    notice = Notice(
        subject="hold",
        summary=f"{turn.model.model}: {words}",
        severity=Severity.TICKET,
        about=None if incident is None else incident.about,
        incident="" if incident is None else incident.incident,
        command_id=command_id,
    )
    tell(turn, notice)


_OBEY: Final[Mapping[OverrideAction, Callable[[Turn, Override], None]]] = {
    OverrideAction.PIN: _hold,
    OverrideAction.SUPPRESS: _hold,
    OverrideAction.DISARM: _hold,
    OverrideAction.FORCE: _force,
    OverrideAction.RELEASE: _release,
    OverrideAction.DRILL: rehearse,
}
