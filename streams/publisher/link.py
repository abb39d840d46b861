"""The one place where the publisher speaks Kafka."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

# `list_topics` imports it when it is first called. If another thread forked the process at that moment, the child would
# inherit a module that is being imported by nobody, and wait for it for ever.
import confluent_kafka.admin  # noqa: F401
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kedge.streams.access import Access, AccessError, is_forbidden
from kedge.streams.names import Topics

__all__ = ["KafkaLink", "Link", "Receipt"]

_PAUSE_S: Final = 1.0
"""Before a producer that has failed for good is replaced: the next one may fail as well."""

Receipt = Callable[[str | None], None]
"""Called once for a message: with None when Kafka has it, with what went wrong when it was given up."""


class Link(Protocol):
    """Where messages go."""

    def partitions(self, timeout_s: float) -> int | None:
        """Return the topic's partition count, None where it cannot be learnt within `timeout_s`."""

    def send(self, partition: int, message: bytes, receipt: Receipt) -> bool:
        """Hand a message over; False: there is no room now, try again later."""

    def send_outcome(self, partition: int, key: bytes, message: bytes, receipt: Receipt) -> bool:
        """Hand an outcome over, as `send` does."""

    def poll(self, timeout_s: float) -> None:
        """Call the receipts that are due; wait for one at most `timeout_s`."""

    def purge(self) -> None:
        """Give every message up that is not acknowledged."""

    @property
    def trouble(self) -> str | None:
        """What is wrong with the connection, None where nothing is known to be."""


class KafkaLink:
    """An idempotent librdkafka producer for predictions and what came of them.

    The topics have as many partitions each: the worker sees to that.
    `options` are librdkafka's. Made, used and dropped by one thread.
    """

    def __init__(self, topics: Topics, options: Mapping[str, str | int | bool]) -> None:
        self._topic: Final = topics.predictions
        self._outcomes: Final = topics.outcomes
        self._options: Final = dict(options)
        self._trouble: str | None = None
        self._access = Access(options)
        self._producer = self._new_producer()

    def _new_producer(self) -> Producer:
        return Producer({**self._options, "error_cb": self._on_error})

    @property
    def trouble(self) -> str | None:
        """What is wrong with the connection."""
        return self._trouble

    def partitions(self, timeout_s: float) -> int | None:
        """Ask for the topic's partition count."""
        try:
            topics = self._access.metadata(self._producer, timeout_s, self._topic).topics
        except AccessError as error:
            self._trouble = str(error)
            return None
        except KafkaException as error:
            self._trouble = self._words(error.args[0])
            return None
        found = topics[self._topic]
        if found.error is not None or not found.partitions:
            self._trouble = f"topic {self._topic} does not exist: {self._access.no_topic}"
            return None
        self._trouble = None
        return len(found.partitions)

    def send(self, partition: int, message: bytes, receipt: Receipt) -> bool:
        """Give the message to librdkafka's queue."""
        return self._produce(self._topic, partition, None, message, receipt)

    def send_outcome(self, partition: int, key: bytes, message: bytes, receipt: Receipt) -> bool:
        """Give an outcome to librdkafka's queue."""
        return self._produce(self._outcomes, partition, key, message, receipt)

    def _produce(self, topic: str, partition: int, key: bytes | None, message: bytes, receipt: Receipt) -> bool:
        delivered = partial(self._delivered, receipt)
        try:
            self._producer.produce(topic, value=message, key=key, partition=partition, on_delivery=delivered)
        except BufferError:
            return False
        except KafkaException as error:
            # The partition is gone, or the producer is fatally out of step: this batch cannot be sent any more.
            self._trouble = self._words(error.args[0])
            receipt(self._trouble)
            if error.args[0].code() == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's own name for it
                self._start_over()
        return True

    def poll(self, timeout_s: float) -> None:
        """Serve librdkafka's callbacks."""
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:  # so it tells of what is fatal, such as that no right to write was given yet
            self._trouble = self._words(error.args[0])
            self._start_over()

    def purge(self) -> None:
        """Empty librdkafka's queues; the receipts say so."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _start_over(self) -> None:
        """Replace a producer that librdkafka has declared unusable."""
        with suppress(KafkaException):
            self.purge()
        time.sleep(_PAUSE_S)
        self._producer = self._new_producer()

    def _delivered(self, receipt: Receipt, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._access.well()
        self._trouble = None if error is None else self._words(error, message.topic())
        receipt(self._trouble)

    def _on_error(self, error: KafkaError) -> None:
        self._access.heard(error)
        if self._access.refusal is not None:
            self._trouble = self._access.refusal
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own name for it
            self._trouble = self._words(error)

    def _words(self, error: KafkaError, name: str | None = None) -> str:
        if self._access.refusal is not None or is_forbidden(error):
            return self._access.words(error, name)
        return f"{error.name()}: {error.str()}"
