"""The thread that reads Kafka for the console: without a group, committed records only, and never more than it may.

It works at most a fifth of the time, so that counting keeps the processor; a fault in here is logged, counted and shown
on the page, and what it stumbled over is left behind. Where it stands is remembered: from there it goes on, once a
broker is back.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from prometheus_client import Counter, Gauge

from kedge.schemas.errors import RegistryUnavailableError
from kedge.streams.access import Access, AccessError, is_forbidden
from kedge.streams.clock import now_ms
from kedge.streams.console.board import RECORDS, Board, Laid
from kedge.streams.console.situation import Reading
from kedge.streams.events import CONSOLE_FAULT
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.restore import PARTITION_EOF, passing, reader_settings
from kedge.streams.worker.signals import leave_signals_to_main

__all__ = ["USUAL", "Meters", "Pace", "Reader"]

Log = tuple[str, int]
"""Full topic name and partition."""

_BATCH: Final = 200
_BACK: Final = 10_000
"""Records of each partition from which on it is read."""
_TIMEOUT_S: Final = 10.0
_AT_ONCE: Final = 4
"""Times as long as it has worked, it rests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: between questions whether Kafka is there, and whether a missing topic is; after trouble, and a fault."""

    ask_s: float = 5.0
    look_s: float = 30.0
    away_s: float = 3.0
    fault_s: float = 30.0
    poll_s: float = 0.5


USUAL: Final = Pace()


class _TroubleError(Exception):
    """What keeps the topics from being read, in words that say what to do."""


@dataclass(frozen=True, slots=True)
class Meters:
    """What is counted of the console: faults by part, and when Kafka last answered."""

    faults: Counter
    heard: Gauge


@dataclass(slots=True)
class _Course:
    """One reading, from a connection to its end."""

    consumer: Consumer
    unread: set[Log]
    missing: frozenset[str]
    """Topics that Kafka does not show."""
    asked_s: float = field(default_factory=time.monotonic)
    looked_s: float = field(default_factory=time.monotonic)


class Reader:
    """Feeds a board, under its lock."""

    def __init__(
        self,
        kafka: KafkaSettings,
        board: Board,
        lock: threading.Lock,
        meters: Meters,
        *,
        pace: Pace = USUAL,
    ) -> None:
        """Connect to nothing yet."""
        self._kafka, self._board, self._lock, self._meters, self._pace = kafka, board, lock, meters, pace
        names = Topics(kafka.environment)
        self._logical = {names.of(topic): topic for topic in RECORDS}
        self._positions: dict[Log, int] = {}
        self._access = Access(kafka.client())
        self._reading = Reading()
        self._stop = threading.Event()

    @property
    def reading(self) -> Reading:
        """How far it is."""
        return self._reading

    def start(self) -> None:
        """Read from now on."""
        threading.Thread(target=self._run, name="console", daemon=True).start()

    def stop(self) -> None:
        """Read nothing more."""
        self._stop.set()

    def _run(self) -> None:
        leave_signals_to_main()
        while not self._stop.is_set():
            try:
                self._read()
            except (_TroubleError, AccessError) as trouble:
                self._is_troubled(str(trouble))
                self._stop.wait(self._pace.away_s)
            except KafkaException as error:
                self._is_troubled(self._access.words(error.args[0]))
                self._stop.wait(self._pace.away_s)
            except Exception as error:  # noqa: BLE001 - it is a window: its faults must not reach what is seen through it
                words = f"the console cannot read; it tries again in {self._pace.fault_s:g} s"
                CONSOLE_FAULT.tell(LOG, words, error, part="reader")
                self._meters.faults.labels("reader").inc()
                self._is_troubled("The console has a fault, which the worker's log names; counting goes on")
                self._stop.wait(self._pace.fault_s)

    def _is_troubled(self, words: str) -> None:
        if words != self._reading.trouble:
            self._reading = replace(self._reading, trouble=words, trouble_at=now_ms())

    def _is_heard(self) -> None:
        now = now_ms()
        self._meters.heard.set(now / 1_000)
        self._reading = replace(self._reading, heard_at=now, trouble="", trouble_at=0)

    def _read(self) -> None:
        """Read until it is stopped, something is wrong, or there is more to be read."""
        consumer = Consumer(
            {
                **reader_settings(self._kafka),
                "error_cb": self._access.heard,
                "fetch.wait.max.ms": 500,
                "queued.max.messages.kbytes": 8_192,
            }
        )
        try:
            course = self._assign(consumer)
            self._is_heard()
            while not (self._stop.is_set() or self._has_more(course)):
                self._round(course)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> _Course:
        """Give the consumer all partitions, each from where it goes on."""
        known = self._access.metadata(consumer, _TIMEOUT_S).topics
        hidden = sorted(name for name in self._logical if name not in known or not known[name].partitions)
        if len(hidden) == len(self._logical):
            raise _TroubleError(f"none of the topics is there: {self._access.no_topic}")
        denied = set(hidden)
        logs = [(name, number) for name in self._logical if name not in denied for number in known[name].partitions]
        ends = {}
        for log in logs:
            try:
                ends[log] = consumer.get_watermark_offsets(TopicPartition(*log), timeout=_TIMEOUT_S)
            except KafkaException as error:
                if not is_forbidden(error.args[0]):
                    raise
                denied.add(log[0])
        for log, (first, end) in ends.items():
            self._positions.setdefault(log, max(first, end - _BACK))
        consumer.assign([TopicPartition(*log, self._positions[log]) for log in ends])
        if not self._reading.ready:
            total = sum(max(0, end - self._positions[log]) for log, (_, end) in ends.items())
            self._reading = replace(self._reading, done=0, total=total)
        self._reading = replace(self._reading, denied=tuple(sorted(denied)))
        return _Course(consumer, set(ends), frozenset(hidden))

    def _has_more(self, course: _Course) -> bool:
        """Whether a topic that Kafka did not show is there by now; it is looked for now and then."""
        if not course.missing or time.monotonic() - course.looked_s < self._pace.look_s:
            return False
        known = course.consumer.list_topics(timeout=_TIMEOUT_S / 2).topics
        course.looked_s = time.monotonic()
        return any(name in known and known[name].partitions for name in course.missing)

    def _round(self, course: _Course) -> None:
        """Take what has come, rest, and ask now and then whether Kafka is still there."""
        messages = course.consumer.consume(_BATCH, self._pace.poll_s)
        began_s = time.monotonic()
        taken = self._take(course, messages)
        if taken:
            self._is_heard()
        if began_s - course.asked_s > self._pace.ask_s:
            course.asked_s = began_s
            course.consumer.list_topics(next(iter(self._logical)), timeout=_TIMEOUT_S / 2)
            self._is_heard()
        self._stop.wait(_AT_ONCE * min(1.0, time.monotonic() - began_s) if taken else 0.0)

    def _take(self, course: _Course, messages: "Sequence[Message[Any, Any]]") -> int:
        """Take messages in; returns how many records they were."""
        taken = 0
        try:
            for message in messages:
                if message.error() is None:
                    self._board.learn(message.value() or b"")  # not under the lock, because pages wait for that
        except RegistryUnavailableError as away:
            raise _TroubleError(f"The schema registry does not answer: {away}") from away
        with self._lock:
            for message in messages:
                log, offset, error = (
                    (message.topic() or "", message.partition() or 0),
                    message.offset(),
                    message.error(),
                )
                if error is None and offset is not None:
                    self._positions[log] = offset + 1  # before it is taken: what cannot be taken is left behind
                    # A clock that was ahead when it was written must not make it look fresh for longer.
                    laid = Laid(log[1], offset, min(message.timestamp()[1], now_ms()))
                    taken += 1
                    self._board.take(self._logical[log[0]], message.value() or b"", laid)
                elif error is not None:
                    self._note(course, log, error)
            ready = self._reading.ready or not course.unread
            if ready:
                self._board.settle(whole=not self._reading.ready)
        self._reading = replace(self._reading, ready=ready, done=self._reading.done + taken)
        return taken

    def _note(self, course: _Course, log: Log, error: KafkaError) -> None:
        if error.code() == PARTITION_EOF:
            course.unread.discard(log)
        elif is_forbidden(error):
            course.unread -= {unread for unread in course.unread if unread[0] == log[0]}
            self._reading = replace(self._reading, denied=tuple(sorted({*self._reading.denied, log[0]})))
        elif not passing(error):
            raise _TroubleError(f"Kafka at {self._kafka.brokers} says: {error.str()}")
