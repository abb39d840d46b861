"""The protections of the counting, each removed by itself; the simulation must turn red without any of them."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Final

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import WindowSpec
from kedge.streams.core import join_buffer
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dedupe import EventIdStore
from kedge.streams.core.instructions import STATE, Checkpoint, Core, Write
from kedge.streams.core.intake import Batch
from kedge.streams.core.join_buffer import same
from kedge.streams.core.join_facts import Answer, Fact
from kedge.streams.core.join_store import JoinStore
from kedge.streams.core.judge_model import ModelWindows
from kedge.streams.core.record import Record
from kedge.streams.core.tally import Tally
from kedge.streams.core.tally_state import Clock
from tests.simulation.deployment import CODEC, make_catalog, make_config, make_core
from tests.simulation.log import Log
from tests.simulation.owner import Owner
from tests.simulation.producer import Producer
from tests.simulation.simulate import Parts


class ApartOwner(Owner):
    """Commits output first and state after it, each by itself."""

    def write(self, producer: Producer, snapshot: Checkpoint) -> Iterator[None]:
        leaves = tuple(write for write in snapshot.writes if write.topic != STATE)
        stays = tuple(write for write in snapshot.writes if write.topic == STATE)
        for part in (leaves, stays):
            if part:
                yield from self.commit(producer, part)
                yield


class UnfencedOwner(Owner):
    """Takes a transactional id of its own at every start: nobody is fenced, nothing left open is aborted."""

    def producer(self) -> Producer:
        return Producer(self.around.log, f"{self.agent.name}-{self.partition}-{self.around.random.random()}")


class _HastyOwner(Owner):
    """Asks for the state's end before it fences: what an earlier owner commits in between is not restored."""

    def take_over(self, producer: Producer) -> Iterator[None]:
        end = self.state.stable
        yield
        producer.init()
        yield
        yield from self.restore(end)


class _CarelessOwner(Owner):
    """Takes an aborted checkpoint for a written one."""

    def attempt(self, producer: Producer, writes: tuple[Write, ...]) -> Generator[None, None, bool]:
        yield from super().attempt(producer, writes)
        return True


class _ChunkTally(Tally):
    """Judges rows late by the watermark after the whole chunk."""

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        scout = _Scout(self._config, self._catalog, self._codec)
        self._state.clocks = scout.look_ahead(deepcopy(self._state.clocks), records)
        super().fold(records, now_ms)


class _Scout(Tally):
    """Reads a chunk only to see what the watermarks are after it."""

    def look_ahead(self, clocks: dict[str, Clock], records: Sequence[Record]) -> dict[str, Clock]:
        """Return the clocks as the chunk leaves them."""
        self._state.clocks = clocks
        self.fold(records, 0)
        return self._state.clocks


class _CredulousTally(Tally):
    """Counts a batch that it has seen before."""

    def _admit(self, record: Record, batch: Batch, columns: Columns) -> str | None:
        refused = super()._admit(record, batch, columns)
        return None if refused == "duplicate" else refused


class _ForgetfulIds(EventIdStore):
    """Knows no id of a single event."""

    def knows(self, model: str, event: int) -> bool:
        del model, event
        return False


class _IdlessTally(Tally):
    """Counts a single event that it has seen before."""

    def __init__(self, config: CoreConfig, catalog: Catalog, codec: Codec) -> None:
        super().__init__(config, catalog, codec)
        self._state.ids = _ForgetfulIds()


def _seal_what_is_closed(model: ModelWindows, _sources: Iterable[int], watermark: int, windows: WindowSpec) -> int:
    """Seal by the watermark that closes windows, without waiting for what may still come late."""
    return max(model.sealed_through, watermark - watermark % windows.pane_ms)


def _forget_facts(_store: JoinStore, _place: tuple[str, int], _number: int, _value: bytes | None) -> None:
    """Restore nothing of the requests that are followed."""


def _is_same_answer(fact: Fact, other: Fact) -> bool:
    """Know an answer again, and no outcome."""
    return isinstance(fact, Answer) and same(fact, other)


def _tally(kind: type[Tally]) -> Parts:
    def make(agent: str, partition: int, log: Log) -> Core:
        if agent != "tally":
            return make_core(agent, partition, log)
        return kind(make_config(partition, log), make_catalog(), CODEC)

    return Parts(make_core=make)


def _hasty_judge(patch: pytest.MonkeyPatch) -> Parts:
    patch.setattr(ModelWindows, "current_seal", _seal_what_is_closed)
    return Parts()


def _forgetful_joins(patch: pytest.MonkeyPatch) -> Parts:
    patch.setattr(JoinStore, "_restore_segment", _forget_facts)
    return Parts()


def _credulous_joins(patch: pytest.MonkeyPatch) -> Parts:
    patch.setattr(join_buffer, "same", _is_same_answer)
    return Parts()


MUTATIONS: Final[Mapping[str, Callable[[pytest.MonkeyPatch], Parts]]] = MappingProxyType(
    {
        "atomicity": lambda _patch: Parts(make_owner=ApartOwner),
        "fencing": lambda _patch: Parts(make_owner=UnfencedOwner),
        "fencing before the end is asked for": lambda _patch: Parts(make_owner=_HastyOwner),
        "the same snapshot again after an abort": lambda _patch: Parts(make_owner=_CarelessOwner),
        "the watermark by offset": lambda _patch: _tally(_ChunkTally),
        "deduplication of batches": lambda _patch: _tally(_CredulousTally),
        "deduplication of single events": lambda _patch: _tally(_IdlessTally),
        "the sealing rule": _hasty_judge,
        "restoring the facts of requests": _forgetful_joins,
        "an outcome twice is once": _credulous_joins,
    }
)
"""What is taken away, by name, and how."""
