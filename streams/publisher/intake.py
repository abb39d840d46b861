"""The bounded queue between the callers and the background thread, and the count of every row.

Callers write their counters under a lock of their own; the background thread writes its counters alone and takes no
lock at all. So a caller that is interrupted inside the lock (by a signal, or because another thread runs) never
holds the thread up, and `close` in a signal handler cannot deadlock.
"""

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import RLock
from typing import Final, TypeAlias

from kedge.streams.publisher.admission import Refusal
from kedge.streams.publisher.bulk import Bulk
from kedge.streams.publisher.outcome import OutcomeRow
from kedge.streams.publisher.row import Row, Stream

__all__ = ["Intake", "Item", "Stats"]

Item: TypeAlias = Row | Bulk | OutcomeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of the rows of this process so far: logged = sent + queued + dropped + undelivered.

    An outcome is a row.
    """

    logged: int
    """Rows that calls handed over, refused ones not among them."""
    sent: int
    """Acknowledged by Kafka."""
    queued: int
    """On the way: in the queue, in an open batch, or sent and not acknowledged yet."""
    dropped: int
    """Never given to Kafka: the queue was full, or the publisher closed. The next batch of their stream says so."""
    undelivered: int
    """Given to Kafka and not acknowledged in time; a few of them may have arrived all the same."""
    rejected: int
    """Rows of calls that were not taken at all; not part of `logged`."""
    rejections: Mapping[Refusal, int]
    """`rejected` by reason."""


class Intake:
    """Rows on their way; bounded by rows and by bytes of memory, whatever holds them up.

    What is in a batch or on the wire counts against the bounds like what is in the queue: `release` and `settle`
    give it back.
    """

    def __init__(self, rows_max: int, bytes_max: int) -> None:
        self._rows_max: Final = rows_max
        self._bytes_max: Final = bytes_max
        self._items = deque[Item]()
        self._wake = SimpleQueue[None]()  # its `put` may be called from a signal handler, unlike Event.set
        self._asleep = False
        # Written by callers, under the lock. Reentrant: a signal handler or a finalizer may log, too.
        self._lock = RLock()
        self._closed = False
        self._logged = 0
        self._taken_bytes = 0
        self._refused_rows = 0
        self._drops: dict[Stream, int] = {}
        self._rejections: dict[Refusal, int] = {}
        # Written by the background thread.
        self._sent = 0
        self._undelivered = 0
        self._discarded = 0
        self._given_back_bytes = 0

    # --- callers

    def offer(self, item: Item) -> None:
        """Take as many of the item's rows as there is room for; the rest is dropped and counted."""
        rows, cost = item.rows, item.cost
        with self._lock:
            gone = self._refused_rows + self._sent + self._undelivered + self._discarded
            rows_free = self._rows_max - (self._logged - gone)
            bytes_free = self._bytes_max - (self._taken_bytes - self._given_back_bytes)
            taken = rows
            if rows > rows_free or rows * cost > bytes_free:
                taken = max(0, min(rows_free, bytes_free // cost))
            part = item.head(taken)
            # Signal handlers run between calls, and one of them may close. From here to `append` nothing is called,
            # so that a handler finds these rows counted and queued, or neither.
            if self._closed:
                taken = 0
            self._logged += rows
            self._refused_rows += rows - taken
            self._taken_bytes += taken * cost
            if taken:
                self._items.append(part)
            if taken < rows and item.stream is not None:
                self._drops[item.stream] = self._drops.get(item.stream, 0) + rows - taken
        if self._asleep:
            self.wake()

    def reject(self, refusal: Refusal, rows: int) -> None:
        """Count rows of a call that is not taken."""
        with self._lock:
            self._rejections[refusal] = self._rejections.get(refusal, 0) + rows

    def close(self) -> None:
        """Drop whatever comes from now on; what is in stays in."""
        with self._lock:
            self._closed = True

    def wake(self) -> None:
        """Wake the background thread."""
        self._asleep = False
        self._wake.put(None)

    def stats(self) -> Stats:
        """Return the counters, as of one moment."""
        # The thread's first: every row that they count has been counted as logged before.
        sent, undelivered, discarded = self._sent, self._undelivered, self._discarded
        with self._lock:
            dropped = self._refused_rows + discarded
            return Stats(
                logged=self._logged,
                sent=sent,
                queued=self._logged - sent - undelivered - dropped,
                dropped=dropped,
                undelivered=undelivered,
                rejected=sum(self._rejections.values()),
                rejections=dict(self._rejections),
            )

    # --- the background thread

    def drain(self) -> list[Item]:
        """Return what has come since the last call, in order."""
        items = []
        while self._items:
            items.append(self._items.popleft())
        return items

    def drops(self) -> Mapping[Stream, int]:
        """Return how many rows of each stream the queue has dropped so far."""
        return self._drops.copy()

    def release(self, cost: int) -> None:
        """Give memory back (negative: take more)."""
        self._given_back_bytes += cost

    def settle(self, *, sent: int = 0, undelivered: int = 0, discarded: int = 0) -> None:
        """Say what became of rows."""
        self._sent += sent
        self._undelivered += undelivered
        self._discarded += discarded

    @property
    def lost(self) -> tuple[int, int]:
        """Rows dropped and rows undelivered so far; takes no lock, unlike `stats`."""
        return self._refused_rows + self._discarded, self._undelivered

    def wait(self, timeout_s: float) -> None:
        """Sleep until something comes, at most `timeout_s`."""
        self._asleep = True
        if not self._items:
            with suppress(Empty):
                self._wake.get(timeout=timeout_s)
        self._asleep = False
