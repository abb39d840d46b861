"""The simulated deployment: workers with their owners, senders, a log, and everything that can go wrong.

One seed is one run. Each step lets one thing happen; which one, and how long it took, is the seed's choice.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from kedge.schemas.codec import Codec
from kedge.streams.core.instructions import Core
from tests.simulation.events import Told, encoded
from tests.simulation.log import Clock, Fault, FencedError, Log
from tests.simulation.owner import Agent, Owner, Surroundings
from tests.simulation.recount import Arrival
from tests.simulation.setting import CHANGE_MS, FUTURE_MS, LATENESS_MS, PANE_MS
from tests.simulation.traffic import Posted, Senders

AGENTS: Final = (
    Agent(name="tally", sources=("predictions", "outcomes"), stands=True),
    Agent(name="judge", sources=("partials",), stands=False),
    Agent(name="guard", sources=("reports",), stands=True),
)
STEPS: Final = 280
WORKERS: Final = 3
CALM_WINDOWS: Final = 3
QUIET_ROUNDS: Final = 2
QUIET_STEPS: Final = 12
CLOCK_MARGIN_MS: Final = 120_000

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


class World:
    """One run; `run` it, then look at `log` and `arrivals`."""

    def __init__(self, seed: int, make_core: MakeCore, make_owner: MakeOwner = Owner) -> None:
        self.random = Random(seed)
        self.partitions = self.random.randint(1, 3)
        self.clock = Clock(CHANGE_MS - self.random.randrange(40_000, 360_000))
        topics = {
            "predictions": self.partitions,
            "outcomes": self.partitions,
            "tally_state": self.partitions,
            "dead_letters": 1,
        }
        judged = self.random.randint(1, 2)
        topics |= dict.fromkeys(("partials", "judge_state"), judged)
        guarded = self.random.randint(1, 2)
        topics |= dict.fromkeys(("reports", "guard_state", "control", "alerts", "journal"), guarded)
        self.log = Log(topics, self.clock, self._fault)
        self.senders = Senders(self.random, self.partitions)
        self.workers = [Worker(self.random.randint(-2_000, 2_000)) for _ in range(WORKERS)]
        self.arrivals: list[Arrival] = []
        self.closed_at = 0
        """Event time of the senders' last word."""
        self.trouble = True
        self.happened = Counter[str]()
        self._codec = Codec()
        self._make_core = make_core
        self._make_owner = make_owner
        self._owners: dict[Place, Life] = {}
        self._places = [(agent, number) for agent in AGENTS for number in range(topics[agent.sources[0]])]

    def run(self) -> None:
        """Trouble first; then peace, until everything is counted, closed, sealed and judged."""
        for _ in range(STEPS):
            self._step()
        self.trouble = False
        self._settle()
        for _ in range(CALM_WINDOWS):
            self.clock.now += 2 * PANE_MS
            for posted in self.senders.calm_down(self.clock.now):
                self._arrive(posted)
        # The senders' last word, far past everything else: what came before it is sealed.
        self.clock.now += 2 * FUTURE_MS + LATENESS_MS
        for posted in self.senders.close(self.clock.now):
            self._arrive(posted)
        self.closed_at = self.clock.now
        self._settle()
        # What waits for its other half is given up once a clock that may be wrong says that outcomes were read so far.
        self.clock.now += CLOCK_MARGIN_MS
        self._settle()

    def _step(self) -> None:
        self.clock.now += int(self.random.expovariate(1 / 350))
        kind = self.random.random()
        if kind < 0.25:
            self.senders.post(self.clock.now)
        elif kind < 0.28:
            self._trouble()
        elif kind < 0.33:
            self._keep_house()
        else:
            self._someone_goes_on()
        for posted in self.senders.arrived(self.clock.now):
            self._arrive(posted)

    def _arrive(self, posted: Posted) -> None:
        message = posted.message
        value = self._codec.encode(encoded(message)) if posted.garbage is None else posted.garbage
        topic = "outcomes" if isinstance(message, Told) else "predictions"
        entry = self.log.topics[topic][posted.partition].append(None, value)
        known = message if posted.garbage is None else None
        self.arrivals.append(Arrival(posted.partition, entry.offset, entry.timestamp, known))

    def _someone_goes_on(self) -> None:
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

    def _trouble(self) -> None:
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
        core = self._make_core(agent.name, number, self.log)
        around = Surroundings(log=self.log, random=self.random, clock_error_ms=worker.clock_error_ms)
        owner = self._make_owner(agent, number, core, around)
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

    def _keep_house(self) -> None:
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

    def _settle(self) -> None:
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
                for life in list(self._owners.values()):
                    if life in self._owners.values():
                        self._go_on(life)
                self.clock.now += 50
                self.log.settle_some(lambda: True)
            done = all(place in self._owners and self._owners[place].owner.is_done(end) for place, end in ends.items())
            quiet = quiet + 1 if done and decided == self._decided() else 0

    def _decided(self) -> list[int]:
        """How much has left for good; progress is told for ever."""
        return [partition.high for topic in ("reports", "journal") for partition in self.log.topics[topic]]

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
