"""Workers with their owners over one log, and everything that can go wrong with them; a world says what else happens.

One seed is one run. Each step lets one thing happen; which one, and how long it took, is the seed's choice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from kedge.streams.core.instructions import Core
from tests.simulation.log import Clock, Fault, FencedError, Log
from tests.simulation.owner import Agent, Owner, Surroundings

WORKERS: Final = 3
QUIET_ROUNDS: Final = 2
QUIET_STEPS: Final = 12

Place = tuple[Agent, int]
MakeCore = Callable[[str, int, Log], Core]
MakeOwner = Callable[[Agent, int, Core, Surroundings], Owner]


@dataclass(eq=False, slots=True)
class Life:
    """An owner and how far it has come."""

    owner: Owner
    steps: Iterator[None]


@dataclass(eq=False, slots=True)
class Worker:
    """One process: the owners that live in it, and how wrong its clock is."""

    clock_error_ms: int
    lives: list[Life] = field(default_factory=list)


class Cluster:
    """The workers of some agents; a world adds what they read."""

    telling: tuple[str, ...]
    """Topics that nothing is added to any more once a run is over."""

    def __init__(self, random: Random, clock: Clock, topics: dict[str, int], agents: Sequence[Agent]) -> None:
        self.random = random
        self.clock = clock
        self.log = Log(topics, clock, self._fault)
        self.workers = [Worker(self.random.randint(-2_000, 2_000)) for _ in range(WORKERS)]
        self.trouble = True
        self.happened = Counter[str]()
        self._owners: dict[Place, Life] = {}
        self._places = [(agent, number) for agent in agents for number in range(topics[agent.sources[0]])]

    def make_owner(self, agent: Agent, partition: int, around: Surroundings) -> Owner:
        """Return a new owner, as a worker makes one when it takes a partition."""
        raise NotImplementedError

    def someone_goes_on(self) -> None:
        """Let one owner take a step, or give a partition that nobody has to a worker."""
        lives = [life for worker in self.workers for life in worker.lives]
        unowned = [place for place in self._places if place not in self._owners]
        if unowned and self.random.random() < 0.3:
            self._take(self.random.choice(unowned), self.random.choice(self.workers))
        elif lives:
            self._go_on(self.random.choice(lives))

    def _go_on(self, life: Life) -> None:
        worker = next(worker for worker in self.workers if life in worker.lives)
        try:
            next(life.steps)
        except FencedError:
            self.happened["fenced"] += 1
            # Retired on purpose: nobody's fault. Else this process is the zombie, and it ends.
            if life.owner.retired:
                self._forget(worker, life)
            else:
                self._kill(worker)

    def make_trouble(self) -> None:
        """Kill, move, take twice, or let time pass."""
        kind = self.random.random()
        place = self.random.choice(self._places)
        worker = self.random.choice(self.workers)
        if kind < 0.25:
            self.happened["killed"] += 1
            self._kill(worker)
        elif kind < 0.5 and place in self._owners:
            self.happened["moved"] += 1
            self._retire(self._owners.pop(place))
            self._take(place, worker)
        elif kind < 0.8:
            self.happened["zombie"] += 1
            self._take(place, worker)
        elif kind < 0.97:
            self.clock.now += self.random.randint(0, 25_000)
        else:
            self.happened["leap"] += 1
            self.clock.now += self.random.randint(0, 3 * 3_600_000)

    def _take(self, place: Place, worker: Worker) -> None:
        """Give a partition to a worker; whoever had it before may not know."""
        agent, number = place
        around = Surroundings(log=self.log, random=self.random, clock_error_ms=worker.clock_error_ms)
        owner = self.make_owner(agent, number, around)
        self._owners[place] = Life(owner, owner.life())
        worker.lives.append(self._owners[place])

    def _retire(self, life: Life) -> None:
        """A rebalance that the worker hears of; it may be in the middle of a checkpoint."""
        worker = next(worker for worker in self.workers if life in worker.lives)
        life.owner.retired = True
        if self.random.random() < 0.5:
            self._forget(worker, life)

    def _forget(self, worker: Worker, life: Life) -> None:
        worker.lives.remove(life)
        self._owners = {place: owner for place, owner in self._owners.items() if owner is not life}

    def _kill(self, worker: Worker) -> None:
        for life in list(worker.lives):
            self._forget(worker, life)

    def keep_house(self) -> None:
        """Do what brokers do by themselves: markers, time-outs, compaction."""
        self.log.settle_some(lambda: self.random.random() < 0.7)
        self.log.expire()
        agent, number = self.random.choice(self._places)
        state = self.log.topics[agent.state][number]
        # A restore is much shorter than the time for which a tombstone is kept.
        restoring = any(
            life.owner.agent is agent and life.owner.partition == number and not life.owner.restored
            for worker in self.workers
            for life in worker.lives
        )
        state.compact(self.random.randint(0, state.high), drop_tombstones=not restoring)

    def settle(self) -> None:
        """Let the rightful owners work until nothing changes any more."""
        for worker in self.workers:
            worker.lives = [life for life in worker.lives if life in self._owners.values()]
        quiet = 0
        while quiet < QUIET_ROUNDS:
            decided, ends = self._decided(), self._ends()
            for place in self._places:
                if place not in self._owners:
                    self._take(place, self.random.choice(self.workers))
            for _ in range(QUIET_STEPS):
                self.let_all_go_on()
                self.clock.now += 50
                self.log.settle_some(lambda: True)
            done = all(place in self._owners and self._owners[place].owner.is_done(end) for place, end in ends.items())
            quiet = quiet + 1 if done and self.is_done() and decided == self._decided() else 0

    def is_done(self) -> bool:
        """Return whether what lives beside the workers has come to its end."""
        return True

    def let_all_go_on(self) -> None:
        """Let everyone take a step."""
        for life in list(self._owners.values()):
            if life in self._owners.values():
                self._go_on(life)

    def _decided(self) -> list[int]:
        """How much has left for good; progress is told for ever."""
        return [partition.high for topic in self.telling for partition in self.log.topics[topic]]

    def _ends(self) -> dict[Place, dict[str, int]]:
        return {
            (agent, number): {source: self.log.topics[source][number].stable for source in agent.sources}
            for agent, number in self._places
        }

    def _fault(self, operation: str) -> Fault:
        if not self.trouble:
            return Fault.NONE
        weights = (99, 1, 0, 0) if operation == "produce" else (80, 6, 7, 7)
        fault = self.random.choices(tuple(Fault), weights)[0]
        self.happened[f"{operation}: {fault.name}"] += 1
        return fault
