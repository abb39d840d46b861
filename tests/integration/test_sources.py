"""An owner of several sources on a real broker: each is read on from its own offset, and one state holds them all."""

import logging
import re
import signal
import threading
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined] # it is the documented place

from kedge.schemas.codec import Codec
from kedge.streams.names import Agent
from kedge.streams.schemas import Schemas
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.cluster import Cluster
from kedge.streams.worker.exits import die
from kedge.streams.worker.reader import Feed, FeedReader
from tests.support import rides
from tests.support.kafka import Broker
from tests.support.service import Service
from tests.support.shell import PARTITIONS, Seen, Source
from tests.support.stage import MODELS, Stage

NOON_MS = 1_700_000_040_000
MINUTE_MS = 60_000


def until_all(seen: Seen, sources: dict[str, Source], *, timeout_s: float = 60) -> None:
    for name, source in sources.items():
        seen.until(source.expected(), source=name, timeout_s=timeout_s)
    seen.check_history()


def test_each_source_is_read_on_from_its_own_offset_after_a_crash(stage: Stage) -> None:
    sources, seen = stage.open_all(Agent.TALLY)
    predictions, outcomes = sources.values()
    worker = stage.worker("w1")
    for part in range(2):
        predictions.send(20_000)
        outcomes.send(300 + part)
        seen.at_least(seen.total() + 5_000)
        worker.process.send_signal(signal.SIGKILL)
        worker.start_again()
    predictions.send(1_000)
    outcomes.send(7_000)
    until_all(seen, sources)
    worker.process.send_signal(signal.SIGKILL)
    worker.start_again()
    ends = [source.expected()[0][0] for source in (predictions, outcomes)]
    worker.says("tally 0: restored .*goes on at {} of predictions, {} of outcomes".format(*ends))


def test_two_workers_each_own_the_same_numbers_of_both_sources(stage: Stage) -> None:
    sources, seen = stage.open_all(Agent.TALLY)
    workers = [stage.worker("w1"), stage.worker("w2")]
    for worker in workers:
        worker.says("counting 2 partitions")
    for source in sources.values():
        source.send(2_000)
    until_all(seen, sources)
    for worker in workers:
        held = [line for line in worker.messages() if line.startswith("assigned: ")][-1]
        numbers = {name: re.findall(rf"\.{name} (\d)", held) for name in sources}
        assert len(numbers["predictions"]) == PARTITIONS // 2
        assert numbers["outcomes"] == numbers["predictions"]


def test_a_zombie_guard_is_fenced_and_only_its_successor_is_heard(stage: Stage) -> None:
    sources, seen = stage.open_all(Agent.GUARD)
    busy = {"TEST_AGENT": "guard", "TEST_FILLER": "3000"}
    zombie = stage.worker("w1", **busy, KEDGE_CHECKPOINT_SECONDS="0.05")
    zombie.says(f"counting {MODELS} partitions")
    held = stage.stopped_inside_a_transaction(zombie, Agent.GUARD, *sources.values())
    before = seen.total()
    heir = stage.worker("w2", **busy)
    heir.says(f"counting {MODELS} partitions", timeout_s=60)
    for source in sources.values():
        source.send(1_000)
    until_all(seen, sources)
    zombie.process.send_signal(signal.SIGCONT)
    assert zombie.process.wait(60) == 70
    assert "guard" in zombie.messages()[-1]
    assert "fenced" in zombie.messages()[-1]
    assert held
    assert seen.total() > before
    until_all(seen, sources)


def test_what_a_guard_has_to_say_leaves_once_though_the_broker_goes_away(own_stage: Stage) -> None:
    own_stage.broker.start()
    sources, seen = own_stage.open_all(Agent.GUARD)
    worker = own_stage.worker("w1", TEST_AGENT="guard", TEST_FILLER="2000").restarted()
    for source in sources.values():
        source.send(20_000)
    seen.at_least(1_000)
    known = len(worker.messages())
    own_stage.broker.kill()
    worker.misses_its_broker(known)
    own_stage.broker.restart()
    for source in sources.values():
        source.send(1_000)
    until_all(seen, sources, timeout_s=120)
    assert worker.end() == 0


@pytest.mark.parametrize("grown", ["outcomes", "tally_state"])
def test_topics_of_unequal_partition_counts_are_refused_at_the_start(stage: Stage, grown: str) -> None:
    stage.create_topics()
    topic, admin = stage.topics.of(grown), stage.broker.admin()
    admin.create_partitions([NewPartitions(topic, PARTITIONS + 1)])[topic].result(20)
    worker = stage.worker("w1")
    assert worker.process.wait(30) == 1
    assert "the topics of tally must have one partition count" in worker.messages()[-1]
    assert f"{grown} has {PARTITIONS + 1}" in worker.messages()[-1]


def test_a_state_that_a_newer_release_wrote_ends_the_worker_with_what_to_do(
    kafka: Broker, environment: str, tmp_path: Path
) -> None:
    service = Service(kafka, environment, tmp_path)
    service.open(rides.monitor(), None)
    producer = service.producer()
    # Avro's single-object encoding, by a schema that nobody has yet.
    producer.produce(service.topics.guard_state, b"\xc3\x01" + 8 * b"\x07" + b"body", b"model", partition=0)
    assert producer.flush(20) == 0
    worker = service.worker("w1")
    try:
        assert worker.process.wait(30) == 1
    finally:
        service.end()
    assert "the state of guard 0 holds a record that this release cannot read" in worker.messages()[-1]


def test_a_feed_goes_back_so_far_in_time_and_no_further(stage: Stage) -> None:
    stage.create_topics()
    kafka = KafkaSettings(brokers=stage.broker.bootstrap, environment=stage.environment)
    topic, found = stage.topics.control, list[bytes | None]()
    producer = Producer(kafka.client())
    for minute in range(30):
        producer.produce(topic, b"%d" % minute, partition=0, timestamp=NOON_MS + minute * MINUTE_MS)
    producer.produce(topic, b"old", partition=1, timestamp=NOON_MS)
    assert producer.flush(20) == 0
    feed = Feed(topics=("control",), sink=lambda _, __, value: found.append(value), back_ms=10 * MINUTE_MS)
    cluster = Cluster(kafka)
    counts, schemas = cluster.partitions([topic]), Schemas(Codec(), logging.getLogger("test"))
    reader = FeedReader(kafka, feed, schemas, die)
    count = reader.load(cluster, counts, NOON_MS + 29 * MINUTE_MS, stopping=threading.Event())
    assert found == [b"%d" % minute for minute in range(19, 30)]
    assert count == len(found)
