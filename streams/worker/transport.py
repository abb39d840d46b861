# ruff: noqa: SLF001, ANN401 - to use what is private is this module's purpose
"""Faust's Kafka driver, with three things of our own: where reading starts, what a fetch hands on, how it fetches.

A partition is read only once its owner has restored the state and opened it at the offset where that state ends.
Until then, and from a revoke on, it is closed: whatever Faust and aiokafka do meanwhile, no record gets through.

Everything private that Kedge uses of Faust and aiokafka is used here, and `tests/streams/worker/test_contract.py`
checks that the pinned versions still have it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, cast

from aiokafka.consumer import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # type: ignore[import-untyped]
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError  # type: ignore[import-untyped]
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from kedge.streams.access import forbidden
from kedge.streams.worker.exits import die
from kedge.streams.worker.scheduler import Batch, Fetched

FETCH_WAIT_MS = 100
"""Faust's 1,500 ms would be the delay of every quiet partition."""

_POLL_S = 0.25
"""How long one fetch call may wait for records: whoever opens a partition waits for it."""


class Seats(Protocol):
    """Whoever owns the partitions."""

    def connected(self, thread: "FetchThread") -> None:
        """This is the thread that will read; it may not run yet."""

    def assigned(self, partitions: frozenset[TP]) -> None:
        """The group has settled on these: take each over, and open it."""

    async def revoked(self) -> None:
        """The assignment is over: finish or give up what is under way."""


class FetchThread(driver.AIOKafkaConsumerThread):
    """The thread with aiokafka's consumer. It fetches from open partitions, and never while one is being opened."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._exclusive = asyncio.Lock()
        self._open: dict[TP, int] = {}  # partition → the epoch that it was opened for
        self._last: dict[TP, int] = {}  # partition → the last offset fetched in that epoch

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust offers no setting for these three; aiokafka reads them when the consumer starts.
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        # Co-partitioned topics must meet in one worker: range over equal counts gives equal numbers.
        consumer._partition_assignment_strategy = [RangePartitionAssignor]
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> RecordMap:
        async with self._exclusive:
            epochs = self._open
            wanted = {tp for tp in active_partitions if tp in epochs}
            if not wanted:  # aiokafka would take an empty set for all
                await asyncio.sleep(_POLL_S / 10)
                return {}
            try:
                fetched = await super()._fetch_records(
                    consumer, wanted, timeout=min(timeout or _POLL_S, _POLL_S), max_records=max_records
                )
            except TopicAuthorizationFailedError as error:  # Faust would crash, and say why below others
                die(forbidden("reading is refused", ", ".join(map(str, error.args))))
            marked = {TP(*tp): self._marked(TP(*tp), epochs, records) for tp, records in fetched.items()}
            return cast("RecordMap", marked)

    def _marked(self, tp: TP, epochs: Mapping[TP, int], records: list[Any]) -> Fetched:
        follows = self.last(tp)
        self._last[tp] = records[-1].offset
        return Fetched(epochs[tp], follows, records)

    async def open(self, tp: TP, offset: int, epoch: int) -> None:
        """Read the partition from `offset` on; its batches carry `epoch`, a number never given before.

        Raises:
            aiokafka.errors.IllegalStateError: it is not assigned any more.
        """
        await self.call_thread(self._seek_and_open, tp, offset, epoch)

    async def _seek_and_open(self, tp: TP, offset: int, epoch: int) -> None:
        async with self._exclusive:
            self._ensure_consumer().seek(tp, offset)
            self._last.pop(tp, None)
            self._open = {**self._open, tp: epoch}

    def close_partitions(self) -> None:
        """Read nothing more, from any thread. A fetch under way still ends; its batches are of a closed epoch."""
        self._open = {}

    async def last_before(self, tp: TP, end: int) -> int | None:
        """The last offset fetched in this epoch (-1: none), if all before `end` was fetched; else None."""
        return cast("int | None", await self.call_thread(self._last_before, tp, end))

    async def _last_before(self, tp: TP, end: int) -> int | None:
        position, _ = self.progress(tp)
        return None if position is None or position < end else self.last(tp)

    def progress(self, tp: TP) -> tuple[int | None, int | None]:
        """The consumer's position in a partition, and the last stable offset that it has heard of; from any thread."""
        subscription = self._ensure_consumer()._fetcher._subscriptions.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None, None
        state = assignment.state_value(tp)
        return (state.position, state.lso) if state.has_valid_position else (None, None)

    def last(self, tp: TP) -> int:
        """The last offset fetched in this epoch, -1 for none; from any thread."""
        return self._last.get(tp, -1)

    async def hint(self, offsets: Mapping[TP, int]) -> None:
        """Commit offsets for tools that show a group's lag. Nothing reads them back: a failure is no matter."""
        await self.call_thread(self._hint, offsets)

    async def _hint(self, offsets: Mapping[TP, int]) -> None:
        assigned = self.assignment()
        try:
            await self._ensure_consumer().commit({tp: offset for tp, offset in offsets.items() if tp in assigned})
        except Exception as error:  # noqa: BLE001 - whatever it was, the state has the position
            self.log.debug("the group's offsets were not committed: %r", error)

    def join_error(self) -> str | None:
        """Why the group coordination has stopped for good, if it has; from any thread.

        aiokafka keeps such an error for the next call of a public method, and Faust never calls one: the worker
        would idle without partitions, and look alive.
        """
        consumer = self._consumer
        if consumer is None or consumer._closed or consumer._coordinator is None:
            return None
        coordinator = consumer._coordinator
        if coordinator._pending_exception is not None:
            if isinstance(coordinator._pending_exception, GroupAuthorizationFailedError):
                return forbidden("joining is refused", f"the group {consumer._group_id}")
            return repr(coordinator._pending_exception)
        return "the coordination task has ended" if coordinator._coordination_task.done() else None


