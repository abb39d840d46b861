"""One partition of one agent, during one assignment: it takes the state over, folds, and checkpoints.

An agent may have several sources; the owner has the same partition number of each, and one state for all of them.

The core is touched on the event loop alone. What blocks (the restore and the producer's calls) runs in the owner's
one thread, a call at a time, so that there is one checkpoint in flight; folding goes on meanwhile, into the next.
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import KafkaException, TopicPartition
from faust.types import TP

from kedge.streams import events
from kedge.streams.core.instructions import STATE, StandingCore, TickingCore, Write
from kedge.streams.worker.chronicle import Chronicle
from kedge.streams.worker.cluster import ClusterError
from kedge.streams.worker.exits import LOG, Repeated
from kedge.streams.worker.means import AgentSpec, Means, Seat
from kedge.streams.worker.scheduler import Batch
from kedge.streams.worker.source import Source, positions
from kedge.streams.worker.takeover import Taken, take_over
from kedge.streams.worker.transaction import FencedError, Message, TransactionError
from kedge.streams.worker.transport import FetchThread

T = TypeVar("T")

CROWDED_S = 10.0
"""How old the oldest uncommitted work may be before folding waits: the most that a crash makes us do again."""

ASK_AGAIN_S = 0.5
"""How often a batch that waits for the schema registry looks whether it may go on."""

RETIRE_S = 10.0
"""How long a revoke waits for what is in flight before it gives the owner up; the group waits for us meanwhile."""

_EPOCHS = itertools.count()
"""One for each owner that starts: a batch fetched for another is told by it."""


class Owner:
    """See the module."""

    def __init__(self, spec: AgentSpec, partition: int, means: Means) -> None:
        """Nothing is fenced or read before `take_over`."""
        self.spec, self.seat = spec, Seat(spec.name, partition)
        self.sources = [Source(name, TP(means.topics.of(name), partition)) for name in spec.sources]
        self._by_tp = {source.tp: source for source in self.sources}
        self._means = means
        self.name = str(self.seat)
        self._blocking = ThreadPoolExecutor(1, thread_name_prefix=self.name.replace(" ", "-"))
        self._abandoned = threading.Event()
        self._chronicle = Chronicle(self.seat, means.schemas.codec)
        self._taken: Taken | None = None
        self._oldest_s: float | None = None  # since when work waits for a checkpoint
        self._flight_s: float | None = None  # the same for the checkpoint in flight
        self._stopping = self._saving = False
        self._astray = Repeated()
        self._wake, self._moved = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    @property
    def counting(self) -> bool:
        """It is restored and folds what comes."""
        return self._loop is not None and not self._stopping

    @property
    def waiting_s(self) -> float:
        """For how long the oldest uncommitted work has waited."""
        since = self._flight_s if self._flight_s is not None else self._oldest_s
        return 0.0 if since is None else time.monotonic() - since

    async def take_over(self, partitions: Mapping[str, int]) -> None:
        """Fence earlier owners and restore the state, once for all sources; raises what `takeover.take_over` does."""
        began = time.monotonic()
        taken = await self._block(
            lambda: take_over(self.spec, self.seat.partition, self._means, partitions, self._abandoned)
        )
        self._taken = taken
        self._commit(taken.committed)
        seconds = time.monotonic() - began
        self._means.observer.restored(self.seat, seconds)
        offsets = {source.name: source.committed + 1 for source in self.sources}
        goes_on = ", ".join(f"{offset} of {name}" for name, offset in offsets.items())
        events.RESTORED.tell(
            LOG,
            f"{self.name}: restored {taken.records} records in {seconds:.1f} s, goes on at {goes_on}",
            **self.seat._asdict(),
            records=taken.records,
            seconds=round(seconds, 3),
            offsets=offsets,
        )

    async def start(self, thread: FetchThread) -> None:
        """Open each source where the state ends, fold what comes, and checkpoint."""
        if self._taken is None:
            message = "an owner starts after its take-over"
            raise RuntimeError(message)
        epoch = next(_EPOCHS)
        for source in self.sources:
            await source.open(thread, epoch)
        self._loop = asyncio.get_running_loop().create_task(self._checkpoints(self._taken))

    async def fold(self, batch: Batch) -> None:
        """Fold a batch of this owner's epoch; any other is dropped.

        Waits while too much is uncommitted, and for the schema registry where it must be asked: to go on without
        would mean to refuse what may be good.
        """
        while not self._stopping and self.waiting_s > CROWDED_S:
            self._moved.clear()
            await self._moved.wait()
        await self._learn(batch)
        if self._stopping or self._taken is None or not self._by_tp[batch.tp].takes(batch):
            return
        if self._oldest_s is None:
            self._oldest_s = time.monotonic()
        core = self._taken.core
        core.fold(batch.records, self._means.clock())
        if core.due:
            self._wake.set()

    async def _learn(self, batch: Batch) -> None:
        schemas = self._means.schemas
        asked = schemas.unknown(record.value for record in batch.records)
        while asked and not self._stopping and not await asyncio.to_thread(schemas.learn, asked):
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), ASK_AGAIN_S)

    async def finish(self, *, save: bool) -> bool:
        """Stop folding. The checkpoint in flight is awaited, up to a limit; `save` makes one more before the end.

        Returns whether all that was begun has ended. If not, the owner is given up: its transaction is aborted by
        the next owner, and what it folded is folded again there.
        """
        settled = False
        self._stopping, self._saving = True, save
        self._wake.set()
        self._moved.set()
        if self._loop is None:
            self._abandoned.set()
        else:
            await asyncio.wait([self._loop], timeout=RETIRE_S)
        with contextlib.suppress(TimeoutError, KafkaException):  # the transaction is settled, or given up
            await asyncio.wait_for(self._block(self._close), RETIRE_S)
            settled = self._loop is None or self._loop.done()
        self._abandoned.set()
        self._blocking.shutdown(wait=False, cancel_futures=True)
        self._means.observer.left(self.seat)
        return settled

    def _close(self) -> None:
        if self._taken is not None:
            self._taken.writer.close()

    async def _checkpoints(self, taken: Taken) -> None:
        try:
            while not self._stopping:
                began = time.monotonic()
                self._wake.clear()
                await self._checkpoint(taken)
                left_s = self._means.settings.worker.checkpoint_s - (time.monotonic() - began)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), max(0.0, left_s))
            if self._saving:
                await self._checkpoint(taken)
        except Exception as error:  # noqa: BLE001 - or the task would end, and nobody know
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if self._abandoned.is_set():  # given up: somebody else may have fenced it, and its thread is gone
            events.GIVEN_UP.tell(LOG, f"{self.name}: given up with a checkpoint in flight: {error!r}", partitions=1)
        elif isinstance(error, FencedError):
            self._means.die(f"{self.name}: fenced: another worker has taken the partition over ({error})")
        elif isinstance(error, TransactionError):
            self._means.die(f"{self.name}: the transaction failed for good: {error}")
        else:  # our own fault: a core that failed half-way is never committed
            events.FAULT.tell(LOG, f"{self.name}: the checkpoint failed", error, **self.seat._asdict())
            self._means.die(f"{self.name}: the checkpoint failed: {error!r}")

    async def _checkpoint(self, taken: Taken) -> None:
        if isinstance(taken.core, TickingCore):
            taken.core.tick(self._means.clock())
        if isinstance(taken.core, StandingCore):
            await self._stand(taken.core)
        checkpoint = taken.core.snapshot(self._means.clock())
        self._means.observer.observed(self.seat, taken.core.drain())
        began = time.monotonic()
        self._flight_s, self._oldest_s = self._oldest_s or began, None
        if checkpoint is not None:
            messages = [self._message(write) for write in checkpoint.writes]
            await self._block(lambda: taken.writer.commit(messages))
            self._commit(checkpoint.committed)
            self._means.observer.checkpointed(self.seat, time.monotonic() - began)
            self._chronicle.tell(checkpoint.writes)
        self._flight_s = None
        self._moved.set()

    def _commit(self, committed: Mapping[str, int]) -> None:
        contained = positions(committed, self.spec.sources)
        for source in self.sources:
            source.commit(contained[source.name])

    async def _stand(self, core: StandingCore) -> None:
        """Tell the core where its logs end, in records."""
        logs = [TopicPartition(tp.topic, tp.partition) for tp in self._by_tp]
        try:
            ends = await self._block(lambda: self._means.cluster.stable_ends(logs))
        except ClusterError as error:
            # It stands nowhere; the commit that follows is tried anyway.
            self._astray.tell(events.NO_END, f"{self.name}: {error}", **self.seat._asdict())
            return
        told = await asyncio.gather(*(source.end_in_records(ends[source.tp]) for source in self.sources))
        core.stand(dict(zip(self.spec.sources, told, strict=True)), self._means.clock())

    def _message(self, write: Write) -> Message:
        if write.topic == STATE:
            return Message(self._means.topics.of(self.spec.state), self.seat.partition, write.key, write.value)
        return Message(self._means.topics.of(write.topic), write.partition, write.key, write.value)

    async def _block(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._blocking, call)
