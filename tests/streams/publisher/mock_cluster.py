"""librdkafka's built-in cluster: enough of Kafka for a publisher, in this process."""

from typing import Final

from confluent_kafka import Producer

from tests.support.batches import BatchReader

TOPIC: Final = "test.kedge.predictions"
PARTITIONS: Final = 4
"""The built-in cluster gives every topic four."""


class MockCluster:
    """Lives as long as this object."""

    def __init__(self) -> None:
        self._handle = Producer({"bootstrap.servers": "nowhere", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = self._handle.list_topics(TOPIC, timeout=10).brokers.values()
        self.bootstrap = f"{broker.host}:{broker.port}"
        self.reader = BatchReader(self.bootstrap, TOPIC, PARTITIONS)
