"""One owner's round, and assignments that do not fit together, without a broker."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, cast

import pytest
from confluent_kafka import TopicPartition
from faust.types import TP
from prometheus_client import CollectorRegistry

from kedge.schemas.codec import Codec
from kedge.streams.core.instructions import Checkpoint, Observation
from kedge.streams.core.record import Record
from kedge.streams.names import SOURCES, Agent, Topics
from kedge.streams.schemas import Schemas
from kedge.streams.settings import KafkaSettings, Settings
from kedge.streams.worker.cluster import Cluster
from kedge.streams.worker.exits import CRASHED, FAILED
from kedge.streams.worker.means import AgentSpec, Means
from kedge.streams.worker.owner import Owner
from kedge.streams.worker.owners import Owners
from kedge.streams.worker.takeover import Taken
from kedge.streams.worker.telemetry import Telemetry
from kedge.streams.worker.transaction import TransactionalWriter

KAFKA = KafkaSettings(brokers="127.0.0.1:1", environment="e")
ENDS = {"reports": 7, "overrides": 3, "acks": 0}


@dataclass
class Diary:
    """A core of all kinds, and the cluster that it stands in: what was called, in order."""

    calls: list[str] = field(default_factory=list)
    committed: Mapping[str, int] = field(default_factory=dict)
    due: bool = False

    def restore(self, key: bytes, value: bytes | None) -> None:
        raise NotImplementedError

    def restored(self) -> None:
        raise NotImplementedError

    def fold(self, records: Sequence[Record], now_ms: int) -> None:
        raise NotImplementedError

    def tick(self, now_ms: int) -> None:
        self.calls.append(f"tick {now_ms}")

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        self.calls.append(f"stand {dict(ends)} {now_ms}")

    def snapshot(self, now_ms: int) -> Checkpoint | None:
        self.calls.append(f"snapshot {now_ms}")
        return None

    def drain(self) -> list[Observation]:
        return []


class FixedCluster(Cluster):
    """Answers at once."""

    def __init__(self, diary: Diary) -> None:
        super().__init__(KAFKA)
        self._diary = diary
        self.counts: dict[str, int] = {}

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        return {topic: self.counts.get(topic, 2) for topic in topics}

    def stable_ends(self, partitions: Iterable[TopicPartition]) -> dict[tuple[str, int], int]:
        self._diary.calls.append("ends")
        return {(log.topic, log.partition): ENDS[log.topic.rpartition(".")[2]] for log in partitions}


def means(diary: Diary) -> Means:
    def die(reason: str, *, code: int = CRASHED) -> NoReturn:
        raise AssertionError(reason, code)

    return Means(
        settings=Settings(kafka=KAFKA),
        topics=Topics(KAFKA.environment),
        cluster=FixedCluster(diary),
        observer=Telemetry(CollectorRegistry(), lambda: 0),
        schemas=Schemas(Codec(), logging.getLogger("test")),
        clock=lambda: 5,
        die=die,
    )


def guard(diary: Diary) -> AgentSpec:
    return AgentSpec(name=Agent.GUARD, sources=SOURCES[Agent.GUARD], state="guard_state", make_core=lambda _, __: diary)


def test_a_round_ticks_before_it_asks_for_the_ends_and_stands_before_it_takes_the_snapshot() -> None:
    """A command that was decided by the tick is sure that the ends were fetched after its decision."""
    diary = Diary()
    owner = Owner(guard(diary), 1, means(diary))
    writer = cast("TransactionalWriter", None)  # nothing is written
    asyncio.run(owner._checkpoint(Taken(diary, writer, {}, 0)))  # noqa: SLF001 - one round, without its timer
    assert diary.calls == ["tick 5", "ends", f"stand {ENDS} 5", "snapshot 5"]


async def taken(diary: Diary, *assigned: TP, **counts: int) -> Owners:
    """Owners after an assignment, and what it led to."""
    shared = means(diary)
    cast("FixedCluster", shared.cluster).counts = {shared.topics.of(name): count for name, count in counts.items()}
    owners = Owners([guard(diary)], shared)
    owners.assigned(frozenset(assigned))
    taking = owners._taking  # noqa: SLF001 - nobody waits for it but a revoke
    assert taking is not None
    await taking
    return owners


def test_a_number_of_which_another_worker_has_a_part_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    owners = asyncio.run(taken(Diary(), TP("e.kedge.reports", 0), TP("e.kedge.acks", 0)))
    assert not owners.ready
    assert "guard 0 waits: other workers have some of reports, overrides, acks" in caplog.text


def test_a_topic_that_was_widened_alone_ends_the_worker_for_good() -> None:
    with pytest.raises(AssertionError, match=r"the topics of guard must have one .*acks has 3.*") as ended:
        asyncio.run(taken(Diary(), TP("e.kedge.reports", 0), acks=3))
    assert ended.value.args[1] == FAILED
