"""What an agent is, and what all owners of a worker share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kedge.streams.core.instructions import Core, Observation
from kedge.streams.names import Agent, Topics
from kedge.streams.schemas import Schemas
from kedge.streams.settings import Settings
from kedge.streams.worker.cluster import Cluster
from kedge.streams.worker.exits import Die
from kedge.streams.worker.transaction import Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent: what it reads, where its state lies, and what makes its core for a partition.

    Args:
        name: whose transactions they are.
        sources: the logical topics that it reads, the leading one first. An owner has one partition number of all.
        state: the logical topic of its state.
        beside: logical topics that must have as many partitions as the sources, though it does not read them.
        make_core: is given the partition, and the partition count of every topic by its logical name.
    """

    name: Agent
    sources: tuple[str, ...]
    state: str
    beside: tuple[str, ...] = ()
    make_core: Callable[[int, Mapping[str, int]], Core]


class Seat(NamedTuple):
    """What one owner owns: an agent's partition number."""

    agent: Agent
    partition: int

    def __str__(self) -> str:
        return f"{self.agent} {self.partition}"


class Observer(Protocol):
    """Who counts what happens to owners (the metrics)."""

    def observed(self, seat: Seat, observations: Sequence[Observation]) -> None:
        """What a core noticed."""

    def restored(self, seat: Seat, seconds: float) -> None:
        """A partition was taken over in so many seconds."""

    def checkpointed(self, seat: Seat, seconds: float) -> None:
        """A checkpoint was committed in so many seconds."""

    def retried(self, agent: Agent, retry: Retry) -> None:
        """A step of a transaction was done again."""

    def left(self, seat: Seat) -> None:
        """A partition is not ours any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all owners of a process share. `clock` is the wall clock in milliseconds."""

    settings: Settings
    topics: Topics
    cluster: Cluster
    observer: Observer
    schemas: Schemas
    clock: Callable[[], int]
    die: Die
