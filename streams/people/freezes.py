"""Whether a rollout is frozen, and who is led away, from the commands and what routers have answered."""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kedge.schemas.records import AckResult, Action, Command
from kedge.streams.people.standing import Standing

__all__ = ["STILL", "Freeze", "freeze_of", "freeze_words", "led_away", "resume_command"]

STILL: Final = sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A freeze that has not expired, was not refused, and that nobody has resumed."""

    command: Command
    stands: bool
    """A router has said so; else nobody has answered."""
    called_back: bool
    """Unanswered, and a CANCEL has followed it."""
    kept: bool
    """There was a rollback: the freeze is renewed until a person resumes."""

    @property
    def waits_for_a_person(self) -> bool:
        """Whether it goes on until a person ends it."""
        return self.kept and not self.called_back


def freeze_of(standing: Standing, now_ms: int) -> Freeze | None:
    """Return the newest freeze that stands; where none is known to, the newest that may; None: none does."""
    resumed = max((c.sequence for c in _sent(standing, Action.RESUME_ROLLOUT) if _obeyed(standing, c)), default=-1)
    frozen = [c for c in _sent(standing, Action.FREEZE_ROLLOUT) if c.sequence > resumed]
    kept = _kept(standing, resumed, {command.incident for command in frozen})
    cancelled = {command.cancels for command in standing.commands.values() if command.action is Action.CANCEL}
    found = [
        Freeze(
            command=command,
            stands=_obeyed(standing, command),
            called_back=not _obeyed(standing, command) and command.command_id in cancelled,
            kept=kept,
        )
        for command in sorted(frozen, key=lambda command: -command.sequence)
        if command.expires_at > now_ms and (_obeyed(standing, command) or not _refused(standing, command))
    ]
    return next((freeze for freeze in found if freeze.stands), found[0] if found else None)


def freeze_words(freeze: Freeze, until: str, stands: str = "stands") -> str:
    """Say how long a freeze stands; `until`: when its newest command expires."""
    if freeze.called_back:
        return f"called back before a router had answered; if one had obeyed, it stands until {until}"
    if not freeze.stands:
        return f"no router is known to have answered; if one obeys, it stands until {until}"
    if freeze.kept:
        return f"{stands} until a person resumes it, because of a rollback; renewed before {until}"
    return f"{stands} until {until}, or until it is resumed"


def resume_command(model: str) -> str:
    """Return what a person runs to end the freeze of a model."""
    return f"kedge override force {shlex.quote(model)} --action RESUME_ROLLOUT --reason TEXT"


def led_away(standing: Standing) -> dict[str, int]:
    """Return the versions that routers have led away from and not back to, and until when (Unix time, ms).

    That is when a rollout was resumed, for from then on they may come back; `STILL`: it was not.
    """
    found: dict[str, int] = {}
    moves = [*_sent(standing, Action.ROUTE_TO_SAFE_PATH), *_sent(standing, Action.RESUME_ROLLOUT)]
    for command in sorted(moves, key=lambda command: command.sequence):
        if not _obeyed(standing, command):
            continue
        if command.action is Action.RESUME_ROLLOUT:
            found = {version: min(until, command.issued_at) for version, until in found.items()}
        else:
            found[command.from_version] = STILL
            found.pop(command.target_version, None)
    return found


def _sent(standing: Standing, action: Action) -> Iterator[Command]:
    return (command for command in standing.commands.values() if command.action is action and not command.drill)


def _kept(standing: Standing, resumed: int, frozen: set[str]) -> bool:
    """Whether an incident had a rollback, sent or left to people, since a person resumed the last time."""
    incidents = frozen | {view.incident for view in standing.incidents()}
    routed = (c for c in _sent(standing, Action.ROUTE_TO_SAFE_PATH) if c.sequence > resumed and c.incident in incidents)
    taken_back = {command_id for command_id, ended in standing.ends.items() if ended.end == "superseded"}
    at = max((c.issued_at for c in standing.commands.values() if c.sequence == resumed), default=-1)
    return standing.kept_at > at or any(command.command_id not in taken_back for command in routed)


def _obeyed(standing: Standing, command: Command) -> bool:
    return _ended(standing, command) == "acked" or AckResult.ACKED in _answers(standing, command)


def _refused(standing: Standing, command: Command) -> bool:
    return _ended(standing, command) == "nacked" or AckResult.NACKED in _answers(standing, command)


def _ended(standing: Standing, command: Command) -> str:
    ended = standing.ends.get(command.command_id)
    return "" if ended is None else ended.end


def _answers(standing: Standing, command: Command) -> set[AckResult]:
    return {ack.result for ack in standing.acks.get(command.command_id, ())}
