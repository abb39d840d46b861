"""What an agent is, and what all owners of a worker share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from faust.types import TP

from kedge.streams.core.instructions import Core, Observation
from kedge.streams.names import Agent, Topics
from kedge.streams.settings import Settings
from kedge.streams.worker.cluster import Cluster
from kedge.streams.worker.exits import Die
from kedge.streams.worker.transaction import Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent: whose input it reads, where its state lies, and what makes its core for a partition.

    `source` and `state` are logical topic names. `make_core` is given the partition, and the partition count of
    every topic by its logical name.
    """

    name: Agent
    source: str
    state: str
    make_core: Callable[[int, Mapping[str, int]], Core]


class Observer(Protocol):
    """Who counts what happens to owners (the metrics)."""

    def observed(self, tp: TP, observations: Sequence[Observation]) -> None:
        """What a core noticed."""

    def restored(self, agent: Agent, tp: TP, seconds: float) -> None:
        """A partition was taken over in so many seconds."""

    def checkpointed(self, agent: Agent, tp: TP, seconds: float) -> None:
        """A checkpoint was committed in so many seconds."""

    def retried(self, agent: Agent, retry: Retry) -> None:
        """A step of a transaction was done again."""

    def left(self, tp: TP) -> None:
        """A partition is not ours any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What all owners of a process share. `clock` is the wall clock in milliseconds."""

    settings: Settings
    topics: Topics
    cluster: Cluster
    observer: Observer
    clock: Callable[[], int]
    die: Die