class _Untracked(dict[TP, int | None]):
    """Faust drops what lies before its own idea of the position. The batches' chain is ours, so it gets no idea."""

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        return None


class SeatedConsumer(driver.Consumer):
    """Where Faust tells us of assignments; `seats` takes partitions over and gives them back."""

    seats: Seats
    _thread: FetchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Faust's."""
        super().__init__(*args, **kwargs)
        self._read_offset = _Untracked()

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def thread(self) -> FetchThread:
        """The thread that fetches."""
        return self._thread

    def highwater(self, tp: TP) -> int:  # noqa: ARG002 - Faust's signature
        """Not asked: only Faust's monitor wants it, for every event, and asking fails between two assignments."""
        return 0

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Not logged: our watchdog looks at the same, and acts."""

    def _to_message(self, tp: TP, record: Batch) -> ConsumerMessage:
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=record.last,
            timestamp=record.records[-1].timestamp / 1000,
            timestamp_type=0,
            headers=None,
            key=None,
            value=cast("bytes", record),  # the raw codec hands it on as it is
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The group has settled."""
        await super().on_partitions_assigned(assigned, generation_id)
        self.seats.assigned(frozenset(assigned))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """The group is about to settle anew: nothing held is ours from here on, whatever comes next."""
        self._thread.close_partitions()
        await super().on_partitions_revoked(revoked)
        await self.seats.revoked()

    async def perform_seek(self) -> None:
        """Nothing: a partition is sought when it is opened, to where its state ends.

        Faust would go to the group's committed offsets, which are a hint for tools and say nothing of the state.
        """


class Transport(driver.Transport):
    """`kafka://` with our consumer."""

    Consumer = SeatedConsumer

    seats: Seats

    def create_consumer(self, callback: Any, **kwargs: Any) -> SeatedConsumer:
        """Make the consumer and tell it who owns partitions."""
        consumer = cast("SeatedConsumer", super().create_consumer(callback, **kwargs))
        consumer.seats = self.seats
        self.seats.connected(consumer.thread)
        return consumer
