"""What every worker reads for itself, without a group: monitors and baselines, and what was commanded of late.

`load` reads it to its end before anything is counted; `follow` gives what comes after. What is read goes to a
*sink* (logical topic, key, value), on the event loop's thread: the cores read on it what the sink keeps.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kedge.streams.events import FAULT
from kedge.streams.names import Topics
from kedge.streams.schemas import Schemas
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.cluster import TIMEOUT_S, Cluster
from kedge.streams.worker.exits import LOG, Die
from kedge.streams.worker.restore import (
    PARTITION_EOF,
    POLL_S,
    STALLED_S,
    RestoreError,
    in_words,
    passing,
    reader_settings,
)

Sink = Callable[[str, bytes, bytes | None], None]
"""Takes one record in: logical topic, key, value (None: a tombstone). Never raises for what a publisher wrote."""

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Topics that a worker reads for itself.

    Args:
        topics: their logical names.
        sink: who is given the records.
        back_ms: how far back, by the time of the records; None: from their beginning.
    """

    topics: tuple[str, ...]
    sink: Sink
    back_ms: int | None = None

    def __str__(self) -> str:
        return " and ".join(self.topics)


CATALOG: Final = ("monitors", "baselines")
"""In this order: a baseline for a model without a monitor is of no use yet."""


class FeedReader:
    """Reads all partitions of a feed's topics, in order within each."""

    def __init__(self, settings: KafkaSettings, feed: Feed, schemas: Schemas, die: Die) -> None:
        """Connect lazily: nothing is read yet."""
        names = Topics(settings.environment)
        self._logical = {names.of(topic): topic for topic in feed.topics}
        self._feed, self._schemas, self._die = feed, schemas, die
        self._consumer = Consumer(reader_settings(settings))
        self._stop = threading.Event()

    def load(self, cluster: Cluster, partitions: Mapping[str, int], now_ms: int, *, stopping: threading.Event) -> int:
        """Read to where the logs end now; returns the number of records. `partitions` counts by full topic name.

        Less, where it waits for the schema registry when `stopping` is set.

        Raises:
            RestoreError, ClusterError: they could not be read to the end.
        """
        logs = [TopicPartition(topic, number, 0) for topic in self._logical for number in range(partitions[topic])]
        ends = cluster.stable_ends(logs)
        starts = self._starts(logs, ends, now_ms)
        missing = {log: end for log, end in ends.items() if end > starts[log]}
        self._consumer.assign([TopicPartition(topic, number, start) for (topic, number), start in starts.items()])
        count, moved = 0, time.monotonic()
        while missing:
            records = self._consumer.consume(_BATCH, POLL_S)
            for record in records:
                if not self._schemas.wait(record.value(), stopping=stopping):
                    return count
                count += self._give(record)
                log, offset = (record.topic() or "", record.partition() or 0), record.offset()
                if offset is not None and log in missing:
                    reached = offset if record.error() is not None else offset + 1
                    if reached >= missing[log]:
                        del missing[log]
            if records:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALLED_S:
                message = f"nothing more comes of {', '.join(f'{topic} {number}' for topic, number in missing)}"
                raise RestoreError(message)
        return count

    def _starts(
        self, logs: Sequence[TopicPartition], ends: Mapping[tuple[str, int], int], now_ms: int
    ) -> dict[tuple[str, int], int]:
        """Where to begin in each log. One without anything so new begins at its end, which was asked for before."""
        if self._feed.back_ms is None:
            return dict.fromkeys(ends, 0)
        since_ms = now_ms - self._feed.back_ms
        asked = [TopicPartition(log.topic, log.partition, since_ms) for log in logs]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=TIMEOUT_S)
        except KafkaException as error:
            raise RestoreError(f"{self._feed} cannot be searched by time: {error.args[0].str()}") from error
        for log in found:
            if log.error is not None:
                raise RestoreError(f"{log.topic} {log.partition} cannot be searched by time: {log.error.str()}")
        starts = {(log.topic, log.partition): log.offset for log in found}
        return {log: start if start >= 0 else ends[log] for log, start in starts.items()}

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on reading, in a daemon thread; each record reaches the sink on `loop`."""

        def read() -> None:
            try:
                while not self._stop.is_set():
                    for record in self._consumer.consume(_BATCH, POLL_S):
                        if not self._schemas.wait(record.value(), stopping=self._stop):
                            break
                        loop.call_soon_threadsafe(self._give_or_die, record)
                self._consumer.close()
            except Exception as error:  # noqa: BLE001 - or the thread would end, and nobody know
                if not self._stop.is_set():  # else the loop was closed under us
                    FAULT.tell(LOG, f"{self._feed} cannot be followed", error)
                    self._die(f"{self._feed} cannot be followed: {error!r}")

        threading.Thread(target=read, name=f"feed of {self._feed}", daemon=True).start()

    def stop(self) -> None:
        """Read nothing more."""
        self._stop.set()

    def _give_or_die(self, record: "Message[Any, Any]") -> None:
        try:
            self._give(record)
        except RestoreError as error:
            self._die(f"{self._feed} cannot be followed: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a sink raises, something is missing
            FAULT.tell(LOG, f"a record of {self._feed} was not taken in", error)
            self._die(f"a record of {self._feed} was not taken in: {error!r}")

    def _give(self, record: "Message[Any, Any]") -> int:
        error = record.error()
        if error is None:
            self._feed.sink(self._logical[record.topic() or ""], record.key() or b"", record.value())
            return 1
        if error.code() != PARTITION_EOF and not passing(error):
            raise RestoreError(in_words(error, record.topic()))
        return 0
