"""`control`, read from where the store stands: committed records only, no group."""

import logging
import threading
from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from kedge.streams.access import Access, forbidden, is_forbidden
from kedge.streams.actuator.store import Store
from kedge.streams.events import KAFKA_REFUSES, STORE_BEGUN, WAITING
from kedge.streams.settings import KafkaSettings

__all__ = ["ControlError", "Inbox", "MissingError"]

LOG: Final = logging.getLogger("kedge.actuator")

_TIMEOUT_S: Final = 5.0
_MESSAGES: Final = 500
_PASSING: Final = frozenset((KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT))  # noqa: SLF001 - librdkafka's names
_EOF: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - the same
_GONE: Final = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - the same


class ControlError(Exception):
    """Kafka said something that will not pass; to start again may help."""


class MissingError(ControlError):
    """What the store has read is not there any more, or the topic is not there; to start again does not help."""


class Inbox:
    """The partitions of `control`; hands a partition's records out once its end was reached.

    Whoever obeys a command must have seen the CANCEL that lies behind it.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, store: Store) -> None:
        self._topic, self._store = topic, store
        self._access, self._refusal = Access(kafka.client()), ""
        self._read: dict[int, list[Message[Any, Any]]] = {}
        self._consumer = Consumer(
            {
                **kafka.reader(),
                "error_cb": self._access.heard,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "reconnect.backoff.max.ms": 2_000,  # a broker that is back is found again within seconds
                # How long an end of a partition may stay unnoticed, and with it the command before it.
                "fetch.wait.max.ms": 100,
            }
        )

    def open(self, stopping: threading.Event) -> bool:
        """Wait for Kafka and go to where the store stands, which is begun where it is new; False: stopped before.

        Raises:
            AccessError: Kafka does not let this actuator in.
            MissingError: there is no such topic.
        """
        partitions = self._partitions(stopping)
        if partitions is None:
            return False
        self._consumer.assign([TopicPartition(self._topic, number, self._start(number)) for number in partitions])
        return True

    def poll(self, timeout_s: float) -> Iterator[tuple[int, list["Message[Any, Any]"]]]:
        """Yield partitions whose end was reached, with the records since the last time.

        Raises:
            ControlError: Kafka said something that will not pass.
        """
        messages = self._consumer.consume(_MESSAGES, timeout_s)
        self._tell_refusal(heard=bool(messages))
        for message in messages:
            error, partition = message.error(), message.partition() or 0
            if error is None:
                self._read.setdefault(partition, []).append(message)
            elif error.code() == _EOF:
                if batch := self._read.pop(partition, []):
                    yield partition, batch
            elif error.code() == _GONE:
                raise MissingError(
                    f"{self._topic}/{partition} does not have the offset that the store stands at: the topic was made "
                    "anew, or its records are older than it keeps. Move the store away; a new one obeys nothing older"
                )
            elif is_forbidden(error):
                raise MissingError(forbidden(error.str(), self._topic))
            elif not error.retriable() and error.code() not in _PASSING:
                raise ControlError(f"Kafka says: {error.str()}")

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def _partitions(self, stopping: threading.Event) -> list[int] | None:
        while not stopping.is_set():
            try:
                known = self._access.metadata(self._consumer, _TIMEOUT_S, self._topic).topics.get(self._topic)
            except KafkaException as error:
                WAITING.tell(LOG, f"waiting: {self._access.words(error.args[0])}", what="kafka")
                continue
            if known is None or not known.partitions:
                raise MissingError(f"{self._topic} does not exist: {self._access.no_topic}")
            return sorted(known.partitions)
        return None

    def _tell_refusal(self, *, heard: bool) -> None:
        """Say it once when Kafka lets nobody in any more, as after a change of the password."""
        if heard:
            self._access.well()
        refusal = self._access.refusal or ""
        if refusal and refusal != self._refusal:
            KAFKA_REFUSES.tell(LOG, f"no commands come: {refusal}", what="commands")
        self._refusal = refusal

    def _start(self, partition: int) -> int:
        position = self._store.position(partition)
        if position is not None:
            return position
        first, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=_TIMEOUT_S)
        words = f"first start at {self._topic}/{partition}: what lies before offset {end} is read and not obeyed"
        STORE_BEGUN.tell(LOG, words, partition=partition, offset=end)
        self._store.begin(partition, first, end)
        return OFFSET_BEGINNING
