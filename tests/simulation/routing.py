"""What obeys commands in the simulation: the actuator's own executor, rules and store, beside routers of ours.

One `Actuator.life` is one process; its store and the routers outlast it. It dies between any two of intent, switch,
result and ack.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Ack, Action, Command
from kedge.streams.actuator.executor import Cancelled, Executor, Read, Setting, supported
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, RouterError
from kedge.streams.actuator.rules import Duty, Entry, Result
from kedge.streams.actuator.store import Store
from tests.simulation.log import Log
from tests.support.means import HashVerifier

BAD: Final = "v2"
SAFE: Final = "v1"

Chance = Callable[[str, float], bool]
"""Whether something bad, by its name, happens here."""


class DiedError(BaseException):
    """The process ends here, whatever was to come."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A command that moved traffic. `known`: end of the control partition as it was read by then."""

    command: Command
    known: int


@dataclass(eq=False)
class SimRouter:
    """Routes one model; somebody may redeploy by hand, and an answer may be lost."""

    chance: Chance
    version: str = BAD
    generation: int = 1
    frozen: bool = False
    known: int = 0
    effects: list[Effect] = field(default_factory=list)

    def by_hand(self, version: str) -> None:
        """Switch, whoever it is."""
        self.version = version
        self.generation += 1

    def observe(self) -> Observed:
        """Say all but since when: so it is the generation alone that tells."""
        return Observed(version=self.version, generation=str(self.generation), standby=(SAFE,), frozen=self.frozen)

    def switch(self, command: Command, expected: str) -> Observed:
        """Compare and switch in one."""
        if self.chance("redeployed before the switch", 0.1):
            self.by_hand(BAD)
        if expected != str(self.generation):
            raise ConflictError("switched meanwhile")
        if self.chance("the router fails", 0.05):
            raise RouterError("it does not want to")
        if not command.drill:
            self.effects.append(Effect(command, self.known))
            self.by_hand(command.target_version)
        if self.chance("the router's answer is lost", 0.05):
            raise RouterError("no answer")
        return self.observe()

    def freeze(self, command: Command) -> None:
        """Freeze."""
        self.frozen = self.frozen or not command.drill

    def resume(self, command: Command) -> None:
        """Resume."""
        self.frozen = self.frozen and command.drill


class MortalStore(Store):
    """The store, in memory; the process may die before or after any of its writes. `chance` is set by the world."""

    chance: Chance

    def intend(self, command: Command, generation: str) -> None:
        """Die between intent and switch, at times."""
        super().intend(command, generation)
        self.die("died between intent and switch")

    def settle(self, command: Command, result: Result, now_ms: int) -> Entry:
        """Die between switch and result or between result and ack, at times."""
        self.die("died between switch and result")
        entry = super().settle(command, result, now_ms)
        self.die("died between result and ack")
        return entry

    def die(self, where: str) -> None:
        """End the process, at times."""
        if self.chance(where, 0.25):
            raise DiedError(where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an actuator lives."""

    log: Log
    random: Random
    environment: str
    chance: Chance
    routers: Mapping[str, SimRouter]


class Actuator:
    """One actuator for all models; `life` is one process of it."""

    def __init__(self, place: Place, make_store: type[MortalStore]) -> None:
        self._place, self._make_store = place, make_store
        self._codec = Codec()
        self.store = self._new_store()

    def lose_store(self) -> None:
        """Begin a new store: what was obeyed is forgotten."""
        self.store.close()
        self.store = self._new_store()

    def is_done(self) -> bool:
        """Return whether everything committed was handled."""
        return all(
            (self.store.position(p.number) or 0) >= p.stable or not p.read(self.store.position(p.number) or 0, 1)[0]
            for p in self._place.log.topics["control"]
        )

    def life(self) -> Iterator[None]:
        """Yield between any two steps; end by `DiedError`."""
        executor = Executor(self.store, self._setting(), self._codec)
        for partition in self._place.log.topics["control"]:
            if self.store.position(partition.number) is None:
                self.store.begin(partition.number, 0, partition.high)
        while True:
            yield from self._poll(executor, self._place.random.randrange(len(self._place.log.topics["control"])))
            if self._place.chance("heartbeat", 0.1):
                self._send(executor.heartbeat(self._place.random.choice(sorted(self._place.routers))))
            yield

    def _poll(self, executor: Executor, number: int) -> Iterator[None]:
        """Take what lies there up to the end, in order; an ack is kept before the position goes past its command."""
        partition = self._place.log.topics["control"][number]
        entries, _ = partition.read(self.store.position(number) or 0, partition.high)
        for router in self._place.routers.values():
            router.known = partition.stable
        reads = [(entry.offset, executor.read(entry.value or b"")) for entry in entries]
        cancelled = executor.cancelled(read for _, read in reads if read is not None)
        for offset, read in reads:
            ack = self._handle(executor, read, offset, cancelled)
            yield
            if ack is not None:
                self._send(ack)
            yield
            self.store.advance(number, offset + 1)

    def _handle(self, executor: Executor, read: Read | None, offset: int, cancelled: Cancelled) -> Ack | None:
        if read is None:
            return None
        partition = self._place.log.place("control", read.command.model.encode(), None).number
        return executor.handle(read, before=offset < self.store.begun_at(partition), cancelled=cancelled)

    def _send(self, ack: Ack) -> None:
        for _ in range(1 + self._place.chance("ack twice", 0.1)):
            key = ack.model.encode()
            acks = self._place.log.topics["acks"]
            acks[partition_for(key, len(acks))].append(key, self._codec.encode(ack))

    def _setting(self) -> Setting:
        actions = {model: supported(router) for model, router in self._place.routers.items()}
        return Setting(
            actuator_id="router-1",
            duty=Duty(environment=self._place.environment, supported=actions),
            routers=self._place.routers,
            verifier=HashVerifier(),
            clock=lambda: self._place.log.clock.now,
            timeout_s=60.0,
        )

    def _new_store(self) -> MortalStore:
        store = self._make_store(Path(":memory:"), self._place.environment)
        store.chance = self._place.chance
        return store


def moved(effects: list[Effect]) -> list[Command]:
    """Return the rollbacks among what took effect."""
    return [effect.command for effect in effects if effect.command.action is Action.ROUTE_TO_SAFE_PATH]
