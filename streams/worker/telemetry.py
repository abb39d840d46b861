"""Puts values into the worker's metrics, in a registry that is given (a test gives a fresh one).

A core knows no Prometheus: it hands out `Observation`s, and `CORE_METRICS` says what each becomes. A series goes with
the partition that it tells of, so that nothing stands here as if it still were.
"""

import platform
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from kedge.streams.core.instructions import Observation
from kedge.streams.events import FAULT
from kedge.streams.names import Agent
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.means import Seat
from kedge.streams.worker.metric import Collector, as_collector, as_counter, as_gauge, as_histogram, as_info
from kedge.streams.worker.metrics import CORE_METRICS, WORKER_METRICS
from kedge.streams.worker.transaction import Retry

STREAMS_MAX: Final = 4
"""Versions and roles of a model shown at a time, the most recently seen; the series of the others are removed."""

Series: TypeAlias = tuple[Collector, tuple[str, ...]]
Stream: TypeAlias = tuple[str, str]
"""Version and role."""


class Telemetry:
    """Counts what happens to owners, and what cores notice; an `Observer`. `clock`: wall clock in milliseconds."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], int]) -> None:
        """Register every metric, and those of the process."""
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter
        self._clock = clock
        self._unknown: set[str] = set()
        self._streams: dict[str, OrderedDict[Stream, set[Series]]] = defaultdict(OrderedDict)
        self._series: dict[Seat, set[Series]] = defaultdict(set)
        self._core = {name: as_collector(metric, registry) for name, metric in CORE_METRICS.items()}
        self._current = {self._core[name] for name, metric in CORE_METRICS.items() if metric.current}
        ProcessCollector(registry=registry)
        own = WORKER_METRICS
        as_info(own["build"], registry, version=version("kedge"), python=platform.python_version())
        self._checkpoints = as_counter(own["checkpoints"], registry)
        self._duration = as_histogram(own["checkpoint"], registry)
        self._retries = as_counter(own["retries"], registry)
        self._success = as_gauge(own["success"], registry)
        self._restore = as_gauge(own["restore"], registry)
        self._uncommitted = as_gauge(own["uncommitted"], registry)
        self._lag = as_gauge(own["lag"], registry)
        self._registry = as_gauge(own["registry_waiting"], registry)
        self._partitions = as_gauge(own["partitions"], registry)
        self._partitions_all = as_gauge(own["partitions_all"], registry)

    def waiting(self, registry_s: Callable[[], float]) -> None:
        """Who tells for how long the schema registry is waited for; asked at every scrape, before there is a loop."""
        self._registry.set_function(registry_s)

    def observed(self, seat: Seat, observations: Sequence[Observation]) -> None:
        """What a core noticed. A name that is not in the table is said once: it is a metric that nobody sees."""
        said: set[Series] = set()
        for observation in observations:
            metric, collector = CORE_METRICS.get(observation.name), self._core.get(observation.name)
            if metric is None or collector is None:
                if observation.name not in self._unknown:
                    FAULT.tell(LOG, f"no metric for the observation {observation.name}")
                    self._unknown.add(observation.name)
                continue
            labels = tuple(observation.labels[label] for label in metric.labels)
            if metric.partition:
                labels = (*labels, str(seat.partition))
            said.add((collector, labels))
            self._remember(observation, (collector, labels))
            value = observation.value * metric.scale
            match collector:
                case Counter():
                    collector.labels(*labels).inc(value)
                case Histogram():
                    collector.observe(value)
                case Gauge():
                    self._set(seat, collector, labels, value)
        for series in [s for s in self._series[seat] if s[0] in self._current and s not in said]:
            self._series[seat].discard(series)
            series[0].remove(*series[1])

    def _remember(self, observation: Observation, series: Series) -> None:
        """Keep the series of the versions seen last; a sender that makes versions up makes none that stay."""
        version, role = observation.labels.get("version"), observation.labels.get("role", "")
        if version is None:
            return
        known = self._streams[observation.labels["model"]]
        known.setdefault((version, role), set()).add(series)
        known.move_to_end((version, role))
        while len(known) > STREAMS_MAX:
            for collector, labels in known.popitem(last=False)[1]:
                collector.remove(*labels)
                for owned in self._series.values():
                    owned.discard((collector, labels))

    def restored(self, seat: Seat, seconds: float) -> None:
        """A partition was taken over."""
        self._set(seat, self._restore, _labels(seat), seconds)

    def checkpointed(self, seat: Seat, seconds: float) -> None:
        """A checkpoint was committed."""
        self._checkpoints.labels(seat.agent).inc()
        self._duration.labels(seat.agent).observe(seconds)
        self._set(seat, self._success, _labels(seat), self._clock() / 1000)

    def retried(self, agent: Agent, retry: Retry) -> None:
        """A step of a transaction was done again."""
        self._retries.labels(agent, retry).inc()

    def behind(self, seat: Seat, *, uncommitted_s: float, records: Mapping[str, int | None]) -> None:
        """How far a partition is behind, now and then; `records` by source, None: not known yet."""
        self._set(seat, self._uncommitted, _labels(seat), uncommitted_s)
        for source, behind in records.items():
            if behind is not None:
                self._set(seat, self._lag, (*_labels(seat), source), behind)

    def expected(self, agent: Agent, partitions: int) -> None:
        """How many partitions the agent has; none of them is counting yet."""
        self._partitions_all.labels(agent).set(partitions)
        self.owned(agent, 0)

    def owned(self, agent: Agent, partitions: int) -> None:
        """How many partitions are counting."""
        self._partitions.labels(agent).set(partitions)

    def left(self, seat: Seat) -> None:
        """A partition is not ours any more: what it alone showed must not stand here as if it still were."""
        for series in self._series.pop(seat, set()):
            gauge, labels = series
            gauge.remove(*labels)
            for streams in self._streams.values():
                for known in streams.values():
                    known.discard(series)

    def _set(self, seat: Seat, gauge: Gauge, labels: tuple[str, ...], value: float) -> None:
        gauge.labels(*labels).set(value)
        self._series[seat].add((gauge, labels))


def _labels(seat: Seat) -> tuple[str, str]:
    return seat.agent, str(seat.partition)
