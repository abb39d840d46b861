"""The same fold over a range of an environment's own topics; nothing is written anywhere."""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import Any, Final

from confluent_kafka import Message

from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorError
from kedge.streams.announce import Place, read_catalog
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.pipeline import LocalRecord, Output, Pipeline
from kedge.streams.names import Agent, Topics
from kedge.streams.reading import Log, offsets_at, partition_counts, places, read_from
from kedge.streams.replay.run import ENVIRONMENT, said

__all__ = ["replay_range"]

_STEP_MS: Final = 1_000
"""Records that were appended so close together are folded at once, as a worker does."""
_STEP_RECORDS_MAX: Final = 1_000


def replay_range(place: Place, start_ms: int, stop_ms: int, progress: Callable[[int], None]) -> Iterator[Output]:
    """Yield what the service says of what was appended from `start_ms` up to `stop_ms`.

    Monitors and baselines are those that are published now. `progress` is told the records of each step.

    Raises:
        ReadingError: Kafka does not answer, or the topics do not exist.
    """
    topics = Topics(place.kafka.environment)
    sources = topics.inputs(Agent.TALLY)
    partitions = min(partition_counts(place.kafka, sources).values())
    pipeline = Pipeline(_catalog(place), place.codec, environment=ENVIRONMENT, clock_ms=start_ms, partitions=partitions)
    logs = places(place.kafka, sources)
    starts, stops = (offsets_at(place.kafka, logs, time) for time in (start_ms, stop_ms))
    read = [_records(place, log, (starts[log], stops[log])) for log in logs]
    for step in _steps(merge(*read, key=_order)):
        yield from said(pipeline.fold(step, step[-1].timestamp))
        progress(len(step))
    yield from said(pipeline.finish())


def _catalog(place: Place) -> Catalog:
    """Return what is published; what cannot be used is left out, as workers leave it out."""
    published, catalog = read_catalog(place), Catalog()
    for monitor in published.monitors:
        try:
            catalog.put_monitor(monitor)
        except (MonitorError, ValueError):
            continue
    for baseline in published.baselines:
        try:
            catalog.put_baseline(baseline)
        except (UndecodableError, ValueError):
            continue
    return catalog


def _records(place: Place, log: Log, bounds: tuple[int, int]) -> Iterator[LocalRecord]:
    for message in read_from(place.kafka, {log: bounds[0]}, {log: bounds[1]}):
        yield _record(message)


def _record(message: "Message[Any, Any]") -> LocalRecord:
    return LocalRecord(
        topic=message.topic() or "",
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        partition=message.partition() or 0,
    )


def _order(record: LocalRecord) -> tuple[int, str, int, int]:
    """Logs are in order of append time each, and merged by it."""
    return record.timestamp, record.topic, record.partition, record.offset


def _steps(records: Iterator[LocalRecord]) -> Iterator[Sequence[LocalRecord]]:
    step: list[LocalRecord] = []
    for record in records:
        if step and (record.timestamp - step[0].timestamp >= _STEP_MS or len(step) >= _STEP_RECORDS_MAX):
            yield step
            step = []
        step.append(record)
    if step:
        yield step
