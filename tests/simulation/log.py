"""A log like Kafka's in memory: partitions, transactions, fencing, compaction.

Everything that the exactness of the counting leans on behaves as in Kafka: the broker stamps the append time,
a transaction's records stay hidden until its marker is written, markers take offsets and are written to each
partition in its own time after the commit was decided, the last stable offset holds back everything behind an
open transaction, a transactional id's next owner fences the earlier ones and aborts what they left open, an
open transaction is aborted after a time-out, and an answer can be lost whether or not the request was obeyed.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from kedge.schemas.partition import partition_for

TRANSACTION_TIMEOUT_MS: Final = 30_000


class FencedError(Exception):
    """Another producer has taken the transactional id: fatal."""


class TimedOutError(Exception):
    """No answer: the commit may or may not have happened; the same call must be made again."""


class AbortRequiredError(Exception):
    """The transaction cannot be committed any more: abort it."""


class Fault(Enum):
    """What goes wrong with one request of a transactional producer."""

    NONE = auto()
    ABORT = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()


class Status(Enum):
    """Where a transaction stands for the coordinator, whatever markers are written yet."""

    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()


@dataclass(slots=True)
class Clock:
    """Wall time of the simulated cluster, milliseconds."""

    now: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction and the partitions that still wait for its marker."""

    began: int
    status: Status = Status.OPEN
    unmarked: "list[Partition]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Slot:
    offset: int
    entry: Entry | None
    """None: a control record."""
    transaction: Transaction | None

    @property
    def visible(self) -> bool:
        return self.entry is not None and (self.transaction is None or self.transaction.status is Status.COMMITTED)


class Partition:
    """One partition: records, control records, and which transactions are open in it."""

    def __init__(self, topic: str, number: int, clock: Clock) -> None:
        self.topic = topic
        self.number = number
        self.high = 0
        """The next offset."""
        self._clock = clock
        self._slots: list[_Slot] = []
        self._open: dict[Transaction, int] = {}

    @property
    def stable(self) -> int:
        """The last stable offset: where the earliest unmarked transaction begins, or the end."""
        return min(self._open.values(), default=self.high)

    def append(self, key: bytes | None, value: bytes | None, transaction: Transaction | None = None) -> Entry:
        """Add one record, stamped with the broker's time."""
        entry = Entry(self.topic, self.number, self.high, self._clock.now, key, value)
        if transaction is not None and transaction not in self._open:
            self._open[transaction] = self.high
            transaction.unmarked.append(self)
        self._slots.append(_Slot(self.high, entry, transaction))
        self.high += 1
        return entry

    def mark(self, transaction: Transaction) -> None:
        """Write the marker of a decided transaction; it takes an offset like a record."""
        del self._open[transaction]
        transaction.unmarked.remove(self)
        self._slots.append(_Slot(self.high, None, transaction))
        self.high += 1

    def read(self, position: int, limit: int) -> tuple[list[Entry], int]:
        """Return up to `limit` committed records from `position` on, and where the next read begins."""
        entries: list[Entry] = []
        stable = self.stable
        for slot in self._from(position, stable):
            if len(entries) == limit:
                return entries, slot.offset
            if slot.visible and slot.entry is not None:
                entries.append(slot.entry)
        return entries, max(position, stable)

    def read_uncommitted(self, position: int) -> list[Entry]:
        """Return every record from `position` on, whatever became of its transaction."""
        return [slot.entry for slot in self._from(position, self.high) if slot.entry is not None]

    def compact(self, upto: int, *, drop_tombstones: bool) -> None:
        """Keep the newest committed record of each key below `upto`; offsets stay as they are."""
        upto = min(upto, self.stable)
        below = [slot for slot in self._slots if slot.offset < upto and slot.visible]
        newest = {slot.entry.key: slot.offset for slot in below if slot.entry is not None}
        kept = [
            slot
            for slot in below
            if slot.entry is not None
            and newest[slot.entry.key] == slot.offset
            and not (drop_tombstones and slot.entry.value is None)
        ]
        self._slots = kept + self._slots[bisect_left(self._slots, upto, key=lambda slot: slot.offset) :]

    def _from(self, position: int, end: int) -> Iterator[_Slot]:
        for index in range(bisect_left(self._slots, position, key=lambda slot: slot.offset), len(self._slots)):
            if self._slots[index].offset >= end:
                return
            yield self._slots[index]


@dataclass(slots=True)
class _Identity:
    epoch: int = -1
    transaction: Transaction | None = None


class Log:
    """Topics with their partitions, and the coordinator of transactions."""

    def __init__(self, topics: dict[str, int], clock: Clock, faults: Callable[[str], Fault] | None = None) -> None:
        self.clock = clock
        self.topics = {
            topic: [Partition(topic, number, clock) for number in range(count)] for topic, count in topics.items()
        }
        self.faults = faults or (lambda _operation: Fault.NONE)
        self._identities: dict[str, _Identity] = {}
        self._deciding: list[Transaction] = []

    def place(self, topic: str, key: bytes | None, partition: int | None) -> Partition:
        """Return the partition that a record goes to: the one named, or the key's."""
        partitions = self.topics[topic]
        return partitions[partition_for(key or b"", len(partitions)) if partition is None else partition]

    def entries(self, topic: str) -> list[Entry]:
        """Return all committed records of a topic, partition by partition."""
        return [entry for partition in self.topics[topic] for entry in partition.read(0, partition.high)[0]]

    def fence(self, identity: str) -> int:
        """Give the id to a new owner and return its epoch; what the one before left open is aborted."""
        known = self._identities.setdefault(identity, _Identity())
        known.epoch += 1
        if known.transaction is not None:
            if known.transaction.status is Status.OPEN:
                known.transaction.status = Status.ABORTED
            self.settle(known.transaction)
            known.transaction = None
        return known.epoch

    def check(self, identity: str, epoch: int) -> None:
        """Refuse a producer that is no longer the owner of its id."""
        if self._identities[identity].epoch != epoch:
            raise FencedError(identity)

    def begin(self, identity: str) -> Transaction:
        """Open the id's next transaction; the one before must be marked everywhere first."""
        known = self._identities[identity]
        if known.transaction is not None:
            self.settle(known.transaction)
        known.transaction = Transaction(self.clock.now)
        return known.transaction

    def decide(self, transaction: Transaction, status: Status) -> None:
        """Commit or abort: decided once and for all here, told to the partitions later."""
        transaction.status = status
        self._deciding.append(transaction)

    def settle(self, transaction: Transaction) -> None:
        """Write a decided transaction's remaining markers."""
        for partition in list(transaction.unmarked):
            partition.mark(transaction)

    def settle_some(self, choose: Callable[[], bool]) -> None:
        """Write those markers that `choose` picks: partitions learn of a decision one by one."""
        for transaction in self._deciding:
            for partition in list(transaction.unmarked):
                if choose():
                    partition.mark(transaction)
        self._deciding = [transaction for transaction in self._deciding if transaction.unmarked]

    def expire(self) -> None:
        """Abort transactions that were left open too long, and fence who opened them."""
        for identity, known in self._identities.items():
            transaction = known.transaction
            if transaction is None or transaction.status is not Status.OPEN:
                continue
            if self.clock.now - transaction.began > TRANSACTION_TIMEOUT_MS:
                self.fence(identity)
