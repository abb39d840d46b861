"""librdkafka's built-in cluster: a Kafka that comes inside confluent-kafka and listens on localhost.

It lives in this process and as long as its handle. It keeps 5 MB and 100,000 messages of a partition, gives every
topic four of them, creates a topic when somebody asks about it, and fences nobody: enough for a demo, proof of nothing.
"""

from typing import Final

from confluent_kafka import KafkaException, Producer

from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import TOPICS

__all__ = ["PARTITIONS", "BuiltInCluster", "BuiltInError"]

PARTITIONS: Final = 4
"""Of every topic."""

_ANSWER_S: Final = 10.0


class BuiltInError(Exception):
    """The built-in cluster does not do what it is there for."""


class BuiltInCluster:
    """A cluster with the topics of one environment.

    Raises:
        BuiltInError: it does not answer.
    """

    def __init__(self, environment: str) -> None:
        self._handle = Producer({"bootstrap.servers": "built-in", "test.mock.num.brokers": 1, "log_level": 0})
        names = Topics(environment)
        try:
            brokers = self._handle.list_topics(timeout=_ANSWER_S).brokers.values()
            for spec in TOPICS:
                self._handle.list_topics(names.of(spec.name), timeout=_ANSWER_S)
        except KafkaException as error:
            reason = error.args[0].str()
            raise BuiltInError(f"librdkafka's built-in cluster does not answer: {reason}") from error
        self.settings = KafkaSettings(
            brokers=",".join(f"{broker.host}:{broker.port}" for broker in brokers), environment=environment
        )
