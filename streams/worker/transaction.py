"""One partition's transactions: confluent-kafka's three kinds of errors, each answered as Kafka asks.

Retriable: the same call again (a commit that timed out may have happened: it is called again, never aborted).
Abortable: abort, and write the same records again. Anything else: this producer is finished.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from confluent_kafka import KafkaError, KafkaException, Producer

from kedge.streams.access import Access, forbidden, is_forbidden
from kedge.streams.topics import OWN_MESSAGE_BYTES_MAX

CALL_S = 2.0
"""How long one call may block. Short, so that an owner that was given up is noticed between two calls."""

TIMEOUT_MS = 30_000
"""After this the broker aborts a transaction by itself, and readers get past it."""

_PAUSE_S, _PAUSE_MAX_S = 0.05, 2.0

_FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})  # noqa: SLF001 - librdkafka's own codes are named so


class FencedError(Exception):
    """Another owner has taken the partition over: nothing that this one writes will ever be seen."""


class TransactionError(Exception):
    """The producer cannot go on; the state in Kafka is as of the last commit."""


class AbandonedError(Exception):
    """The owner was given up while the call was being tried again."""


class Retry(StrEnum):
    """Why something was done again."""

    CALL = "call"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Message:
    """One record to produce; `partition` None: by murmur2 of the key, as Kafka's Java client does."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes | None


class _AbortableError(Exception):
    pass


class TransactionalWriter:
    """The transactional producer of one partition. Its calls block: use it from one thread of its own.

    `abandoned`, once set, ends the retrying with `AbandonedError` within `CALL_S`. `retried` is told of each retry.
    """

    def __init__(
        self,
        client: Mapping[str, str],
        transactional_id: str,
        *,
        abandoned: threading.Event,
        retried: Callable[[Retry, str], None],
    ) -> None:
        """Make the producer; nothing is sent before `open`."""
        self._abandoned, self._retried, self._access = abandoned, retried, Access(client)
        self._producer = Producer(
            {
                **client,
                "error_cb": self._access.heard,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": TIMEOUT_MS,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "message.max.bytes": OWN_MESSAGE_BYTES_MAX,
                "linger.ms": 0,  # commit_transaction flushes: to linger would only delay it
            }
        )

    def open(self) -> None:
        """Fence every earlier owner and abort what it left open.

        Raises:
            FencedError, TransactionError, AbandonedError: as said there.
        """
        self._settle(lambda: self._producer.init_transactions(CALL_S))

    def commit(self, messages: Sequence[Message]) -> None:
        """Write `messages` in one transaction, in order; returns when it is committed.

        Raises:
            FencedError, TransactionError, AbandonedError: as said there.
        """
        while True:
            try:
                self._settle(self._producer.begin_transaction)
                self._produce(messages)
                self._settle(lambda: self._producer.commit_transaction(CALL_S))
            except _AbortableError as error:
                self._pause(Retry.ABORT, str(error), _PAUSE_S)
                self._settle(lambda: self._producer.abort_transaction(CALL_S))
            else:
                return

    def close(self) -> None:
        """Let go of the connections; an open transaction is aborted."""
        self._producer.close()

    def _produce(self, messages: Sequence[Message]) -> None:
        for message in messages:
            partition = -1 if message.partition is None else message.partition
            while True:
                try:
                    self._producer.produce(message.topic, message.value, message.key, partition)
                except BufferError:
                    self._pause(Retry.CALL, "the local queue is full", _PAUSE_S)
                    self._producer.poll(0.1)
                except KafkaException as error:
                    # A fatal error is told here without its cause; the next call of the transaction has it.
                    self._settle(lambda: self._producer.abort_transaction(CALL_S))
                    raise TransactionError(self._words(error.args[0])) from error
                else:
                    break

    def _settle(self, call: Callable[[], None]) -> None:
        pause_s = _PAUSE_S
        while True:
            try:
                call()
            except KafkaException as error:
                text = self._words(error.args[0])
                known = _classified(error, text)
                if known is not None:
                    raise known from error
                self._pause(Retry.CALL, text, pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)
            else:
                self._access.well()
                return

    def _words(self, error: KafkaError) -> str:
        with suppress(KafkaException):  # raised for what is fatal, which the error says as well
            self._producer.poll(0)  # what is wrong with the connection is heard only here
        return self._access.refusal or (forbidden(error.str()) if is_forbidden(error) else error.str())

    def _pause(self, retry: Retry, reason: str, seconds: float) -> None:
        self._retried(retry, reason)
        if self._abandoned.wait(seconds):
            raise AbandonedError(reason)


def _classified(error: KafkaException, text: str) -> Exception | None:
    """What the error means, told as `text`, or None: call again."""
    kafka: KafkaError = error.args[0]
    if kafka.code() in _FENCED:
        return FencedError(text)
    if is_forbidden(kafka):  # to write it again would not help
        return TransactionError(text)
    if kafka.txn_requires_abort():
        return _AbortableError(text)
    if kafka.retriable():
        return None
    return TransactionError(text)
