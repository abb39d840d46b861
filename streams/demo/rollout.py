"""Version 2 comes: who answers which flight, on which day, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.records import Role
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.demo.flights import LATE_MIN

__all__ = ["CANARY_AT", "DAY_MS", "SHADOW_AT", "VERSION_1", "VERSION_2", "Day", "Season", "utc"]

VERSION_1: Final = "2013.2"
VERSION_2: Final = "2013.3"

DAY_MS: Final = 86_400_000


def utc(text: str) -> int:
    """Return milliseconds since 1970-01-01 UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


SHADOW_AT: Final = utc("2013-07-21")
CANARY_AT: Final = utc("2013-07-26")
SHARES: Final = {Role.SHADOW: 0.15, Role.CANARY: 0.4}
"""Of the flights that version 2 answers. Below 200 rows a day nothing is judged: of a shadow of a seventh of the
flights one sees that it disagrees, and not yet what comes of it."""
LATE_FROM: Final = 0.35
"""A flight is called late from this probability on. At a lower one version 2 would do so much worse that its harm were
shown before the incident of the closed airport is over; at a higher one hardly any flight is called late."""
LABELS: Final = ("on_time", "late")

_MIX: Final = 2_654_435_761
"""Odd, by Knuth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's flights."""

    start: int
    """Milliseconds since 1970-01-01 UTC."""
    first: int
    """Number of the first flight."""
    rows: Columns
    """What is asked of the model."""
    scores: Mapping[str, Numbers]
    """By version."""
    delay_min: NDArray[np.float64]
    arrived_at: NDArray[np.int64]
    eventful: bool

    def requests(self) -> list[str]:
        """Return the ids, one a flight."""
        return [f"flight-{number}" for number in range(self.first, self.first + self.rows.rows)]

    def stage(self, current: str) -> Role | None:
        """Return what version 2 is on this day; `current`: the version that the canary's link names."""
        if not self.eventful or self.start < SHADOW_AT:
            return None
        if self.start < CANARY_AT:
            return Role.SHADOW
        return Role.CANARY if current == VERSION_2 else None

    def answers(self, current: str) -> Iterator[tuple[NDArray[np.bool_], Columns]]:
        """Yield what each version answers, and which of the flights; shape (rows,)."""
        stage = self.stage(current)
        chosen = self._chosen(0.0 if stage is None else SHARES[stage])
        primary = ~chosen if stage is Role.CANARY else np.ones(self.rows.rows, np.bool_)
        yield primary, self._answer(VERSION_1, Role.PRIMARY).take(primary)
        if stage is not None:
            yield chosen, self._answer(VERSION_2, stage).take(chosen)

    def outcomes(self) -> Iterator[tuple[str, int, bool]]:
        """Yield request, time of arrival and whether it was late; what never arrived has no outcome."""
        for request, delay, at in zip(self.requests(), self.delay_min.tolist(), self.arrived_at.tolist(), strict=True):
            if delay == delay:  # noqa: PLR0124 - NaN is not
                yield request, at, delay > LATE_MIN

    def _chosen(self, share: float) -> NDArray[np.bool_]:
        """Left to chance, the same in every run: by a hash of the flight's number."""
        numbers = np.arange(self.first, self.first + self.rows.rows, dtype=np.uint64)
        return (numbers * np.uint64(_MIX)) % np.uint64(2**32) < share * 2**32

    def _answer(self, version: str, role: Role) -> Columns:
        score = self.scores[version]
        label = Texts(LABELS, (score.values >= LATE_FROM).astype(np.int32))
        return replace(self.rows, version=version, role=role.value, score=score, label=label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """All flights of the stream, in order, with what either version says of each and what came of it."""

    rows: Columns
    scores: Mapping[str, Numbers]
    delay_min: NDArray[np.float64]
    arrived_at: NDArray[np.int64]
    eventful: bool
    """Whether version 2 comes at all."""

    def days(self) -> Iterator[Day]:
        """Yield the days in order."""
        days, first = self.rows.timestamps // DAY_MS, 0
        for day in np.unique(days).tolist():
            rows = days == day
            yield Day(
                start=day * DAY_MS,
                first=first,
                rows=self.rows.take(rows),
                scores={version: score.take(rows) for version, score in self.scores.items()},
                delay_min=self.delay_min[rows],
                arrived_at=self.arrived_at[rows],
                eventful=self.eventful,
            )
            first += int(rows.sum())
