"""The shell that a core lives in, cut into steps between which anything may happen.

One `Owner` is one life of (agent, partition): take over, restore, seek, then fold, stand and checkpoint until it
is thrown away. It is a generator, so that a crash is: never asking it for its next step.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from kedge.streams.core.instructions import STATE, Checkpoint, Core, StandingCore, TickingCore, Write
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
    sources: tuple[str, ...]
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
        self._sources = {source: around.log.topics[source][partition] for source in agent.sources}
        self.positions = dict.fromkeys(agent.sources, 0)
        """The offset of each source to be read next."""
        self._contained: Mapping[str, int] = {}
        self._writing: Iterator[None] | None = None

    def is_done(self, ends: Mapping[str, int]) -> bool:
        """Return whether everything before the ends is read, and what follows from it has left."""
        if self._writing is not None or self.core.due:
            return False
        if any(self.positions[source] < end for source, end in ends.items()):
            return False
        # Not the ends: a transaction's marker at an end is never folded.
        return not self.agent.stands or self._contained == self.core.committed

    def life(self) -> Iterator[None]:
        """Yield between any two steps."""
        producer = self.producer()
        yield from self.take_over(producer)
        while True:
            if self._writing is None and (self.core.due or self.around.random.random() < 0.3):
                if isinstance(self.core, TickingCore):
                    self.core.tick(self.around.now)
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
        self._contained = dict(self.core.committed)
        self.positions = {source: self._contained.get(source, -1) + 1 for source in self.agent.sources}

    def _checkpoint(self, producer: Producer, snapshot: Checkpoint) -> Iterator[None]:
        yield from self.write(producer, snapshot)
        self._contained = snapshot.committed

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
        source = self.around.random.choice(self.agent.sources)
        fetched = self.around.random.randint(1, FETCH_MAX)
        entries, self.positions[source] = self._sources[source].read(self.positions[source], fetched)
        self.core.fold(entries, self.around.now)
        if self.agent.stands and self.around.random.random() < 0.5:
            asked = self.around.now
            ends = {name: partition.stable for name, partition in self._sources.items()}
            yield
            stand(self.core, ends, asked)


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
