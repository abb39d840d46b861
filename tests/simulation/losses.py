"""What a stream's numbers say of batches that have not come: a plain account, kept for ever."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.events import Message


@dataclass(slots=True)
class Losses:
    """One stream in one partition."""

    seen: set[int] = field(default_factory=set)
    rows_through: int = 0
    dropped: int = 0
    gaps: list["_Gap"] = field(default_factory=list)

    def take(self, message: Message, time: int) -> Iterator[tuple[int, int]]:
        """Yield (event time, rows): missing before this batch, or (negative) found again with it."""
        newest = max(self.seen, default=-1)
        self.seen.add(message.sequence)
        if message.sequence > newest:
            missing = message.rows_before - self.rows_through
            self.gaps.append(_Gap(newest, message.sequence, missing, time))
            self.rows_through = message.rows_before + len(message.rows)
            yield time, missing + max(0, message.dropped - self.dropped)
            self.dropped = max(self.dropped, message.dropped)
        else:
            gap = next(gap for gap in self.gaps if gap.after < message.sequence < gap.before)
            yield gap.time, -len(message.rows)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Batches between two sequences, charged at an event time."""

    after: int
    before: int
    rows: int
    time: int
