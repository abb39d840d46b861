"""Read topics as anybody would: committed records only, without a group."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kedge.schemas.partition import partition_for
from kedge.streams.access import Access, AccessError, forbidden, is_forbidden
from kedge.streams.settings import KafkaSettings

__all__ = [
    "Log",
    "ReadingError",
    "ends",
    "follow",
    "follow_from",
    "offsets_at",
    "partition_counts",
    "places",
    "read_from",
    "read_to_end",
]

Log = tuple[str, int]
"""A topic and one of its partitions."""

_POLL_S: Final = 0.2
_WAIT_MS: Final = 50
"""So long a broker waits for more before it says that a log has ended: people wait for that, 0.5 s as it comes."""
_MESSAGES: Final = 500
_TIMEOUT_S: Final = 30.0


class ReadingError(Exception):
    """Kafka does not answer, or does not have what is asked for; the message says what to do."""


def partition_counts(kafka: KafkaSettings, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each topic has.

    Raises:
        ReadingError: Kafka does not answer, or a topic does not exist.
        AccessError: Kafka does not let this client in.
    """
    access = Access(kafka.client())
    consumer = Consumer({**kafka.reader(), "error_cb": access.heard})
    try:
        known = access.metadata(consumer, _TIMEOUT_S).topics
    except KafkaException as error:
        raise ReadingError(access.words(error.args[0])) from error
    finally:
        consumer.close()
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise ReadingError(f"{', '.join(missing)} does not exist: {access.no_topic}")
    return {topic: len(known[topic].partitions) for topic in topics}


def places(kafka: KafkaSettings, topics: Sequence[str], model: str | None = None) -> list[Log]:
    """Return all partitions of the topics; of one model: those that its records lie in.

    Raises:
        ReadingError: as `partition_counts`.
    """
    counts = partition_counts(kafka, topics)
    if model is not None:
        return [(topic, partition_for(model.encode(), counts[topic])) for topic in topics]
    return [(topic, number) for topic in topics for number in range(counts[topic])]


def ends(kafka: KafkaSettings, logs: Sequence[Log]) -> dict[Log, int]:
    """Return where each log ends now: the offset of the next record.

    Raises:
        ReadingError: Kafka does not answer.
    """
    return _asked(kafka, lambda consumer: {log: _bounds(consumer, log)[1] for log in logs})


def offsets_at(kafka: KafkaSettings, logs: Sequence[Log], time_ms: int) -> dict[Log, int]:
    """Return the first offset of each log that was stamped at `time_ms` or later; its end, where there is none.

    Raises:
        ReadingError: Kafka does not answer.
    """

    def ask(consumer: Consumer) -> dict[Log, int]:
        asked = [TopicPartition(topic, number, time_ms) for topic, number in logs]
        found = {(at.topic, at.partition): at.offset for at in consumer.offsets_for_times(asked, timeout=_TIMEOUT_S)}
        return {log: found[log] if found[log] >= 0 else _bounds(consumer, log)[1] for log in logs}

    return _asked(kafka, ask)


def read_to_end(kafka: KafkaSettings, topics: Sequence[str]) -> Iterator["Message[Any, Any]"]:
    """Yield what lies in the topics now, in order within each partition.

    Raises:
        ReadingError: as `partition_counts`, or Kafka stops answering.
    """
    yield from read_from(kafka, dict.fromkeys(places(kafka, topics), OFFSET_BEGINNING))


def read_from(
    kafka: KafkaSettings, starts: Mapping[Log, int], stops: Mapping[Log, int] | None = None
) -> Iterator["Message[Any, Any]"]:
    """Yield what lies in the logs from these offsets on, until their ends, or until before `stops`.

    Raises:
        ReadingError: Kafka stops answering.
    """
    bounds = {} if stops is None else stops
    unread = {log for log, start in starts.items() if log not in bounds or start < bounds[log]}
    if not unread:
        return
    access = Access(kafka.client())
    consumer = _consumer(kafka, access, {log: starts[log] for log in unread})
    moved_s = time.monotonic()
    try:
        while unread:
            for message in consumer.consume(_MESSAGES, _POLL_S):
                moved_s = time.monotonic()
                log = (message.topic() or "", message.partition() or 0)
                if _ended(message) or (message.error() is None and _at(message) >= bounds.get(log, _FAR)):
                    unread.discard(log)
                elif message.error() is None and log in unread:
                    yield message
            _refuse_to_wait(access)
            if time.monotonic() - moved_s > _TIMEOUT_S:
                named = ", ".join(sorted({topic for topic, _ in unread}))
                raise ReadingError(f"Kafka at {kafka.brokers} sends nothing more of {named}")
    finally:
        consumer.close()


def follow(
    kafka: KafkaSettings, topics: Sequence[str], *, from_beginning: bool, timeout_s: float | None
) -> Iterator["Message[Any, Any]"]:
    """Yield what comes, without end; `timeout_s`: until nothing has come for so long.

    Raises:
        ReadingError: as `partition_counts`.
    """
    starts = dict.fromkeys(places(kafka, topics), OFFSET_BEGINNING if from_beginning else OFFSET_END)
    moved_s = time.monotonic()
    for message in follow_from(kafka, starts):
        if message is not None:
            moved_s = time.monotonic()
            yield message
        elif timeout_s is not None and time.monotonic() - moved_s >= timeout_s:
            return


def follow_from(kafka: KafkaSettings, starts: Mapping[Log, int]) -> Iterator["Message[Any, Any] | None"]:
    """Yield what lies and comes in the logs, and None after each poll, so that whoever reads may leave."""
    access = Access(kafka.client())
    consumer = _consumer(kafka, access, starts)
    try:
        while True:
            for message in consumer.consume(_MESSAGES, _POLL_S):
                if not _ended(message) and message.error() is None:
                    yield message
            _refuse_to_wait(access)
            yield None
    finally:
        consumer.close()


def _asked(kafka: KafkaSettings, ask: Callable[[Consumer], dict[Log, int]]) -> dict[Log, int]:
    access = Access(kafka.client())
    consumer = Consumer({**kafka.reader(), "error_cb": access.heard, "isolation.level": "read_committed"})
    try:
        return ask(consumer)
    except KafkaException as error:
        raise ReadingError(access.words(error.args[0])) from error
    finally:
        consumer.close()


def _bounds(consumer: Consumer, log: Log) -> tuple[int, int]:
    found = consumer.get_watermark_offsets(TopicPartition(*log), timeout=_TIMEOUT_S)
    return found[0], found[1]


def _at(message: "Message[Any, Any]") -> int:
    offset = message.offset()
    return -1 if offset is None else offset


_FAR: Final = 1 << 62


def _consumer(kafka: KafkaSettings, access: Access, starts: Mapping[Log, int]) -> Consumer:
    consumer = Consumer(
        {
            **kafka.reader(),
            "error_cb": access.heard,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": _WAIT_MS,
        }
    )
    consumer.assign([TopicPartition(*log, offset) for log, offset in sorted(starts.items())])
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
    if is_forbidden(error):
        raise ReadingError(forbidden(error.str(), message.topic()))
    raise ReadingError(f"Kafka says: {error.str()}")


def _refuse_to_wait(access: Access) -> None:
    """Raise where Kafka lets nobody in any more: librdkafka would knock for ever."""
    if access.refusal is not None:
        raise AccessError(access.refusal)


_PASSING: Final = frozenset((KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT))  # noqa: SLF001 - the same
"""librdkafka connects again by itself."""
