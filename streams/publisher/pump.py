"""What the background thread does, a step at a time: queue → batches → Kafka. Time and connection are given to it.

A batch that Kafka has not acknowledged in time is `undelivered`: a gap in its stream's numbers, which the worker
charges to the windows and gives back should the batch have arrived after all. It is never counted as dropped, or its
rows would be missed twice. After the last batch of a stream nobody sees a gap, nor a drop: then only `stats` tells.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.errors import RegistryUnavailableError, UnencodableError
from kedge.schemas.partition import partition_for, partitions_for
from kedge.streams.publisher.batcher import Batch, Batcher, Limits, Oversize
from kedge.streams.publisher.bulk import Bulk
from kedge.streams.publisher.columns import Slice
from kedge.streams.publisher.intake import Intake, Item
from kedge.streams.publisher.link import Link
from kedge.streams.publisher.outcome import OutcomeRow
from kedge.streams.publisher.pack import record_of
from kedge.streams.publisher.row import Row, Stream

__all__ = ["Pump"]

ROWS_A_RUN: Final = 1_000
"""Rows placed between two looks at the connection."""

PARTITIONS_KEPT_S: Final = 300.0
"""How long a partition count is believed; a topic is rarely widened, but serving nodes run for months."""

ASK_TIMEOUT_S: Final = 0.5
REGISTRY_PAUSE_S: Final = 2.0
ASK_PAUSE_S_MAX: Final = 2.0
POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Letter:
    """An outcome on its way to its partition; it travels alone."""

    row: OutcomeRow
    partition: int

    @property
    def rows(self) -> int:
        return 1

    @property
    def cost(self) -> int:
        return self.row.cost


class Pump:
    """Moves rows from the intake to Kafka and says there what became of them."""

    def __init__(self, intake: Intake, link: Link, codec: Codec, limits: Limits, producer: str) -> None:
        self._intake = intake
        self._link = link
        self._codec = codec
        self._producer = producer
        self._batcher = Batcher(limits)
        self._waiting = deque[Item]()  # not in a batch yet
        self._outbox = deque[Batch | _Letter]()  # numbered, not handed to Kafka yet
        self._message: bytes | None = None  # of the outbox's first batch, once encoded
        self._in_flight = 0
        self._charged: dict[Stream, int] = {}
        self._count: int | None = None
        self._ask_at_s = 0.0
        self._ask_pause_s = 0.1
        self._registry_trouble: str | None = None
        self._encode_at_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._waiting or self._outbox or self._in_flight or self._batcher.open_rows)

    @property
    def trouble(self) -> str | None:
        """What holds rows up, None where nothing does."""
        return self._registry_trouble or self._link.trouble

    def step(self, now_s: float) -> None:
        """Take what has come, close what is due, send what is closed."""
        self._waiting.extend(self._intake.drain())
        self._charge()
        count = self._partitions(now_s) if self._waiting else None
        while self._waiting and count is not None:
            self._place(count, now_s)
            self._send(now_s)
        self._outbox.extend(self._batcher.due(now_s))
        self._send(now_s)
        self._link.poll(0)

    def flush(self, now_s: float) -> bool:
        """Close every batch, however young, and send it; False: rows that have no partition yet could not go along."""
        self._outbox.extend(self._batcher.close_all())
        self._send(now_s)
        return not self._waiting

    def finish(self, clock: Callable[[], float], deadline_s: float) -> None:
        """Send all that is there until `deadline_s`; count what is left as lost."""
        self.step(clock())
        self.flush(clock())
        while self.busy and clock() < deadline_s:
            self._link.poll(POLL_S)
            self.step(clock())
            self.flush(clock())
        if self.busy:
            self._abandon()

    def _abandon(self) -> None:
        unnumbered = sum(item.rows for item in self._waiting) + self._batcher.open_rows
        self._waiting.clear()
        # Numbered: the worker will see the gap they leave, so they are not drops.
        numbered = sum(batch.rows for batch in self._outbox)
        self._outbox.clear()
        self._intake.settle(undelivered=numbered, discarded=unnumbered)
        self._link.purge()

    def _charge(self) -> None:
        for stream, total in self._intake.drops().items():
            fresh = total - self._charged.get(stream, 0)
            if fresh:
                self._charged[stream] = total
                self._batcher.charge(stream, fresh)

    def _partitions(self, now_s: float) -> int | None:
        if now_s < self._ask_at_s:
            return self._count
        found = self._link.partitions(ASK_TIMEOUT_S)
        if found is not None:
            self._count = found
            self._ask_pause_s = 0.1
            self._ask_at_s = now_s + PARTITIONS_KEPT_S
        else:
            self._ask_pause_s = min(2 * self._ask_pause_s, ASK_PAUSE_S_MAX)
            self._ask_at_s = now_s + self._ask_pause_s
        return self._count

    def _place(self, count: int, now_s: float) -> None:
        """Put the next run of rows into batches."""
        first = self._waiting.popleft()
        if isinstance(first, Bulk):
            self._place_bulk(first, count, now_s)
            return
        if isinstance(first, OutcomeRow):
            self._outbox.append(_Letter(first, partition_for(first.record.request_id.encode(), count)))
            return
        run = [first]
        while len(run) < ROWS_A_RUN and self._waiting and isinstance(self._waiting[0], Row):
            run.append(self._waiting.popleft())  # type: ignore[arg-type] # looked at just now
        partitions = partitions_for([row.request_id.encode() for row in run], count).tolist()
        for row, partition in zip(run, partitions, strict=True):
            self._keep(self._batcher.add(row, stream=row.stream, partition=partition, now_s=now_s))

    def _place_bulk(self, bulk: Bulk, count: int, now_s: float) -> None:
        chunk = bulk.chunk()
        partitions = partitions_for([text.encode() for text in bulk.request_ids], count)
        for partition in np.unique(partitions).tolist():
            places = np.flatnonzero(partitions == partition)
            piece = Slice(chunk, places, chunk.names, bulk.text, bulk.cost)
            self._keep(self._batcher.add(piece, stream=bulk.stream, partition=partition, now_s=now_s))

    def _keep(self, results: Sequence[Batch | Oversize]) -> None:
        for result in results:
            if isinstance(result, Batch):
                self._outbox.append(result)
            else:
                self._intake.settle(discarded=result.rows)
                self._intake.release(result.cost)

    def _send(self, now_s: float) -> None:
        while self._outbox and now_s >= self._encode_at_s:
            batch = self._outbox[0]
            try:
                message = self._message or self._codec.encode(self._record(batch))
            except RegistryUnavailableError as error:
                self._registry_trouble = f"schema registry: {error}"
                self._encode_at_s = now_s + REGISTRY_PAUSE_S
                return
            except UnencodableError:
                self._outbox.popleft()
                self._intake.settle(undelivered=batch.rows)
                self._intake.release(batch.cost)
                continue
            self._registry_trouble = None
            if not self._hand_over(batch, message):
                self._message = message
                return
            self._message = None
            self._outbox.popleft()
            self._in_flight += 1
            self._intake.release(batch.cost - len(message))
            self._link.poll(0)

    def _record(self, parcel: "Batch | _Letter") -> object:
        return parcel.row.record if isinstance(parcel, _Letter) else record_of(parcel, self._producer)

    def _hand_over(self, parcel: "Batch | _Letter", message: bytes) -> bool:
        receipt = partial(self._receive, parcel.rows, len(message))
        if isinstance(parcel, _Letter):
            key = parcel.row.record.request_id.encode()
            return self._link.send_outcome(parcel.partition, key, message, receipt)
        return self._link.send(parcel.partition, message, receipt)

    def _receive(self, rows: int, size: int, fault: str | None) -> None:
        self._in_flight -= 1
        self._intake.release(size)
        if fault is None:
            self._intake.settle(sent=rows)
        else:
            self._intake.settle(undelivered=rows)
