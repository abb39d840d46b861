"""A broker's topics, and counting workers that end with the test."""

import signal
from pathlib import Path
from typing import Final

from confluent_kafka import TopicPartition

from kedge.streams.names import SOURCES, Agent, Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Layout, create_topics
from kedge.streams.worker.cluster import Cluster
from tests.support.kafka import Broker
from tests.support.shell import PARTITIONS, Seen, ShellWorker, Source
from tests.support.waiting import wait_for

MODELS: Final = 2
"""Partitions of the topics that are keyed by model."""


class Stage:
    """One environment."""

    def __init__(self, broker: Broker, environment: str, directory: Path) -> None:
        self.broker, self.environment, self._directory = broker, environment, directory
        self.topics = Topics(environment)
        self.workers: list[ShellWorker] = []

    def create_topics(self, *, requests: int = PARTITIONS) -> None:
        layout = Layout(requests=requests, models=MODELS, replication=1)
        create_topics({"bootstrap.servers": self.broker.bootstrap}, self.environment, layout)

    def open(self) -> tuple[Source, Seen]:
        """Create the topics; returns what sends predictions, and what sees tally's counts."""
        self.create_topics()
        return self.source("predictions", PARTITIONS), self.seen(Agent.TALLY)

    def open_all(self, agent: Agent) -> tuple[dict[str, Source], Seen]:
        """Create the topics; returns what sends to each source of an agent, and what sees its counts."""
        self.create_topics()
        partitions = PARTITIONS if agent is Agent.TALLY else MODELS
        return {name: self.source(name, partitions) for name in SOURCES[agent]}, self.seen(agent)

    def source(self, topic: str, partitions: int) -> Source:
        return Source(self.broker.bootstrap, self.environment, topic=topic, partitions=partitions)

    def seen(self, agent: Agent) -> Seen:
        return Seen(self.broker.bootstrap, self.environment, partitions=MODELS, agent=agent)

    def worker(self, name: str, **variables: str) -> ShellWorker:
        worker = ShellWorker(self._directory, self.broker.bootstrap, self.environment, name, **variables)
        self.workers.append(worker)
        return worker

    def stopped_inside_a_transaction(self, worker: ShellWorker, agent: Agent, *sources: Source) -> list[int]:
        """SIGSTOP the worker while a transaction of its state is open; returns the partitions that it holds back."""
        cluster = Cluster(KafkaSettings(brokers=self.broker.bootstrap, environment=self.environment))
        state = self.topics.state(agent)
        logs = [TopicPartition(state, number) for number in range(cluster.partitions([state])[state])]

        def stopped() -> list[int]:
            for source in sources:
                source.send(400)
            worker.process.send_signal(signal.SIGSTOP)
            ends, stable = cluster.ends(logs), cluster.stable_ends(logs)
            held = [log.partition for log in logs if stable[state, log.partition] < ends[state, log.partition]]
            if not held:
                worker.process.send_signal(signal.SIGCONT)
            return held

        return wait_for(stopped, "an open transaction", timeout_s=60, poll_s=0.01)

    def end(self) -> None:
        """Kill whatever still runs."""
        for worker in self.workers:
            worker.kill()
