"""What a core tells the shell to do, and what every core can do.

A core never acts: it takes records in and hands out one `Checkpoint` at a time, which the shell
commits as one Kafka transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from kedge.streams.core.record import Record

__all__ = [
    "POSITION_KEY",
    "STATE",
    "Checkpoint",
    "Core",
    "Observation",
    "StandingCore",
    "TickingCore",
    "TopologyMismatchError",
    "Write",
    "source_of",
]

STATE: Final = "state"
"""Logical topic of a core's own state: the shell knows which topic and partition that is."""

POSITION_KEY: Final = b"position"
"""Key of the state's own record; written last in every checkpoint."""


class TopologyMismatchError(Exception):
    """The state was made for other partition counts or another environment; it must not be used."""


@dataclass(frozen=True, slots=True)
class Write:
    """One record to produce.

    `topic` is a logical name (`partials`, `reports`, …, or `STATE`). `partition` None: by murmur2
    of the key.
    """

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One transaction: state, output and position together.

    `committed` is the core's at that moment: logical source topic to the last offset contained.
    """

    writes: tuple[Write, ...]
    committed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing worth counting: a metric's name, its labels, and by how much or to what."""

    name: str
    labels: Mapping[str, str]
    value: float


def source_of(record: Record) -> str:
    """Return the logical topic that a record lies in: the end of its full name, which has no dot.

    An agent with several sources tells their records apart by it.
    """
    return record.topic.rpartition(".")[2]


class Core(Protocol):
    """One agent's logic and state for one partition of each of its sources."""

    @property
    def committed(self) -> Mapping[str, int]:
        """Logical source topic to the last offset contained; absent: none yet."""

    @property
    def due(self) -> bool:
        """Output is waiting: checkpoint now."""

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the state partition in, in order; None is a tombstone."""

    def restored(self) -> None:
        """All of the state was given; raises `TopologyMismatchError`."""

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        """Take records of any of the sources in, in order of offset within each (`source_of` tells which).

        Between two sources there is no order. Never raises for what a sender wrote.
        """

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return all changes since the last snapshot, as of one offset; None: nothing to write."""

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""


@runtime_checkable
class StandingCore(Protocol):
    """A core that wants to know when it stands at the end of its logs.

    A round of the shell is: `tick` (where there is one), then the ends are fetched, then `stand`, then `snapshot`.
    Records may be folded while the ends are fetched. So what was decided by the time of `tick` was decided before
    the ends were asked for, and what came later may not have been.
    """

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        """Each source's log, by its logical name, ended there just now: the offset of the next record (0: empty).

        A transaction's marker at the end of a log is no record, and is known for one only when all before it has been
        read: until then the end may be told too high, by that, and a later call tells it right. So a core that waits
        for an end has reached it also when it stands at the end of a later call. Not called while the cluster gives
        no answer.
        """


@runtime_checkable
class TickingCore(Protocol):
    """A core for which time passes by itself."""

    def tick(self, now_ms: int) -> None:
        """The wall clock says `now_ms`; called before each snapshot, about once a second."""
