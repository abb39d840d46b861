"""The simulated deployment that decides and acts: guards, what judges and people tell them, an actuator and routers.

It is lighter than the one that counts, so that hundreds of incidents can be seen: what a judge would say is made up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from kedge.schemas.partition import partition_for
from kedge.schemas.records import ControlKind, OverrideAction, Report, Role, Verdict, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.instructions import Core
from tests.simulation.cluster import Cluster, MakeCore, MakeOwner
from tests.simulation.log import Clock, Log
from tests.simulation.owner import Agent, Owner, Surroundings
from tests.simulation.routing import BAD, SAFE, Actuator, DiedError, MortalStore, Place, SimRouter
from tests.streams.core.made_guard import CODEC, DAWN, LENGTH, Desk, harm
from tests.support.means import guard_means

SOURCES: Final = ("reports", "overrides", "acks")
GUARD: Final = Agent(name="guard", sources=SOURCES, stands=True)
ENVIRONMENT: Final = "test"
MODELS: Final = ("alpha", "beta")
ARMED: Final = """
comparison: {tolerance: 0.1}
actions: {route_to_safe_path: {mode: armed, expires_after: 3m}}
"""
STEPS: Final = 420
CALM_WINDOWS: Final = 3
EXPIRY_MS: Final = 240_000
"""After this nothing that was sent is open any more."""
MISSED_MAX: Final = 4
HOLDS: Final = (OverrideAction.PIN, OverrideAction.SUPPRESS)


@dataclass(slots=True)
class Story:
    """One model: what its judge will tell."""

    desk: Desk
    """Writes the records; its own guard does nothing."""
    harmful_from: int | None
    """The window from which the candidate does harm; None: it never does."""
    drifts: float
    """Share of windows in which features have drifted, of the candidate or of all."""
    told: int = 0


def make_guard(agent: str, partition: int, log: Log) -> Core:
    """Return a fresh core, as a worker makes one when it takes a partition."""
    del agent
    return Guard(guard_config(partition, log), make_catalog(), CODEC, guard_means())


def guard_config(partition: int, log: Log) -> CoreConfig:
    """Return what a guard is told of its place."""
    topology = {topic: len(log.topics[topic]) for topic in (*SOURCES, "control")}
    return CoreConfig(environment=ENVIRONMENT, partition=partition, topology=topology, hash_key=b"simulation")


def make_catalog() -> Catalog:
    """Return the models' monitors."""
    catalog = Catalog()
    for model in MODELS:
        catalog.put_monitor(DESKS[model].monitor)
    return catalog


DESKS: Final = {model: Desk(ARMED, model) for model in MODELS}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardParts:
    """What a run is made of; a mutation puts another part in its place."""

    make_core: MakeCore = make_guard
    make_owner: MakeOwner = Owner
    make_store: type[MortalStore] = MortalStore


