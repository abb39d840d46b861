"""Acks to Kafka."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from kedge.schemas.codec import Codec
from kedge.schemas.records import Ack
from kedge.streams.access import Access, AccessError, is_forbidden
from kedge.streams.actuator.inbox import ControlError
from kedge.streams.events import ACK_RESENT, KAFKA_REFUSES
from kedge.streams.settings import KafkaSettings

__all__ = ["Outbox"]

LOG: Final = logging.getLogger("kedge.actuator")

_POLL_S: Final = 0.05
_PURGED: Final = KafkaError._PURGE_QUEUE  # noqa: SLF001 - librdkafka's name for what `close` gives up
_LEAVE_POLLS: Final = 100
"""How often a stopped actuator still looks for an acknowledgement, about 5 s; later the next start sends it again."""


class Outbox:
    """Sends acks, keyed by model."""

    def __init__(self, kafka: KafkaSettings, topic: str, codec: Codec) -> None:
        self._topic, self._codec = topic, codec
        self._beating: set[str] = set()
        self._access, self._trouble = Access(kafka.client()), ""
        self._producer = Producer(
            {
                **kafka.client(),
                "error_cb": self._access.heard,
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",  # where guard looks for the model
                "message.timeout.ms": 30_000,
                "reconnect.backoff.max.ms": 2_000,
            }
        )

    def deliver(self, ack: Ack, stopping: threading.Event) -> bool:
        """Send an ack until Kafka has it; False: stopped before."""
        while True:
            outcome = self._sent(ack, stopping)
            if not outcome:
                return False
            if outcome[0] is None:
                return True
            words = f"the ack of {ack.command_id[:12]} is sent again: {self._words(outcome[0])}"
            ACK_RESENT.tell(LOG, words, model=ack.model, command_id=ack.command_id)

    def beat(self, ack: Ack) -> None:
        """Send a heartbeat; only one of a model is ever on its way."""
        if ack.model not in self._beating:
            self._beating.add(ack.model)
            self._produce(ack, lambda error, _: self._beaten(ack.model, error))

    def poll(self) -> None:
        """Let what was delivered be noticed.

        Raises:
            AccessError: acks are not taken from this actuator.
            ControlError: the producer has failed for good.
        """
        self._poll(0)

    def close(self) -> None:
        """Leave; what is on its way is given up."""
        with suppress(KafkaException):
            self._producer.purge()
            self._producer.flush(_POLL_S)

    def _beaten(self, model: str, error: KafkaError | None) -> None:
        self._beating.discard(model)
        trouble = "" if error is None or error.code() == _PURGED else self._words(error)
        if trouble and trouble != self._trouble:
            KAFKA_REFUSES.tell(LOG, f"signs of life do not arrive: {trouble}", what="heartbeats")
        self._trouble = trouble

    def _words(self, error: KafkaError) -> str:
        return self._access.refusal or (self._access.words(error, self._topic) if is_forbidden(error) else error.str())

    def _sent(self, ack: Ack, stopping: threading.Event) -> list[KafkaError | None]:
        """Return what Kafka said, None where it has the ack; empty: stopped before."""
        outcome: list[KafkaError | None] = []
        self._produce(ack, lambda error, _: outcome.append(error))
        polls = 0
        while not outcome and polls < _LEAVE_POLLS:
            self._poll(_POLL_S)
            polls += stopping.is_set()
        return outcome

    def _poll(self, timeout_s: float) -> None:
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:  # so librdkafka tells of what is fatal
            told: KafkaError = error.args[0]
            if is_forbidden(told):
                raise AccessError(self._access.words(told, self._topic)) from error
            raise ControlError(f"acks cannot be sent any more: {told.str()}") from error

    def _produce(self, ack: Ack, told: Callable[[KafkaError | None, object], None]) -> None:
        try:
            self._producer.produce(self._topic, self._codec.encode(ack), ack.model.encode(), on_delivery=told)
        except KafkaException as error:  # it has failed for good, which was not polled yet: that says why
            self._poll(0)
            raise ControlError(f"acks cannot be sent any more: {error.args[0].str()}") from error
