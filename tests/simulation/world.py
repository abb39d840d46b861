"""The simulated deployment that counts and judges: workers with their owners, and senders."""

from random import Random
from typing import Final

from kedge.schemas.codec import Codec
from tests.simulation.cluster import Cluster, MakeCore, MakeOwner
from tests.simulation.events import Told, encoded
from tests.simulation.log import Clock
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
CALM_WINDOWS: Final = 3
CLOCK_MARGIN_MS: Final = 120_000


class World(Cluster):
    """One run; `run` it, then look at `log` and `arrivals`."""

    telling = ("reports", "journal")

    def __init__(self, seed: int, make_core: MakeCore, make_owner: MakeOwner = Owner) -> None:
        random = Random(seed)
        self.partitions = random.randint(1, 3)
        topics = {
            "predictions": self.partitions,
            "outcomes": self.partitions,
            "tally_state": self.partitions,
            "dead_letters": 1,
        }
        judged = random.randint(1, 2)
        topics |= dict.fromkeys(("partials", "judge_state"), judged)
        guarded = random.randint(1, 2)
        topics |= dict.fromkeys(("reports", "guard_state", "control", "alerts", "journal"), guarded)
        super().__init__(random, Clock(CHANGE_MS - random.randrange(40_000, 360_000)), topics, AGENTS)
        self.senders = Senders(random, self.partitions)
        self.arrivals: list[Arrival] = []
        self.closed_at = 0
        """Event time of the senders' last word."""
        self._codec = Codec()
        self._make_core = make_core
        self._make_owner = make_owner

    def make_owner(self, agent: Agent, partition: int, around: Surroundings) -> Owner:
        """Return a new owner with a core that knows nothing yet."""
        return self._make_owner(agent, partition, self._make_core(agent.name, partition, self.log), around)

    def run(self) -> None:
        """Trouble first; then peace, until everything is counted, closed, sealed and judged."""
        for _ in range(STEPS):
            self._step()
        self.trouble = False
        self.settle()
        for _ in range(CALM_WINDOWS):
            self.clock.now += 2 * PANE_MS
            for posted in self.senders.calm_down(self.clock.now):
                self._arrive(posted)
        # The senders' last word, far past everything else: what came before it is sealed.
        self.clock.now += 2 * FUTURE_MS + LATENESS_MS
        for posted in self.senders.close(self.clock.now):
            self._arrive(posted)
        self.closed_at = self.clock.now
        self.settle()
        # What waits for its other half is given up once a clock that may be wrong says that outcomes were read so far.
        # Who took a partition over on the way begins to wait anew: once more.
        for _ in range(2):
            self.clock.now += CLOCK_MARGIN_MS
            self.settle()

    def _step(self) -> None:
        self.clock.now += int(self.random.expovariate(1 / 350))
        kind = self.random.random()
        if kind < 0.25:
            self.senders.post(self.clock.now)
        elif kind < 0.28:
            self.make_trouble()
        elif kind < 0.33:
            self.keep_house()
        else:
            self.someone_goes_on()
        for posted in self.senders.arrived(self.clock.now):
            self._arrive(posted)

    def _arrive(self, posted: Posted) -> None:
        message = posted.message
        value = self._codec.encode(encoded(message)) if posted.garbage is None else posted.garbage
        topic = "outcomes" if isinstance(message, Told) else "predictions"
        entry = self.log.topics[topic][posted.partition].append(None, value)
        known = message if posted.garbage is None else None
        self.arrivals.append(Arrival(posted.partition, entry.offset, entry.timestamp, known))
