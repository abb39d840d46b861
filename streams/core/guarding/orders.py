"""The life of a command once it is staged: sent, sent again, and ended exactly once."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from kedge.schemas.records import Action, Command, EndedOrder, GuardOrder
from kedge.streams.core.commands import CommandName
from kedge.streams.core.guarding.model import ENDED_MAX
from kedge.streams.core.guarding.turn import Turn

__all__ = ["RESEND_MS", "SKEW_MS", "End", "close", "resend", "send"]

SKEW_MS: Final = 30_000
"""How far a router's clock may be off: expired is said so much later, and nothing is sent so much earlier."""
RESEND_MS: Final = 5_000
"""Wall time to the first resend; each one waits twice as long …"""
RESEND_MS_MAX: Final = 300_000
"""… but no longer than this."""
_DOUBLINGS: Final = 6
"""After so many waits it is as long as can be."""


class End(StrEnum):
    """How a command ends."""

    ACKED = "acked"
    NACKED = "nacked"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


def send(turn: Turn, order: GuardOrder) -> None:
    """Sign the staged command and let it leave."""
    command = order.command
    signed = _signed(turn, command)
    turn.model.order = replace(
        order, command=signed, staged=False, sent_at=turn.now_ms, sends=1, resend_at=turn.now_ms + RESEND_MS
    )
    turn.step(f"send_{command.action.value.lower()}", f"overrides are read; {command.action.value} leaves")
    if command.action is Action.ROUTE_TO_SAFE_PATH and not command.drill:
        turn.model.rollbacks.append(turn.now_ms)


def _signed(turn: Turn, command: Command) -> Command:
    key_id, signature = turn.readings.signed(command)
    signed = replace(command, key_id=key_id, signature=signature)
    turn.commands.append(signed)
    turn.count("commands", action=command.action.value)
    return signed


def resend(turn: Turn) -> None:
    """Send the open command again, byte for byte."""
    order = turn.model.order
    if order is None or order.staged:
        return
    wait = min(RESEND_MS * 2 ** min(order.sends, _DOUBLINGS), RESEND_MS_MAX)
    turn.model.order = replace(order, sends=order.sends + 1, resend_at=turn.now_ms + wait)
    turn.commands.append(order.command)
    turn.step("resend", f"not acknowledged yet; sent {order.sends + 1} times")


def close(turn: Turn, end: End, reason: str, *, cancel: bool) -> GuardOrder:
    """End the open command; `cancel`: it may be on its way, and must not be obeyed any more.

    What was staged only is withdrawn: it never was a command, and may be decided again.
    """
    model = turn.model
    order, model.order = model.order, None
    if order is None:
        raise AssertionError("no command is open")
    command = order.command
    if order.staged:
        turn.step("withdraw", f"{command.action.value} is withdrawn: {reason}")
        if command.action is Action.FREEZE_ROLLOUT and not command.drill:
            # A freeze that was to be renewed is due again, once nothing is in its way.
            model.freeze_expires_at = turn.now_ms if model.keeps_frozen else None
            if model.incident is not None:
                model.incident.frozen = False
        return order
    _remember(turn, command, end.value)
    turn.step(f"command_{end.value}", f"{command.action.value}: {reason}")
    turn.count("commands_ended", action=command.action.value, end=end.value)
    if cancel:
        _cancel(turn, command)
    return order


def _cancel(turn: Turn, command: Command) -> None:
    """Call a command back at once: what takes back waits for nothing."""
    model = turn.model
    attempt = f"{command.incident} {Action.CANCEL.value} {command.target_version}"
    number = model.attempts.get(attempt, 0)
    model.attempts[attempt] = number + 1
    model.command_sequence += 1
    name = CommandName(turn.environment, model.model, command.incident, Action.CANCEL, command.target_version, number)
    signed = _signed(
        turn,
        replace(
            command,
            command_id=name.digest(),
            action=Action.CANCEL,
            attempt=number,
            cancels=command.command_id,
            sequence=model.command_sequence,
            issued_at=turn.now_ms,
            expires_at=max(command.expires_at, turn.now_ms + SKEW_MS),
            evidence_digest=turn.digest,
            journal_sequence=model.journal_sequence + 1,
            key_id="",
            signature=b"",
        ),
    )
    _remember(turn, signed, "")


def _remember(turn: Turn, command: Command, end: str) -> None:
    ended = EndedOrder(
        command_id=command.command_id,
        incident=command.incident,
        action=command.action,
        sequence=command.sequence,
        drill=command.drill,
        end=end,
        corrected="",
    )
    turn.model.ended.append(ended)
    del turn.model.ended[:-ENDED_MAX]
