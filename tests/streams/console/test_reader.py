"""The reader on librdkafka's built-in cluster: loading, going on, a broker that is away, faults that stay inside."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from confluent_kafka import Producer
from prometheus_client import CollectorRegistry

from kedge.schemas.codec import Codec
from kedge.schemas.errors import RegistryUnavailableError
from kedge.schemas.records import Report
from kedge.streams.clock import now_ms
from kedge.streams.console.board import RECORDS, Board, Laid
from kedge.streams.console.reader import Meters, Pace, Reader
from kedge.streams.console.situation import Reading
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.metric import as_counter, as_gauge
from kedge.streams.worker.metrics import WORKER_METRICS
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import Deployment
from tests.support.waiting import wait_for

PACE = Pace(ask_s=0.1, look_s=0.1, away_s=0.1, fault_s=0.1, poll_s=0.05)
NOWHERE = KafkaSettings(brokers="127.0.0.1:1", environment="test")


class Slow:
    """A registry that is asked, and answers when the test says so."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def schema(self, schema_id: int) -> str:
        self.asked.set()
        assert self.answers.wait(20)
        raise RegistryUnavailableError(f"no word of {schema_id}")

    def schema_id(self, subject: str, schema: str) -> int:
        raise NotImplementedError


class Fragile(Board):
    """Raises for the record at offset 1, as if we had made a mistake."""

    def take(self, topic: str, value: bytes, laid: Laid) -> None:
        if laid.offset == 1:
            raise ZeroDivisionError
        super().take(topic, value, laid)


@dataclass
class Desk:
    """A reader and what it has read."""

    kafka: KafkaSettings
    board: Board = field(default_factory=lambda: Board(Codec(), lambda _: None))

    def __post_init__(self) -> None:
        self.registry = CollectorRegistry()
        faults = as_counter(WORKER_METRICS["console_faults"], self.registry)
        meters = Meters(faults, as_gauge(WORKER_METRICS["console_heard"], self.registry))
        self.lock = threading.Lock()
        self.reader = Reader(self.kafka, self.board, self.lock, meters, pace=PACE)
        self.reader.start()

    @property
    def reading(self) -> Reading:
        return self.reader.reading

    def told(self, model: str = "delay") -> int:
        return len(self.board.models[model].standing.alerts) if model in self.board.models else 0


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
def started() -> Iterator[list[Reader]]:
    readers: list[Reader] = []
    yield readers
    for reader in readers:
        reader.stop()


def test_what_lies_there_is_read_and_then_what_comes(deployment: Deployment, started: list[Reader]) -> None:
    deployment.put("alerts", "delay", SAMPLES["Alert"])
    deployment.put("reports", "delay", SAMPLES["Report"], b"not ours")
    desk = Desk(deployment.cluster.settings)
    started.append(desk.reader)
    wait_for(lambda: desk.reading.ready, "the end of what lies there")
    assert (desk.told(), desk.reading.done, desk.reading.trouble) == (1, 3, "")
    assert desk.board.unreadable == {"reports": 1}
    deployment.put("acks", "delay", SAMPLES["Ack"])
    wait_for(lambda: desk.board.models["delay"].standing.acks, "what comes")
    first = desk.reading.heard_at or 0
    wait_for(lambda: (desk.reading.heard_at or 0) > first, "a sign of life though nothing comes")
    heard = desk.registry.get_sample_value("kedge_console_heard_timestamp_seconds")
    assert heard is not None
    assert heard * 1_000 >= first


def test_a_broker_that_is_away_is_said_and_tried_again(started: list[Reader]) -> None:
    desk = Desk(NOWHERE)
    started.append(desk.reader)
    words = wait_for(lambda: desk.reading.trouble, "the trouble")
    assert words.startswith("Kafka at 127.0.0.1:1 does not answer")
    assert (desk.reading.ready, desk.reading.heard_at) == (False, None)
    assert desk.registry.get_sample_value("kedge_console_faults_total", {"part": "reader"}) is None


def test_a_fault_of_ours_is_counted_shown_and_left_behind(deployment: Deployment, started: list[Reader]) -> None:
    model = next(name for name in ("a", "b", "c", "d", "e", "f") if deployment.end("overrides", name) == 0)
    deployment.put("overrides", model, *[SAMPLES["Override"]] * 3)
    desk = Desk(deployment.cluster.settings, Fragile(Codec(), lambda _: None))
    started.append(desk.reader)
    wait_for(lambda: desk.reading.ready and not desk.reading.trouble, "the reader to get over it")
    faults = desk.registry.get_sample_value("kedge_console_faults_total", {"part": "reader"})
    assert faults is not None
    assert faults >= 1
    assert len(desk.board.models["delay"].standing.overrides) == 2


def test_a_report_of_a_clock_that_was_ahead_does_not_look_fresh_tomorrow(
    deployment: Deployment, started: list[Reader]
) -> None:
    report = SAMPLES["Report"]
    assert isinstance(report, Report)
    tomorrow = now_ms() + 86_400_000
    deployment.put("reports", "ahead", replace(report, model="ahead", segment=""), at_ms=tomorrow)
    desk = Desk(deployment.cluster.settings)
    started.append(desk.reader)
    wait_for(lambda: "ahead" in desk.board.models, "the report")
    told_at = desk.board.models["ahead"].told_at
    assert told_at is not None
    assert told_at <= now_ms()


def test_a_topic_that_is_made_later_is_read_without_a_new_start(started: list[Reader]) -> None:
    handle = Producer({"bootstrap.servers": "built-in", "test.mock.num.brokers": 1, "log_level": 0})
    [broker] = handle.list_topics(timeout=20).brokers.values()
    kafka = KafkaSettings(brokers=f"{broker.host}:{broker.port}", environment="late")
    topics = Topics("late")
    there = [topics.of(name) for name in RECORDS if name != "alerts"]
    for topic in there:  # this cluster makes what it is asked about
        handle.list_topics(topic, timeout=20)
    desk = Desk(kafka)
    started.append(desk.reader)
    hidden = wait_for(lambda: desk.reading.ready and desk.reading.denied, "the end of what lies there")
    assert hidden == (topics.of("alerts"),)
    handle.list_topics(topics.of("alerts"), timeout=20)
    producer = Producer(kafka.client())
    producer.produce(topics.of("alerts"), Codec().encode(SAMPLES["Alert"]), b"delay")
    assert producer.flush(20) == 0
    wait_for(desk.told, "the new topic's record")
    assert (desk.reading.denied, desk.reading.ready, desk.told()) == ((), True, 1)


def test_no_page_waits_for_a_registry(started: list[Reader]) -> None:
    deployment, registry = Deployment("slow"), Slow()
    deployment.put("alerts", "delay", b"\0\0\0\0\7")
    desk = Desk(deployment.cluster.settings, Board(Codec(registry), lambda _: None))
    started.append(desk.reader)
    try:
        assert registry.asked.wait(20)
        assert desk.lock.acquire(timeout=5), "whoever makes a page has the lock while the registry is asked"
        desk.lock.release()
    finally:
        registry.answers.set()
    words = wait_for(lambda: desk.reading.trouble, "the trouble")
    assert words == "The schema registry does not answer: no word of 7"
    assert not desk.reading.ready
