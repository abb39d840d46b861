"""The whole service on a broker: topics, a monitor and a baseline, workers, and what a reader sees come out."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.records import (
    Ack,
    Alert,
    Baseline,
    Command,
    DeadLetter,
    Journal,
    Monitor,
    Partial,
    Progress,
    Report,
    VersionReport,
)
from kedge.streams.names import Topics
from kedge.streams.topics import Layout, create_topics
from tests.support.kafka import Broker
from tests.support.shell import PARTITIONS, ShellWorker

MODELS: Final = 2
"""Partitions of the topics that are keyed by model."""
WORKER: Final = (str(Path(sys.executable).parent / "kedge"), "worker")
CODEC: Final = Codec()
RECORDS: Final[Mapping[str, tuple[type, ...]]] = {
    "partials": (Partial, Progress),
    "reports": (Report, VersionReport),
    "alerts": (Alert,),
    "control": (Command,),
    "journal": (Journal,),
    "acks": (Ack,),
    "dead_letters": (DeadLetter,),
}


class Service:
    """One environment of the service; its workers end with `end`."""

    def __init__(self, broker: Broker, environment: str, directory: Path) -> None:
        self.broker, self.environment, self._directory = broker, environment, directory
        self.topics = Topics(environment)
        self.workers: list[ShellWorker] = []

    def open(self, monitor: Monitor, baseline: Baseline | None) -> None:
        """Create the topics and publish what is watched."""
        layout = Layout(requests=PARTITIONS, models=MODELS, replication=1)
        create_topics(self.broker.client(), self.environment, layout)
        producer = self.producer()
        producer.produce(self.topics.monitors, CODEC.encode(monitor), key=monitor.model)
        if baseline is not None:
            producer.produce(self.topics.baselines, CODEC.encode(baseline), key=baseline.model)
        assert producer.flush(20) == 0

    def producer(self, **settings: Any) -> Producer:
        """Return a producer."""
        return Producer({**self.broker.client(), "linger.ms": 5, "compression.type": "lz4", **settings})

    def send(self, messages: Sequence[tuple[int, bytes]], **settings: Any) -> None:
        """Send (partition, message) to `predictions`, and wait until the broker has them."""
        producer = self.producer(**settings)
        for partition, message in messages:
            producer.produce(self.topics.predictions, message, partition=partition)
        assert producer.flush(60) == 0

    def worker(self, name: str, **variables: str) -> ShellWorker:
        """Start a worker that runs the three agents."""
        worker = ShellWorker(
            self._directory, self.broker.bootstrap, self.environment, name, program=WORKER, **variables
        )
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """Kill whatever still runs."""
        for worker in self.workers:
            worker.kill()


class Outputs:
    """What a `read_committed` reader has seen of some topics so far, decoded, in the order of each partition."""

    def __init__(self, service: Service, *topics: str) -> None:
        self.seen: dict[str, list[Any]] = defaultdict(list)
        self._logical = {service.topics.of(topic): topic for topic in topics}
        self._consumer = Consumer(
            {
                **service.broker.client(),
                "group.id": f"outputs-{service.environment}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        metadata = self._consumer.list_topics(timeout=20).topics
        self._consumer.assign(
            [TopicPartition(topic, partition, 0) for topic in self._logical for partition in metadata[topic].partitions]
        )

    def read(self, topic: str) -> list[Any]:
        """Read what is new on all of them; returns everything seen of one."""
        for message in self._consumer.consume(10_000, 0.2):
            error = message.error()
            if error is not None:
                assert error.retriable() or error.code() == KafkaError._ALL_BROKERS_DOWN, error  # noqa: SLF001 - its name
                continue
            logical = self._logical[str(message.topic())]
            self.seen[logical].append(CODEC.decode(message.value() or b"", RECORDS[logical]))
        return self.seen[topic]
