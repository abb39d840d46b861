"""The shell that a core lives in, cut into steps between which anything may happen.

One `Owner` is one life of (agent, partition): take over, restore, seek, then fold, stand and checkpoint until it
is thrown away. It is a generator, so that a crash is: never asking it for its next step.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from kedge.streams.core.instructions import STATE, Checkpoint, Core, StandingCore, Write
from tests.simulation.log import AbortRequiredError, Log, TimedOutError
from tests.simulation.producer import Producer

FETCH_MAX: Final = 12
RESTORE_FETCH: Final = 25
PAUSES: Final = 2
"""Steps, about, in which a transaction's records are produced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent's name, what it reads, and whether it says when it stood at the end."""

    name: str
    source: str
    stands: bool

    @property
    def state(self) -> str:
        return f"{self.name}_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where an owner lives: the log, the simulation's randomness, and its worker's wrong clock."""

    log: Log
    random: Random
    clock_error_ms: int

    @property
    def now(self) -> int:
        return self.log.clock.now + self.clock_error_ms


class Owner:
    """One life of an agent's partition."""

    def __init__(self, agent: Agent, partition: int, core: Core, around: Surroundings) -> None:
        self.agent = agent
        self.partition = partition
        self.core = core
        self.around = around
        self.retired = False
        """Its worker knows that the partition has gone elsewhere."""
        self.restored = False
        self.state = around.log.topics[agent.state][partition]
        self._source = around.log.topics[agent.source][partition]
        self.position = 0
        """The source offset to be read next."""
        self._contained = -1
        self._writing: Iterator[None] | None = None

    def is_done(self, end: int) -> bool:
        """Return whether everything before `end` is read, and what follows from it has left."""
        if self._writing is not None or self.core.due:
            return False
        folded = self.core.committed.get(self.agent.source, -1)  # a transaction's marker at the end is never folded
        return self.position >= end and (not self.agent.stands or self._contained == folded)

    def life(self) -> Iterator[None]:
        """Yield between any two steps."""
        producer = self.producer()
        yield from self.take_over(producer)
        while True:
            if self._writing is None and (self.core.due or self.around.random.random() < 0.3):
                snapshot = self.core.snapshot(self.around.now)
                if snapshot is not None:
                    self._writing = self._checkpoint(producer, snapshot)
            if self._writing is not None and self.around.random.random() < 0.8:
                self._go_on_writing(self._writing)
            else:
                yield from self._read()
            yield

    def take_over(self, producer: Producer) -> Iterator[None]:
        """Fence, then ask for the end, then restore up to it: in this order a dead owner does no harm."""
        producer.init()
        yield
        end = self.state.stable
        yield
        yield from self.restore(end)

    def restore(self, end: int) -> Iterator[None]:
        """Read the state up to `end`, and seek the source to what follows from it."""
        position = 0
        while position < end:
            entries, position = self.state.read(position, RESTORE_FETCH)
            for entry in entries:
                if entry.offset < end:
                    self.core.restore(entry.key or b"", entry.value)
            yield
        self.core.restored()
        self.restored = True
        self._contained = self.core.committed.get(self.agent.source, -1)
        self.position = self._contained + 1

    def _checkpoint(self, producer: Producer, snapshot: Checkpoint) -> Iterator[None]:
        yield from self.write(producer, snapshot)
        self._contained = snapshot.committed.get(self.agent.source, -1)

    def producer(self) -> Producer:
        """Return the transactional producer of this agent and partition."""
        return Producer(self.around.log, f"{self.agent.name}-{self.partition}")

    def write(self, producer: Producer, snapshot: Checkpoint) -> Iterator[None]:
        """Commit one checkpoint as one transaction."""
        yield from self.commit(producer, snapshot.writes)

    def commit(self, producer: Producer, writes: tuple[Write, ...]) -> Iterator[None]:
        """Commit these writes together; a transaction that must be aborted is made again as it was."""
        while not (yield from self.attempt(producer, writes)):
            yield

    def attempt(self, producer: Producer, writes: tuple[Write, ...]) -> Generator[None, None, bool]:
        """Make one transaction; return whether it was committed."""
        producer.begin()
        yield
        try:
            for write in writes:
                self._produce(producer, write)
                if self.around.random.random() < PAUSES / len(writes):
                    yield
            yield
            yield from _until_answered(producer)
        except AbortRequiredError:
            yield
            producer.abort()
            return False
        return True

    def _produce(self, producer: Producer, write: Write) -> None:
        mine = write.topic == STATE
        topic, partition = (self.agent.state, self.partition) if mine else (write.topic, write.partition)
        producer.produce(topic, partition, write.key, write.value)

    def _go_on_writing(self, checkpoint: Iterator[None]) -> None:
        try:
            next(checkpoint)
        except StopIteration:
            self._writing = None

    def _read(self) -> Iterator[None]:
        entries, self.position = self._source.read(self.position, self.around.random.randint(1, FETCH_MAX))
        self.core.fold(entries, self.around.now)
        if self.agent.stands and self.around.random.random() < 0.5:
            asked = self.around.now
            end = self._source.stable
            yield
            stand(self.core, {self.agent.source: end}, asked)


def stand(core: object, ends: Mapping[str, int], now_ms: int) -> None:
    """Tell a tally how far its logs reach."""
    assert isinstance(core, StandingCore)
    core.stand(ends, now_ms)


def _until_answered(producer: Producer) -> Iterator[None]:
    while True:
        try:
            producer.commit()
        except TimedOutError:
            yield
        else:
            return
