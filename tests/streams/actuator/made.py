"""Commands, routers and an executor to give them to."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack, AckResult, Action, Command
from kedge.schemas.signing import signed_bytes
from kedge.streams.actuator.executor import Executor, Setting, supported
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, Router
from kedge.streams.actuator.rules import Duty
from kedge.streams.actuator.store import Store
from kedge.streams.core.commands import CommandName
from kedge.streams.core.trusting import Verifier
from kedge.streams.trust import KeyRing, SigningKey

NOW: Final = 4_000_000_000_000
"""Later than anything that these tests do to files."""
KEY: Final = SigningKey.generate()
RING: Final = KeyRing([KEY.public_pem()])
CODEC: Final = Codec()

_PLAIN: Final = Command(
    command_id="",
    environment="test",
    model="delay",
    incident="i-1",
    action=Action.ROUTE_TO_SAFE_PATH,
    from_version="v2",
    target_version="v1",
    attempt=0,
    cancels="",
    sequence=7,
    issued_at=NOW - 1_000,
    expires_at=NOW + 300_000,
    drill=False,
    evidence_digest="cd" * 32,
    policy_version="0123456789abcdef",
    baseline="fedcba9876543210",
    journal_sequence=12,
    owner="ops",
    escalation=(),
    key_id="",
    signature=b"",
)


def command(key: SigningKey = KEY, **changes: Any) -> Command:
    """A signed command: route `delay` from v2 to v1."""
    made = replace(_PLAIN, **changes)
    name = CommandName(
        made.environment, made.model, made.incident, made.action, made.target_version + made.cancels, made.attempt
    )
    made = replace(made, command_id=changes.get("command_id", name.digest()), key_id=key.key_id)
    return replace(made, signature=key.sign(signed_bytes(made)))


def cancel(other: Command, **changes: Any) -> Command:
    """A signed CANCEL of a command."""
    given = {"action": Action.CANCEL, "target_version": "", "sequence": other.sequence + 1, **changes}
    return command(cancels=other.command_id, model=other.model, **given)


class CountingRouter:
    """Knows its generation; every effect is in `effects`."""

    def __init__(self, version: str = "v2") -> None:
        self.version, self.generation = version, 1
        self.effects: list[str] = []

    def by_hand(self, *versions: str) -> None:
        """Somebody else switches it."""
        for self.version in versions:
            self.generation += 1

    def observe(self) -> Observed:
        return Observed(version=self.version, generation=str(self.generation), standby=("v0", "v1"))

    def switch(self, command: Command, expected: str) -> Observed:
        if expected != str(self.generation):
            raise ConflictError("switched meanwhile")
        if not command.drill:
            self.effects.append(command.target_version)
            self.by_hand(command.target_version)
        return self.observe()


class FreezingRouter(CountingRouter):
    """Freezes too, and knows whether it is frozen."""

    frozen = False

    def observe(self) -> Observed:
        return replace(super().observe(), frozen=self.frozen)

    def freeze(self, command: Command) -> None:
        self.effects.append("freeze" + " drill" * command.drill)
        self.frozen = not command.drill

    def resume(self, command: Command) -> None:
        self.effects.append("resume" + " drill" * command.drill)
        self.frozen = self.frozen and command.drill


@dataclass(kw_only=True)
class Given:
    """What an executor is made with; `now_ms` may be set on."""

    store: Path
    router: Router
    verifier: Verifier = RING
    now_ms: int = NOW
    timeout_s: float = 20.0
    asked: frozenset[Action] | None = None
    models: tuple[str, ...] = ("delay",)

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """One process's life."""
        with Store(self.store, "test") as store:
            yield self.executor(store)

    def executor(self, store: Store) -> Executor:
        routers = dict.fromkeys(self.models, self.router)
        duty = Duty(
            environment="test",
            supported={model: supported(router) for model, router in routers.items()},
            asked=self.asked,
        )
        setting = Setting(
            actuator_id="a-1",
            duty=duty,
            routers=routers,
            verifier=self.verifier,
            clock=lambda: self.now_ms,
            timeout_s=self.timeout_s,
        )
        return Executor(store, setting, CODEC)

    def obey(self, *commands: Command, before: bool = False) -> list[Ack | None]:
        """Start, be given a batch, end; what was answered."""
        with self.open() as executor:
            return obey(executor, commands, before=before)


def obey(executor: Executor, commands: Iterable[Command], *, before: bool = False) -> list[Ack | None]:
    """Give an executor one batch of the log."""
    reads = [executor.read(CODEC.encode(given)) for given in commands]
    known = [read for read in reads if read is not None]
    cancelled = executor.cancelled(known)
    return [executor.handle(read, before=before, cancelled=cancelled) for read in known]


def told(acks: Iterable[Ack | None]) -> list[str | None]:
    """`acked`, or why not; None: no answer."""
    return [None if ack is None else "acked" if ack.result is AckResult.ACKED else ack.reason for ack in acks]
