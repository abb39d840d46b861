"""A plain recount of what should have been counted: no panes in flight, no state, no crash, no chunks.

It shares no code with the agents. It walks over each partition of `predictions` once, in order of offset, and
applies the rules of counting one event at a time.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kedge.schemas.partition import partition_for
from tests.simulation.events import Message, Row, Stream, Told, request_of
from tests.simulation.join_recount import JoinPlace, Joins
from tests.simulation.losses import Losses
from tests.simulation.setting import FUTURE_MS, MODELS, Watched, segments_of, watched_at, watched_since


class Arrival(NamedTuple):
    """One record of `predictions` or `outcomes` as it lies in the log; `message` None: garbage."""

    partition: int
    offset: int
    appended: int
    message: Message | Told | None


class Cell(NamedTuple):
    """What one partial counts, but for the source partition."""

    model: str
    version: str
    role: str
    segment: str
    pane: int


@dataclass(slots=True)
class Counts:
    """Counts of one cell, or of a window."""

    requests: int = 0
    errors: int = 0
    lost: int = 0
    bins: Counter[int] = field(default_factory=Counter)

    def add(self, row: Row, watched: Watched) -> None:
        """Count one row in."""
        self.requests += 1
        self.errors += row.failed
        self.bins.update(watched.bins_of(row))

    def merge(self, other: "Counts") -> None:
        """Add another cell's counts."""
        self.requests += other.requests
        self.errors += other.errors
        self.lost += other.lost
        self.bins.update(other.bins)


@dataclass(slots=True)
class Recount:
    """The result: counts by source partition and cell, and every row's fate."""

    cells: dict[tuple[int, Cell], Counts] = field(default_factory=dict)
    fates: Counter[str] = field(default_factory=Counter)
    dead_letters: int = 0
    """Records and parts of records that could not be counted."""
    joins: dict[tuple[int, JoinPlace], Counter[str]] = field(default_factory=dict)
    outcome_fates: Counter[str] = field(default_factory=Counter)
    """Of outcomes, those that the logs alone decide."""

    def cell(self, source: int, stream: Stream, segment: str, pane: int) -> Counts:
        """Return a cell to count into."""
        cell = Cell(stream.model, stream.version, stream.role.value, segment, pane)
        return self.cells.setdefault((source, cell), Counts())


def recount(arrivals: Iterable[Arrival], partitions: int) -> Recount:
    """Count everything that lies in the log."""
    result = Recount()
    sources = [_Source(number, partitions, result) for number in range(partitions)]
    for arrival in arrivals:
        sources[arrival.partition].take(arrival)
    for source in sources:
        source.count_joins()
    return result


@dataclass(slots=True)
class _Source:
    """One partition, as far as it was walked."""

    number: int
    partitions: int
    result: Recount
    marks: dict[str, int] = field(default_factory=dict)
    """Watermark of each model."""
    batches: dict[Stream, Losses] = field(default_factory=dict)
    events: set[tuple[str, str]] = field(default_factory=set)
    joins: Joins = field(init=False)

    def __post_init__(self) -> None:
        self.joins = Joins(self.number, self.partitions)

    def count_joins(self) -> None:
        """Add what belongs together to the result, now that everything has come."""
        for place, slot, number in self.joins.count():
            self.result.joins.setdefault((self.number, place), Counter())[slot] += number
        self.result.outcome_fates += self.joins.fates
        self.result.dead_letters += self.joins.dead_letters

    def take(self, arrival: Arrival) -> None:
        """Count one record."""
        message = arrival.message
        if isinstance(message, Told):
            self.joins.outcome(message, arrival.appended)
            return
        if message is None or self._misplaced(message):
            self.result.dead_letters += 1
            return
        self.result.fates["received"] += len(message.rows)
        if message.stream.model not in MODELS:
            self.result.fates["unmonitored"] += len(message.rows)
        elif message.event_id is None and not self._first_time(message, arrival.appended):
            self.result.fates["duplicate"] += len(message.rows)
        else:
            self._take_rows(message, arrival.appended)

    def _misplaced(self, message: Message) -> bool:
        if message.event_id is None:
            return False
        return partition_for(request_of(message, 0).encode(), self.partitions) != self.number

    def _take_rows(self, message: Message, appended: int) -> None:
        # Late is what the watermark after the record before this one says: a batch is one step.
        mark = self.marks.get(message.stream.model, 0)
        fates = [self._fate(message, row, appended) for row in message.rows]
        self.result.fates.update(fates)
        self.result.dead_letters += "quarantined" in fates
        for row, fate in zip(message.rows, fates, strict=True):
            watched = watched_at(message.stream.model, row.timestamp)
            if fate == "counted" and watched is not None:
                for segment in segments_of(row):
                    pane = watched.pane(row.timestamp)
                    self.result.cell(self.number, message.stream, segment, pane).add(row, watched)
                mark = max(mark, row.timestamp - watched.grace_ms)
        self._join(message, fates)
        self.marks[message.stream.model] = mark
        self.joins.move(message.stream.model, appended, mark)

    def _join(self, message: Message, fates: list[str]) -> None:
        """Follow the counted rows; those of one plan come to one watermark."""
        model = message.stream.model
        counted = [i for i, fate in enumerate(fates) if fate == "counted"]
        plans = {i: watched_at(model, message.rows[i].timestamp) for i in counted}
        # Of one record's rows those of an older plan come first.
        for i in sorted(counted, key=lambda i: watched_since(model, message.rows[i].timestamp)):
            times = [message.rows[j].timestamp for j in counted if plans[j] is plans[i]]
            watched = plans[i]
            if watched is not None:
                self.joins.answer(message, i, max(self.marks.get(model, 0), max(times) - watched.grace_ms))

    def _fate(self, message: Message, row: Row, appended: int) -> str:
        if not _possible(row, appended):
            return "quarantined"
        if row.probe:
            return "probe"
        if self._late(message.stream.model, row.timestamp):
            return "late"
        if message.event_id is not None:
            event = (message.stream.model, message.event_id)
            if event in self.events:
                return "duplicate"
            self.events.add(event)
        return "counted"

    def _late(self, model: str, timestamp: int) -> bool:
        watched = watched_at(model, timestamp)
        if watched is None:
            return False
        pane_end = watched.pane(timestamp) + watched.pane_ms
        return self.marks.get(model, 0) >= pane_end + watched.lateness_ms

    def _first_time(self, message: Message, appended: int) -> bool:
        """Whether this batch has not come before; what its numbers say is missing goes to its first row's pane."""
        losses = self.batches.setdefault(message.stream, Losses())
        if message.sequence in losses.seen:
            return False
        possible = [row.timestamp for row in message.rows if _possible(row, appended)]
        for time, rows in losses.take(message, min(possible, default=appended)):
            watched = watched_at(message.stream.model, time)
            if rows and watched is not None and not self._late(message.stream.model, time):
                self.result.cell(self.number, message.stream, "", watched.pane(time)).lost += rows
        return True


def _possible(row: Row, appended: int) -> bool:
    return 0 < row.timestamp <= appended + FUTURE_MS
