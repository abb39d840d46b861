"""The loop: batches of records to acks, and the position after them."""

import threading
import time
from typing import Any, Final, Protocol

from confluent_kafka import Message

from kedge.schemas.records import Ack
from kedge.streams.actuator.executor import Executor
from kedge.streams.actuator.inbox import Inbox
from kedge.streams.actuator.store import Store
from kedge.streams.schemas import Schemas

__all__ = ["Acks", "Beats", "Run"]

_POLL_S: Final = 0.2


class Acks(Protocol):
    """Where acks go."""

    def deliver(self, ack: Ack, stopping: threading.Event) -> bool:
        """Send an ack until it is kept; False: stopped before."""

    def beat(self, ack: Ack) -> None:
        """Send a heartbeat and do not wait."""

    def poll(self) -> None:
        """Let what was delivered be noticed."""


class Beats:
    """When whose heartbeat is due."""

    def __init__(self, models: list[str], every_s: float) -> None:
        self._models, self._every_s = models, every_s
        self._next_s = time.monotonic()

    def due(self) -> list[str]:
        """Return the models; empty between the times."""
        if time.monotonic() < self._next_s:
            return []
        self._next_s = time.monotonic() + self._every_s
        return self._models


class Run:
    """One run: a record's ack is kept before the position goes past it."""

    def __init__(
        self, executor: Executor, store: Store, acks: Acks, schemas: Schemas, stopping: threading.Event
    ) -> None:
        self._executor, self._store, self._acks, self._stopping = executor, store, acks, stopping
        self._schemas = schemas

    def until_stopped(self, inbox: Inbox, beats: Beats) -> None:
        """Take what `control` brings until somebody stops it."""
        while not self._stopping.is_set():
            for model in beats.due():
                self._acks.beat(self._executor.heartbeat(model))
            for partition, messages in inbox.poll(_POLL_S):
                self.take(partition, messages)
            self._acks.poll()

    def take(self, partition: int, messages: list["Message[Any, Any]"]) -> None:
        """Take a partition's records, in order; where the schema registry must be asked of one, all wait for it."""
        if not all(self._schemas.wait(message.value(), stopping=self._stopping) for message in messages):
            return
        begun_at = self._store.begun_at(partition)
        reads = [self._executor.read(message.value() or b"") for message in messages]
        cancelled = self._executor.cancelled(read for read in reads if read is not None)
        for message, read in zip(messages, reads, strict=True):
            if self._stopping.is_set():
                return
            offset = message.offset() or 0
            if read is not None:
                ack = self._executor.handle(read, before=offset < begun_at, cancelled=cancelled)
                if ack is not None and not self._acks.deliver(ack, self._stopping):
                    return
            self._store.advance(partition, offset + 1)
