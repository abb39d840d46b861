"""What comes out: reports, alerts, commands and the guard's journal, read as anybody would read them."""

from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack, Alert, Command, Journal, Report, VersionReport
from kedge.streams.demo.cluster import PARTITIONS
from kedge.streams.demo.story import Output, Received
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings

__all__ = ["Outputs"]

_MESSAGES: Final = 500


class Outputs:
    """Reads everything from the start, in order within each partition."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Connect lazily."""
        names = Topics(kafka.environment)
        self._kinds: dict[str, tuple[type[Output], ...]] = {
            names.reports: (Report, VersionReport),
            names.alerts: (Alert,),
            names.control: (Command,),
            names.journal: (Journal,),
            names.acks: (Ack,),
        }
        self._codec = Codec()
        self._consumer = Consumer(
            {
                **kafka.client(),
                "group.id": "kedge-demo",  # never joined: partitions are assigned by hand
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,
            }
        )
        self._consumer.assign(
            [TopicPartition(topic, partition, 0) for topic in self._kinds for partition in range(PARTITIONS)]
        )

    def read(self, timeout_s: float) -> Iterator[Received]:
        """Yield what is there; wait at most `timeout_s` for it.

        Raises:
            KafkaException: the cluster is gone.
        """
        for message in self._consumer.consume(_MESSAGES, timeout_s):
            error = message.error()
            if error is not None:
                if not error.retriable() and error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - its name
                    raise KafkaException(error)
                continue
            value, kind = message.value() or b"", self._kinds[message.topic() or ""]
            where = (message.partition() or 0, message.offset() or 0)
            yield Received(self._codec.decode(value, kind), *where, at_ms=message.timestamp()[1])

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()
