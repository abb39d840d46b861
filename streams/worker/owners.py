"""All partitions that this worker owns now, and the rebalances that change them."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka.errors import IllegalStateError  # type: ignore[import-untyped]
from faust.types import TP

from kedge.streams import events
from kedge.streams.access import AccessError
from kedge.streams.core.instructions import TopologyMismatchError
from kedge.streams.topics import TOPICS
from kedge.streams.worker.cluster import ClusterError, TopicsMissingError, UnequalPartitionsError
from kedge.streams.worker.exits import FAILED, LOG
from kedge.streams.worker.means import AgentSpec, Means
from kedge.streams.worker.owner import Owner
from kedge.streams.worker.restore import RestoreError
from kedge.streams.worker.scheduler import Batch
from kedge.streams.worker.takeover import UnreadableStateError, refuse_unequal
from kedge.streams.worker.transaction import AbandonedError, FencedError, TransactionError
from kedge.streams.worker.transport import FetchThread


class Owners:
    """Makes an owner for every seat assigned, gives each its batches, and retires all of them on a revoke.

    A seat is an agent's partition number: one partition of each of its sources, which the group gives to one worker.

    A revoke takes everything back, also what the next assignment will return: whoever keeps a state over a
    rebalance must prove that nobody else has moved it, and to read it again is the proof.
    """

    def __init__(self, agents: Sequence[AgentSpec], means: Means) -> None:
        """Own nothing yet."""
        self._specs = {means.topics.of(source): spec for spec in agents for source in spec.sources}
        self._means = means
        self._owners: dict[TP, Owner] = {}
        self._taking: asyncio.Task[None] | None = None
        self._assigned: frozenset[TP] | None = None
        self._unsettled_s: float | None = time.monotonic()
        self._finished = False
        self.consumer_thread: FetchThread | None = None

    @property
    def owners(self) -> Sequence[Owner]:
        """Those of the assignment that holds."""
        return list(dict.fromkeys(self._owners.values()))

    @property
    def is_assigned(self) -> bool:
        """The group has settled; the partitions may still be restoring, or be none."""
        return self._assigned is not None

    @property
    def ready(self) -> bool:
        """The group has settled, and every partition assigned is restored and counting (there may be none)."""
        return self._assigned is not None and all(
            tp in self._owners and self._owners[tp].counting for tp in self._assigned
        )

    @property
    def unsettled_s(self) -> float:
        """For how long the worker has not been ready."""
        if self.ready:
            self._unsettled_s = None
            return 0.0
        if self._unsettled_s is None:
            self._unsettled_s = time.monotonic()
        return time.monotonic() - self._unsettled_s

    @property
    def held_up(self) -> bool:
        """The schema registry is away, and what it must be asked about waits for it."""
        return self._means.schemas.away

    def connected(self, thread: FetchThread) -> None:
        """This is the thread that will read; it may not run yet."""
        self.consumer_thread = thread

    def assigned(self, partitions: frozenset[TP]) -> None:
        """Take the partitions over, in the background: Faust and the group go on meanwhile.

        A rebalance that ends while the worker stops gives it partitions that it must not touch any more.
        """
        if self._finished:
            return
        self._assigned = partitions
        self._unsettled_s = time.monotonic()
        named = sorted(f"{tp.topic} {tp.partition}" for tp in partitions)
        events.ASSIGNED.tell(LOG, f"assigned: {', '.join(named) or 'nothing'}", partitions=named)
        self._taking = asyncio.get_running_loop().create_task(self._take_over(partitions))

    async def fold(self, batch: Batch) -> None:
        """Give a batch to its owner; without one it belongs to an assignment that is over."""
        owner = self._owners.get(batch.tp)
        if owner is not None:
            await self._fold(owner, batch)

    async def revoked(self) -> None:
        """Retire every owner: no partition is ours from here on."""
        await self._retire(save=False)

    async def finish(self) -> None:
        """The worker stops: a last checkpoint of every partition, and all transactions closed."""
        self._finished = True
        if self.consumer_thread is not None:
            self.consumer_thread.close_partitions()
        await self._retire(save=True)

    async def _retire(self, *, save: bool) -> None:
        retiring, self._owners, self._assigned = self.owners, {}, None
        if self._taking is not None:
            self._taking.cancel()
        settled = await asyncio.gather(*(owner.finish(save=save) for owner in retiring))
        if not all(settled):
            lost = settled.count(False)
            words = f"gave {lost} of {len(retiring)} partitions up with a transaction in flight"
            events.GIVEN_UP.tell(LOG, words, partitions=lost)
        elif retiring:
            words = f"retired {len(retiring)} partitions{' after a last checkpoint' if save else ''}"
            events.RETIRED.tell(LOG, words, partitions=len(retiring), saved=save)

    async def _fold(self, owner: Owner, batch: Batch) -> None:
        try:
            await owner.fold(batch)
        except Exception as error:  # noqa: BLE001 - cores take bad input in: what they raise is our fault
            events.FAULT.tell(LOG, f"{owner.name}: folding failed", error, **owner.seat._asdict())
            self._means.die(f"{owner.name}: folding failed: {error!r}")

    async def _take_over(self, partitions: frozenset[TP]) -> None:
        try:
            topics = self._means.topics
            counts = await asyncio.to_thread(self._means.cluster.partitions, [topics.of(spec.name) for spec in TOPICS])
            logical = {spec.name: counts[topics.of(spec.name)] for spec in TOPICS}
            for spec in set(self._specs.values()):
                refuse_unequal(spec, logical)
            self._owners = self._made(partitions)
            await asyncio.gather(*(self._seat(owner, logical) for owner in self.owners))
        except Exception as error:  # noqa: BLE001 - or the task would end, and nobody know
            if self._assigned is partitions:  # else it was revoked meanwhile, and what failed is of no interest
                self._failed(error)
        else:
            if self._owners:
                events.COUNTING.tell(LOG, f"counting {len(self.owners)} partitions", partitions=len(self.owners))

    def _made(self, partitions: frozenset[TP]) -> dict[TP, Owner]:
        owners: dict[TP, Owner] = {}
        for spec, number in {(self._specs[tp.topic], tp.partition): None for tp in sorted(partitions)}:
            owner = Owner(spec, number, self._means)
            held = {source.tp: owner for source in owner.sources if source.tp in partitions}
            if len(held) == len(owner.sources):
                owners |= held
            else:  # not ready, then, until the group has settled otherwise
                words = f"{owner.name} waits: other workers have some of {', '.join(spec.sources)}"
                events.NOT_TAKEN.tell(LOG, words, **owner.seat._asdict())
        return owners

    async def _seat(self, owner: Owner, partitions: dict[str, int]) -> None:
        await owner.take_over(partitions)
        if self.consumer_thread is not None:
            await owner.start(self.consumer_thread)

    def _failed(self, error: Exception) -> None:
        match error:
            case TopologyMismatchError() | TopicsMissingError() | UnequalPartitionsError() | UnreadableStateError():
                self._means.die(str(error), code=FAILED)
            case FencedError():
                self._means.die(f"fenced while taking over: another worker took the partition ({error})")
            case AccessError() | RestoreError() | ClusterError() | TransactionError() | AbandonedError():
                self._means.die(f"a partition could not be taken over: {error}")
            case IllegalStateError():
                events.RETIRED.tell(LOG, "the assignment changed while it was taken over", partitions=0, saved=False)
            case _:
                events.FAULT.tell(LOG, "the take-over failed", error)
                self._means.die(f"the take-over failed: {error!r}")
