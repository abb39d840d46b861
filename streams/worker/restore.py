"""Read a whole partition, to an end that was asked for: all of it, or an error."""

import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from kedge.streams.access import forbidden, is_forbidden
from kedge.streams.settings import KafkaSettings

POLL_S = 0.5
STALLED_S = 30.0
"""A log that gives nothing for so long, though its end has not been reached, is not going to."""

_BATCH = 1_000

PARTITION_EOF: int = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes are named so


_PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - librdkafka's own codes are named so
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)


def passing(error: KafkaError) -> bool:
    """Whether a reader that simply goes on may get over it: a broker is away, or a partition moves."""
    return error.retriable() or error.code() in _PASSING


def in_words(error: KafkaError, topic: str | None) -> str:
    """What an error of a reader means, in one line."""
    return forbidden(error.str(), topic) if is_forbidden(error) else error.str()


class RestoreError(Exception):
    """The log could not be read to its end: a part of a state is never used."""


def reader_settings(kafka: KafkaSettings) -> dict[str, str | bool | int]:
    """A consumer that belongs to no group: it reads partitions it is assigned by hand and commits nothing."""
    return {
        **kafka.reader(),
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 50,
    }


class _Reading:
    """How far a log has been read."""

    def __init__(self, end: int, take: Callable[[bytes, bytes | None], None]) -> None:
        self.position = self.count = 0
        self._end, self._take = end, take

    def step(self, message: "Message[Any, Any]") -> None:
        """Take a record, or an event of librdkafka, in."""
        error, offset = message.error(), message.offset()
        if error is not None and error.code() != PARTITION_EOF:
            if not passing(error):
                raise RestoreError(in_words(error, message.topic()))
        elif error is not None:
            self.position = max(self.position, offset or 0)
        elif offset is not None:
            if offset < self._end:
                self._take(message.key() or b"", message.value())
                self.count += 1
            self.position = offset + 1


def read_to(
    kafka: KafkaSettings,
    log: TopicPartition,
    end: int,
    *,
    take: Callable[[bytes, bytes | None], None],
    abandoned: threading.Event,
) -> int:
    """Give `take` every committed record (key, value) of `log` before `end`, in order; return how many.

    An abort or commit marker at the end is no record: the log's end is known by librdkafka's end-of-partition
    event, whose offset counts the markers.

    Raises:
        RestoreError: an error, nothing new for `STALLED_S`, or `abandoned` was set.
    """
    reading = _Reading(end, take)
    consumer = Consumer(reader_settings(kafka))
    try:
        consumer.assign([TopicPartition(log.topic, log.partition, 0)])
        moved_s = time.monotonic()
        while reading.position < end:
            before = reading.position
            for message in consumer.consume(_BATCH, POLL_S):
                reading.step(message)
            if reading.position > before:
                moved_s = time.monotonic()
            if abandoned.is_set():
                raise RestoreError("given up: the partition was revoked meanwhile")
            if time.monotonic() - moved_s > STALLED_S:
                raise RestoreError(f"{log.topic} {log.partition} gives nothing from offset {before} to {end}")
    finally:
        consumer.close()
    return reading.count
