"""The serving node: logs a day's predictions at a time, and what comes of them, and obeys the router's link."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.demo.rollout import CANARY_AT, DAY_MS, SHADOW_AT, VERSION_2, Day, Season
from kedge.streams.demo.site import Site
from kedge.streams.demo.story import Sent, Story, Stream
from kedge.streams.publisher.publisher import Publisher
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.settings import KafkaSettings

__all__ = ["OUTCOME", "Feed"]

OUTCOME: Final = "late"
"""What came of a flight, as the monitor calls it."""

_AHEAD_MS: Final = 3 * DAY_MS
"""Event time between what is logged and the last window that was reported. The built-in cluster forgets what lies more
than 5 MB back; and so that one can watch."""
_AHEAD_OF_VERSION_2_MS: Final = DAY_MS
"""Beside version 2 it is the time since everything was settled: the one day is sent that shows the other to be over. A
day takes half a second here, and a rollback must not find its canary days on."""


class Feed:
    """Sends one season."""

    def __init__(self, season: Season, kafka: KafkaSettings, site: Site) -> None:
        """Send nothing yet."""
        settings = PublisherSettings(brokers=kafka.brokers, environment=kafka.environment, batch_age_ms=50)
        self._publisher = Publisher(settings=settings)
        self._days = season.days()
        self._next = next(self._days, None)
        self._site = site
        self._logged = self._outcomes = 0

    def send(self, story: Story) -> None:
        """Log the days that are due, as far as the story has come, and tell it what must be reported of them."""
        while self._next is not None and self._is_due(self._next, story):
            self._log(self._next, story)
            self._next = next(self._days, None)

    def close(self) -> Sent:
        """Send what is left."""
        stats = self._publisher.close()
        return Sent(logged=self._logged, delivered=stats.sent - self._outcomes, outcomes=self._outcomes)

    def _is_due(self, day: Day, story: Story) -> bool:
        deployed = day.start > CANARY_AT and self._site.current == VERSION_2
        if not day.eventful or not (deployed or SHADOW_AT <= day.start <= CANARY_AT):
            return day.start < max(story.began_ms, story.reported_ms) + _AHEAD_MS
        if day.start > story.settled_ms + _AHEAD_OF_VERSION_2_MS or (self._site.frozen and not deployed):
            return False
        if day.start == CANARY_AT:
            self._site.start_canary()
        return True

    def _log(self, day: Day, story: Story) -> None:
        for request, arrived_at, late in day.outcomes():
            # Before the predictions: event time here runs a hundred thousand times faster than flights fly, and what
            # came of a day would be late for its own windows. The times that stand in them are the flights'.
            self._publisher.outcome(
                request, model=day.rows.model, kind=OUTCOME, observed=float(late), timestamp=arrived_at
            )
            self._outcomes += 1
        requests = np.array(day.requests())
        for rows, columns in day.answers(self._site.current):
            self._log_answers(requests[rows], columns)
            story.expect(Stream(day.start, columns.version, columns.role), columns.rows)

    def _log_answers(self, requests: NDArray[np.str_], columns: Columns) -> None:
        label = columns.label
        self._publisher.log_many(
            requests.tolist(),
            model=columns.model,
            version=columns.version,
            role=columns.role,
            features={
                **{name: _numbers(column) for name, column in columns.numbers.items()},
                **{name: _texts(column) for name, column in columns.strings.items()},
            },
            score=None if columns.score is None else columns.score.values,
            label=None if label is None else _texts(label),
            timestamp=columns.timestamps,
        )
        self._logged += columns.rows


def _numbers(column: Numbers) -> np.ma.MaskedArray[tuple[int], np.dtype[np.float64]]:
    return np.ma.MaskedArray(column.values, False if column.valid is None else ~column.valid)


def _texts(column: Texts) -> list[str]:
    return [column.dictionary[code] for code in column.codes.tolist()]
