"""Read topics as anybody would: committed records only, without a group."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kedge.streams.settings import KafkaSettings

__all__ = ["ReadingError", "follow", "partition_counts", "read_to_end"]

_POLL_S: Final = 0.2
_MESSAGES: Final = 500
_TIMEOUT_S: Final = 30.0


class ReadingError(Exception):
    """Kafka does not answer, or does not have what is asked for; the message says what to do."""


def partition_counts(kafka: KafkaSettings, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each topic has.

    Raises:
        ReadingError: Kafka does not answer, or a topic does not exist.
    """
    consumer = Consumer({**kafka.client(), "group.id": _GROUP})
    try:
        known = consumer.list_topics(timeout=_TIMEOUT_S).topics
    except KafkaException as error:
        raise ReadingError(f"Kafka at {kafka.brokers} does not answer: {error.args[0].str()}") from error
    finally:
        consumer.close()
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise ReadingError(f"{', '.join(missing)} does not exist: run `kedge topics create` first")
    return {topic: len(known[topic].partitions) for topic in topics}


def read_to_end(kafka: KafkaSettings, topics: Sequence[str]) -> Iterator["Message[Any, Any]"]:
    """Yield what lies in the topics now, in order within each partition.

    Raises:
        ReadingError: as `partition_counts`, or Kafka stops answering.
    """
    counts = partition_counts(kafka, topics)
    unread = {(topic, number) for topic in topics for number in range(counts[topic])}
    consumer = _consumer(kafka, unread, OFFSET_BEGINNING)
    moved_s = time.monotonic()
    try:
        while unread:
            for message in consumer.consume(_MESSAGES, _POLL_S):
                moved_s = time.monotonic()
                if _ended(message):
                    unread.discard((message.topic() or "", message.partition() or 0))
                elif message.error() is None:
                    yield message
            if time.monotonic() - moved_s > _TIMEOUT_S:
                raise ReadingError(f"Kafka at {kafka.brokers} sends nothing more of {', '.join(topics)}")
    finally:
        consumer.close()


def follow(
    kafka: KafkaSettings, topics: Sequence[str], *, from_beginning: bool, timeout_s: float | None
) -> Iterator["Message[Any, Any]"]:
    """Yield what comes, without end; `timeout_s`: until nothing has come for so long.

    Raises:
        ReadingError: as `partition_counts`.
    """
    counts = partition_counts(kafka, topics)
    logs = {(topic, number) for topic in topics for number in range(counts[topic])}
    consumer = _consumer(kafka, logs, OFFSET_BEGINNING if from_beginning else OFFSET_END)
    moved_s = time.monotonic()
    try:
        while timeout_s is None or time.monotonic() - moved_s < timeout_s:
            for message in consumer.consume(_MESSAGES, _POLL_S):
                if not _ended(message) and message.error() is None:
                    moved_s = time.monotonic()
                    yield message
    finally:
        consumer.close()


_GROUP: Final = "kedge-reader"
"""Never joined: partitions are assigned by hand."""


def _consumer(kafka: KafkaSettings, logs: set[tuple[str, int]], offset: int) -> Consumer:
    consumer = Consumer(
        {
            **kafka.client(),
            "group.id": _GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, number, offset) for topic, number in sorted(logs)])
    return consumer


def _ended(message: "Message[Any, Any]") -> bool:
    """Whether this says that a partition has been read to its end; raises for an error that will not pass."""
    error = message.error()
    if error is None or error.retriable():
        return False
    if error.code() in _PASSING:
        return False
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
        return True
    raise ReadingError(f"Kafka says: {error.str()}")


_PASSING: Final = frozenset((KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT))  # noqa: SLF001 - the same
"""librdkafka connects again by itself."""
