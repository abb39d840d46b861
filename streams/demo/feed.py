"""The serving node: logs the stream's predictions, a day at a time, no further ahead of the reports than it may."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.demo.setting import DAY_MS
from kedge.streams.demo.story import Sent
from kedge.streams.publisher.publisher import Publisher
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.settings import KafkaSettings

__all__ = ["Feed"]

_AHEAD_MS: Final = 3 * DAY_MS
"""Event time between what is logged and the last window that was reported. The built-in cluster forgets what lies more
than 5 MB back; and so that one can watch."""


class Feed:
    """Sends one stream."""

    def __init__(self, stream: Columns, kafka: KafkaSettings) -> None:
        """Send nothing yet."""
        settings = PublisherSettings(brokers=kafka.brokers, environment=kafka.environment, batch_age_ms=50)
        self._publisher = Publisher(settings=settings)
        self._days = _days(stream)
        self._next = next(self._days, None)
        self._logged = 0

    def send(self, reported_ms: int) -> None:
        """Log the days that are due when windows up to `reported_ms`, event time, have been reported."""
        while self._next is not None and int(self._next[1].timestamps[0]) < reported_ms + _AHEAD_MS:
            first, rows = self._next
            self._log(first, rows)
            self._next = next(self._days, None)

    def close(self) -> Sent:
        """Send what is left."""
        return Sent(logged=self._logged, delivered=self._publisher.close().sent)

    def _log(self, first: int, rows: Columns) -> None:
        self._publisher.log_many(
            [f"flight-{number}" for number in range(first, first + rows.rows)],
            model=rows.model,
            version=rows.version,
            features={
                **{name: _numbers(column) for name, column in rows.numbers.items()},
                **{name: _texts(column) for name, column in rows.strings.items()},
            },
            score=None if rows.score is None else rows.score.values,
            timestamp=rows.timestamps,
        )
        self._logged += rows.rows


def _days(stream: Columns) -> Iterator[tuple[int, Columns]]:
    """Yield the rows of each day, and the number of the first."""
    days = stream.timestamps // DAY_MS
    first = 0
    for day in np.unique(days):
        rows = stream.take(days == day)
        yield first, rows
        first += rows.rows


def _numbers(column: Numbers) -> np.ma.MaskedArray[tuple[int], np.dtype[np.float64]]:
    return np.ma.MaskedArray(column.values, False if column.valid is None else ~column.valid)


def _texts(column: Texts) -> list[str]:
    return [column.dictionary[code] for code in column.codes.tolist()]
