"""A router in memory, and an actuator beside it: it obeys by the very rules of `kedge.Actuator`, some seconds later."""

from dataclasses import dataclass, field, replace
from typing import Final

from kedge.schemas.records import Ack, AckResult, Action, Command
from kedge.schemas.signing import signed_bytes
from kedge.streams.actuator import rules
from kedge.streams.actuator.executor import ack_of
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.rules import Act, Attempt, Duty, Entry, Known, Result, Stage
from tests.support.means import HashVerifier

__all__ = ["Router"]

DUTY: Final = Duty(
    environment="test",
    supported={"m": frozenset((Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT))},
)


@dataclass
class Router:
    """Where the rollout stands, and what was commanded.

    Args:
        version: the newest version that gets traffic; a rollback takes it away from that.
        after_ms: from reading a command to its answer.
        deaf: it reads nothing.
        broken: its switch raises.
    """

    version: str = "v2"
    after_ms: int = 2_000
    deaf: bool = False
    broken: bool = False
    generation: int = 1
    frozen: bool = False
    away: dict[str, str] = field(default_factory=dict)
    """Version that was led away from, to its target."""
    effects: list[str] = field(default_factory=list)
    _inbox: list[tuple[int, Command]] = field(default_factory=list)
    _known: dict[str, Entry] = field(default_factory=dict)
    _highest: int = -1

    @property
    def next_at(self) -> int | None:
        """When it answers next; None: it has nothing to do."""
        return min((at for at, _ in self._inbox), default=None)

    def read(self, command: Command, now_ms: int) -> None:
        """Take a command off the log."""
        if not self.deaf:
            self._inbox.append((now_ms + self.after_ms, command))

    def answers(self, now_ms: int) -> list[Ack]:
        """Do what is due, and return the answers."""
        due = [command for at, command in self._inbox if at <= now_ms]
        cancelled = {command.cancels for _, command in self._inbox if command.action is Action.CANCEL}
        self._inbox = [(at, command) for at, command in self._inbox if at > now_ms]
        found = [self._handle(command, command.command_id in cancelled, now_ms) for command in due]
        return [ack for ack in found if ack is not None]

    def heartbeat(self, now_ms: int, *standby: str) -> Ack:
        """Return its sign of life, with the versions that stand by."""
        return replace(_ACK, observed_version=self.version, timestamp=now_ms, standby=standby)

    def by_hand(self, version: str) -> None:
        """Somebody else switches it."""
        self.version = version
        self.generation += 1

    def _handle(self, command: Command, cancelled: bool, now_ms: int) -> Ack | None:  # noqa: FBT001 (of the log)
        known = Known(
            highest=self._highest,
            entry=self._known.get(command.command_id),
            cancelled_entry=self._known.get(command.cancels),
            cancelled=cancelled,
        )
        trusted = HashVerifier().accepts(command.key_id, signed_bytes(command), command.signature)
        match rules.decide(command, known, DUTY, trusted=trusted, now_ms=now_ms):
            case Attempt():
                return self._ended(command, self._attempt(command, now_ms), now_ms)
            case Result() as result:
                return self._ended(command, result, now_ms)
            case rules.Answer(entry):
                return ack_of(command, entry, _ACK.actuator_id)
            case _:
                return None

    def _attempt(self, command: Command, now_ms: int) -> Result:
        plan = rules.approach(command, self._observed(), now_ms)
        if not isinstance(plan, Act):
            return plan
        if self.broken:
            return rules.conclude(command, self._observed(), rules.Reason.FAILED)
        if not command.drill:
            self._switch(command)
        return rules.conclude(command, self._observed(), None)

    def _switch(self, command: Command) -> None:
        self.effects.append(f"{command.action.value} {command.target_version}".rstrip())
        if command.action is Action.ROUTE_TO_SAFE_PATH:
            self.away[self.version] = command.target_version
            self.by_hand(command.target_version)
        else:
            self.frozen = command.action is Action.FREEZE_ROLLOUT

    def _observed(self) -> Observed:
        return Observed(version=self.version, generation=str(self.generation), frozen=self.frozen)

    def _ended(self, command: Command, result: Result, now_ms: int) -> Ack:
        entry = Entry(model=command.model, stage=Stage.DONE, result=result, timestamp=now_ms)
        self._known[command.command_id] = entry
        self._highest = max(self._highest, command.sequence)
        return ack_of(command, entry, _ACK.actuator_id)


_ACK: Final = Ack(
    command_id="",
    environment="test",
    model="m",
    actuator_id="router-1",
    result=AckResult.ACKED,
    reason="",
    observed_version="",
    sequence=0,
    timestamp=0,
)