class GuardWorld(Cluster):
    """One run; `run` it, then look at `log` and `routers`."""

    telling = ("journal", "control", "acks")

    def __init__(self, seed: int, parts: GuardParts = GuardParts()) -> None:
        random = Random(seed)
        count = random.randint(1, 2)
        topics = dict.fromkeys((*SOURCES, "guard_state", "control", "alerts", "journal"), count)
        super().__init__(random, Clock(DAWN), topics | {"dead_letters": 1}, [GUARD])
        self.people, self.by_hand = random.random() < 0.5, random.random() < 0.4
        self.stories = {model: self._story(model) for model in MODELS}
        self.routers = {model: SimRouter(self._chance) for model in MODELS}
        self._parts = parts
        place = Place(log=self.log, random=random, environment=ENVIRONMENT, chance=self._chance, routers=self.routers)
        self.replayed: list[tuple[int, int]] = []
        """Partition and offset of what somebody copied to the control topic."""
        self._actuator = Actuator(place, parts.make_store)
        self._acting = self._actuator.life()

    def make_owner(self, agent: Agent, partition: int, around: Surroundings) -> Owner:
        """Return a new owner with a core that knows nothing yet."""
        core = self._parts.make_core(agent.name, partition, self.log)
        return self._parts.make_owner(agent, partition, core, around)

    def run(self) -> None:
        """Trouble first; then peace, until everything that was commanded has ended."""
        for _ in range(STEPS):
            self._step()
        self.trouble = False
        self.settle()
        for _ in range(CALM_WINDOWS):
            self.clock.now += LENGTH
            self._judges_tell()
            self.settle()
        self.clock.now += EXPIRY_MS
        self.settle()

    def is_done(self) -> bool:
        """Return whether the actuator has done everything too."""
        return self._actuator.is_done()

    def let_all_go_on(self) -> None:
        """Let every owner and the actuator take a step."""
        super().let_all_go_on()
        self._act()
        self._act()

    def _step(self) -> None:
        self.clock.now += int(self.random.expovariate(1 / 1_500))
        kind = self.random.random()
        if kind < 0.02:
            self.make_trouble()
        elif kind < 0.06:
            self.keep_house()
        elif kind < 0.08:
            self._someone_meddles()
        elif kind < 0.3:
            self._act()
        else:
            self.someone_goes_on()
        self._judges_tell()

    def _someone_meddles(self) -> None:
        model = self.random.choice(MODELS)
        kind = self.random.random()
        if kind < 0.3:
            self._die("the actuator is killed")
        elif kind < 0.4:
            self._actuator.lose_store()
            self._die("the store is lost")
        elif kind < 0.6 and self.by_hand:
            self.happened["redeployed by hand"] += 1
            self.routers[model].by_hand(self.random.choice((BAD, SAFE, "v3")))
        elif kind < 0.7:
            self._repeat_a_command()
        elif self.people:
            self._person(model, self.random.choice((*HOLDS, OverrideAction.RELEASE)))

    def _repeat_a_command(self) -> None:
        """Somebody copies an old command to the control topic; nobody signs for that."""
        partition = self.random.choice(self.log.topics["control"])
        entries = partition.read(0, partition.high)[0]
        if entries:
            self.happened["replayed"] += 1
            entry = self.random.choice(entries)
            self.replayed.append((partition.number, partition.append(entry.key, entry.value).offset))

    def _act(self) -> None:
        try:
            next(self._acting)
        except DiedError as error:
            if str(error) == "died between switch and result" and self.by_hand:
                # Whoever acts again now acts on what somebody else has done since.
                for router in self.routers.values():
                    router.by_hand(BAD)
            self._acting = self._actuator.life()

    def _die(self, why: str) -> None:
        self.happened[why] += 1
        self._acting = self._actuator.life()

    def _chance(self, what: str, probability: float) -> bool:
        if not self.trouble or (what.startswith("redeployed") and not self.by_hand):
            return False
        happens = self.random.random() < probability
        self.happened[what] += happens
        return happens

    def _person(self, model: str, action: OverrideAction) -> None:
        desk = self.stories[model].desk
        desk.now = self.clock.now
        lasts = self.random.choice((20_000, 120_000, 600_000))
        name = f"{action.value} {self.clock.now}"
        said = desk.override(action, override_id=name, target_version=SAFE, expires_at=self.clock.now + lasts)
        self.happened[action.value] += 1
        self._append("overrides", model, CODEC.encode(said))

    def _append(self, topic: str, model: str, value: bytes) -> None:
        key = model.encode()
        self.log.topics[topic][partition_for(key, len(self.log.topics[topic]))].append(key, value)

    # -- what judges tell --------------------------------------------------------------------------------------------

    def _story(self, model: str) -> Story:
        desk = Desk(ARMED, model)
        harmful = self.random.randint(2, 6) if self.random.random() < 0.6 else None
        return Story(desk, harmful, self.random.choice((0.0, 0.0, 0.5)))

    def _judges_tell(self) -> None:
        for model, story in self.stories.items():
            # Who was away for hours tells of the newest windows only.
            missed = (self.clock.now - story.desk.window) // LENGTH - MISSED_MAX
            story.desk.window += max(0, missed) * LENGTH
            while story.desk.window + LENGTH <= self.clock.now:
                for report in self._window(model, story):
                    self._append("reports", model, CODEC.encode(report))
                story.desk.window += LENGTH
                story.told += 1

    def _window(self, model: str, story: Story) -> Iterator[Report | VersionReport]:
        """Tell of all that serves in a window; people may have spoken just before."""
        if self.trouble and self.random.random() < 0.05:
            return
        desk, harms = story.desk, story.harmful_from is not None and story.told >= story.harmful_from
        is_drifted, common = self.random.random() < story.drifts, self.random.random() < 0.5
        yield desk.drifted(SAFE) if is_drifted and common else desk.report(SAFE)
        if self.routers[model].version != BAD:
            return
        yield desk.drifted(BAD, role=Role.CANARY) if is_drifted else desk.report(BAD, role=Role.CANARY)
        if harms and self.people and self.trouble and self.random.random() < 0.4:
            self._person(model, self.random.choice(HOLDS))
        yield _harmful(desk) if harms else _harmless(desk)


def _harmful(desk: Desk) -> VersionReport:
    return desk.version_report()


def _harmless(desk: Desk) -> VersionReport:
    calm = replace(harm(), verdict=Verdict.STABLE, rate=0.01, events=5, change=0.0, log_evidence=0.0)
    return desk.version_report(
        harms=(calm,), verdict=Verdict.STABLE, error_share=0.01, control_kind=ControlKind.CONCURRENT
    )
