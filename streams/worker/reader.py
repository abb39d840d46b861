"""Monitors and baselines: every worker needs all of them, so they are read without a group.

`load` reads them to their end before anything is counted; `follow` gives what comes after. What is read goes to a
*sink* (logical topic, key, value), on the event loop's thread: the cores read on it what the sink keeps.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, Message, TopicPartition

from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.cluster import Cluster
from kedge.streams.worker.exits import LOG, Die
from kedge.streams.worker.restore import PARTITION_EOF, POLL_S, STALLED_S, RestoreError, passing, reader_settings

CATALOG: Final = ("monitors", "baselines")
"""In this order: a baseline for a model without a monitor is of no use yet."""

Sink = Callable[[str, bytes, bytes | None], None]
"""Takes one record in: logical topic, key, value (None: a tombstone). Never raises for what a publisher wrote."""

_BATCH = 500


class CatalogReader:
    """Reads all partitions of `topics`, in order within each."""

    def __init__(self, settings: KafkaSettings, sink: Sink, die: Die) -> None:
        """Connect lazily: nothing is read yet."""
        names = Topics(settings.environment)
        self._logical = {names.of(topic): topic for topic in CATALOG}
        self._sink, self._die = sink, die
        self._consumer = Consumer(reader_settings(settings.client()))
        self._stop = threading.Event()

    def load(self, cluster: Cluster, partitions: Mapping[str, int]) -> int:
        """Read to where the logs end now; returns the number of records. `partitions` counts by full topic name.

        Raises:
            RestoreError, ClusterError: they could not be read to the end.
        """
        logs = [TopicPartition(topic, number, 0) for topic in self._logical for number in range(partitions[topic])]
        missing = {log: end for log, end in cluster.stable_ends(logs).items() if end > 0}
        self._consumer.assign(logs)
        count, moved = 0, time.monotonic()
        while missing:
            records = self._consumer.consume(_BATCH, POLL_S)
            for record in records:
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

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on reading, in a daemon thread; each record reaches the sink on `loop`."""

        def read() -> None:
            try:
                while not self._stop.is_set():
                    for record in self._consumer.consume(_BATCH, POLL_S):
                        loop.call_soon_threadsafe(self._give_or_die, record)
                self._consumer.close()
            except Exception as error:  # noqa: BLE001 - or the thread would end, and nobody know
                if not self._stop.is_set():  # else the loop was closed under us
                    LOG.exception("monitors and baselines cannot be followed")
                    self._die(f"monitors and baselines cannot be followed: {error!r}")

        threading.Thread(target=read, name="catalog", daemon=True).start()

    def stop(self) -> None:
        """Read nothing more."""
        self._stop.set()

    def _give_or_die(self, record: "Message[Any, Any]") -> None:
        try:
            self._give(record)
        except Exception as error:  # noqa: BLE001 - whatever a sink raises, some of the catalog is missing
            LOG.exception("a record of the catalog was not taken in")
            self._die(f"a record of the catalog was not taken in: {error!r}")

    def _give(self, record: "Message[Any, Any]") -> int:
        error = record.error()
        if error is None:
            self._sink(self._logical[record.topic() or ""], record.key() or b"", record.value())
            return 1
        if error.code() != PARTITION_EOF and not passing(error):
            raise RestoreError(error.str())
        return 0
