"""What a core tells the shell to do, and what every core can do.

A core never acts: it takes records in and hands out one `Checkpoint` at a time, which the shell
commits as one Kafka transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kedge.streams.core.record import Record

__all__ = ["POSITION_KEY", "STATE", "Checkpoint", "Core", "Observation", "TopologyMismatchError", "Write"]

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
    """One transaction: state, output and position together."""

    writes: tuple[Write, ...]
    committed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing worth counting: a metric's name, its labels, and by how much or to what."""

    name: str
    labels: Mapping[str, str]
    value: float


class Core(Protocol):
    """One agent's logic and state for one partition."""

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
        """Take source records in, in order of offset. Never raises for what a sender wrote."""

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        """Return all changes since the last snapshot, as of one offset; None: nothing to write."""

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
