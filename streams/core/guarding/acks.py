"""What actuators answer. An answer to a command that has ended corrects what is known, and ends nothing twice."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from kedge.schemas.records import Ack, AckResult, Action, EndedOrder, GuardOrder, Severity, Standby
from kedge.streams.core.guarding.ends import Ending, acknowledged, finish, resumed
from kedge.streams.core.guarding.orders import End
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.turn import Turn

__all__ = ["ACTUATORS_MAX", "take_ack"]

ACTUATORS_MAX: Final = 64
"""Actuators of a model whose heartbeats are kept; the one that was silent longest goes."""
NAME_CHARS_MAX: Final = 200
"""Of whatever an actuator calls itself, its reason and its version: they are kept, and told on."""
STANDBY_CHARS_MAX: Final = 8_192
"""Of the versions that one actuator has standing by, together; what is more is left out."""
CANCELLED: Final = "cancelled"
"""An actuator's reason: a CANCEL came before it had acted."""


def take_ack(turn: Turn, ack: Ack) -> None:
    """Take an answer, or a heartbeat, in."""
    order, model = turn.model.order, turn.model
    late = next((i for i, ended in enumerate(model.ended) if ended.command_id == ack.command_id), None)
    if ack.environment != turn.environment:
        _refuse(turn, "wrong_environment", f"it is of {ack.environment[:NAME_CHARS_MAX]!r}")
    elif max(len(ack.actuator_id), len(ack.reason), len(ack.observed_version)) > NAME_CHARS_MAX:
        _refuse(turn, "too_long", f"a name or reason of more than {NAME_CHARS_MAX} characters")
    elif not ack.command_id:
        _heartbeat(turn, ack)
    elif order is not None and not order.staged and order.command.command_id == ack.command_id:
        _answer(turn, order, ack)
    elif late is not None:
        _late(turn, late, ack)
    else:
        _refuse(turn, "unknown_command", f"{ack.actuator_id} answers {ack.command_id[:16]}, which is not known")


def _refuse(turn: Turn, reason: str, words: str) -> None:
    turn.step("refuse_ack", f"{reason}: {words}")
    turn.count("refusals", input="acks", reason=reason)


def _heartbeat(turn: Turn, ack: Ack) -> None:
    standbys = turn.model.standbys
    standbys[ack.actuator_id] = Standby(
        actuator_id=ack.actuator_id,
        versions=tuple(_fitting(ack.standby)),
        observed_version=ack.observed_version,
        seen_at=turn.now_ms,
    )
    while len(standbys) > ACTUATORS_MAX:
        del standbys[min(standbys, key=lambda name: (standbys[name].seen_at, name))]
    turn.say(f"{ack.actuator_id} lives")


def _fitting(versions: Iterable[str]) -> Iterator[str]:
    """Yield the first versions: whoever may write to `acks`, the model's state must still fit into a message."""
    room = STANDBY_CHARS_MAX
    for version in versions:
        room -= len(version) + 1
        if room < 0:
            return
        yield version


def _answer(turn: Turn, order: GuardOrder, ack: Ack) -> None:
    command, who = order.command, ack.actuator_id
    turn.drill = command.drill
    elsewhere = (
        command.action is Action.ROUTE_TO_SAFE_PATH
        and not command.drill
        and ack.observed_version not in ("", command.target_version)
    )
    if (ack.sequence, ack.drill) != (command.sequence, command.drill):
        _refuse(turn, "mismatch", f"{who} answers with another sequence or as another kind of command")
    elif order.actuators and who not in order.actuators:
        turn.say(f"{who} is none of those who must answer")
    elif ack.result is AckResult.NACKED:
        finish(turn, Ending(End.NACKED, f"{who}: {ack.reason or 'refused'}", code=ack.reason))
    elif elsewhere:
        finish(turn, Ending(End.NACKED, f"{who} acknowledged, and stands at {ack.observed_version}", code="conflict"))
    else:
        acked = tuple(sorted({*order.acked_by, who}))
        turn.model.order = replace(order, acked_by=acked)
        if set(order.actuators) <= set(acked):
            finish(turn, Ending(End.ACKED, f"acknowledged by {', '.join(acked)}"))
        else:
            turn.step("ack_partly", f"{', '.join(acked)} of {', '.join(order.actuators)}")


def _late(turn: Turn, index: int, ack: Ack) -> None:
    ended = turn.model.ended[index]
    turn.drill = ended.drill
    said = {AckResult.ACKED: End.ACKED, AckResult.NACKED: End.NACKED}[ack.result].value
    if not ended.end or said in (ended.end, ended.corrected):
        turn.say(f"{ack.actuator_id} answers {ended.action.value} again: {said}")
        return
    turn.model.ended[index] = replace(ended, corrected=said)
    words = f"{ended.action.value} had ended as {ended.end}; {ack.actuator_id} now says {said}"
    turn.step("late_ack", words)
    if (ended.end, ack.reason) == (End.SUPERSEDED.value, CANCELLED):
        return  # As it was told: nothing has failed.
    _correct(turn, ended, said, ack)
    incident = turn.model.incident
    notice = Notice(
        subject="drill" if ended.drill else "action_failed",
        summary=f"{turn.model.model}: {words}",
        severity=Severity.TICKET if said == End.ACKED.value else None,
        about=None if incident is None else incident.about,
        incident=ended.incident,
        drill=ended.drill,
        command_id=ended.command_id,
    )
    tell(turn, notice)


def _correct(turn: Turn, ended: EndedOrder, said: str, ack: Ack) -> None:
    """Traffic was led away after all: the safe path is watched as if it had been said in time."""
    incident = turn.model.incident
    if ended.action is Action.RESUME_ROLLOUT and said == End.ACKED.value:
        resumed(turn.model)
    led = ended.action is Action.ROUTE_TO_SAFE_PATH and said == End.ACKED.value and not ended.drill
    if led and incident is not None and incident.incident == ended.incident and incident.acked_at is None:
        route = incident.route
        acknowledged(turn, incident.candidate, ack.observed_version or incident.target)
        # A failure stands until people release it, whatever came of it in the end.
        incident.route = route or "done"
