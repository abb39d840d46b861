"""The worker's metrics: one table of names, in a registry that is given (a test gives a fresh one).

A core knows no Prometheus: it hands out `Observation`s, and `CORE_METRICS` says what each becomes. The labels that
cores put on them come from monitors, never from what a sender wrote, so that nobody can make series up.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kedge.streams.core.instructions import Observation
from kedge.streams.names import Agent
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.means import Seat
from kedge.streams.worker.transaction import Retry


class Kind(StrEnum):
    """How values of one series add up."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetric:
    """What an observation becomes. `scale` is multiplied in (a core's milliseconds are seconds here).

    `partition`: each partition has a value of its own; else a series is the model's, which lives in one.
    """

    kind: Kind
    name: str
    doc: str
    labels: tuple[str, ...]
    scale: float = 1.0
    partition: bool = False


_STREAM = ("model", "version", "role")


def _counter(name: str, doc: str, *labels: str) -> CoreMetric:
    return CoreMetric(kind=Kind.COUNTER, name=name, doc=doc, labels=labels)


def _gauge(name: str, doc: str, *labels: str, scale: float = 1.0, partition: bool = False) -> CoreMetric:
    return CoreMetric(kind=Kind.GAUGE, name=name, doc=doc, labels=labels, scale=scale, partition=partition)


CORE_METRICS: Mapping[str, CoreMetric] = {
    # tally
    "rows": _counter(
        "kedge_rows",
        "Predictions by what became of them; those of models without a monitor have no name.",
        "model",
        "fate",
    ),
    "requests": _counter("kedge_requests", "Predictions counted.", *_STREAM),
    "errors": _counter("kedge_request_errors", "Predictions counted that were answered with an error.", *_STREAM),
    "dead_letters": _counter("kedge_dead_letters", "Records, or parts of one, that were refused.", "reason"),
    "watermark_ms": _gauge(
        "kedge_watermark_timestamp_seconds",
        "Event time up to which a source partition is complete for a model; its lag is time() minus this.",
        "model",
        scale=1e-3,
        partition=True,
    ),
    "outcomes": _counter(
        "kedge_outcomes",
        "Outcomes by what became of them; received less the others is what waits for its prediction.",
        "model",
        "fate",
    ),
    "join_answers": _counter(
        "kedge_join_answers", "Answers chosen for joining: kept, duplicate, or no_room for them.", "model", "fate"
    ),
    "join_facts": _gauge("kedge_join_facts", "Answers and outcomes held for joining.", "model", partition=True),
    # judge
    "reports": _counter("kedge_reports", "Reports of closed and amended windows.", "model", "verdict"),
    "version_reports": _counter(
        "kedge_version_reports", "Reports of versions beside their control.", "model", "verdict"
    ),
    "late_after_seal": _counter("kedge_late_after_seal", "Predictions that came for a pane already sealed.", "model"),
    "closed_through_ms": _gauge(
        "kedge_closed_through_timestamp_seconds",
        "Event time up to which a model's windows are closed.",
        "model",
        scale=1e-3,
    ),
    "window_verdict": _gauge(
        "kedge_window_verdict",
        "Newest window: 0 INVALID, 1 INSUFFICIENT, 2 STABLE, 3 WARNING, 4 DRIFTED.",
        *_STREAM,
    ),
    "window_end_ms": _gauge("kedge_window_end_timestamp_seconds", "Newest window: its end.", *_STREAM, scale=1e-3),
    "window_completeness": _gauge("kedge_window_completeness_ratio", "Newest window: completeness.", *_STREAM),
    "window_requests": _gauge("kedge_window_requests", "Newest window: predictions.", *_STREAM),
    "window_error_share": _gauge("kedge_window_error_ratio", "Newest window: share answered with an error.", *_STREAM),
    "window_latency_ms": _gauge(
        "kedge_window_latency_seconds", "Newest window: latency quantiles.", *_STREAM, "quantile", scale=1e-3
    ),
    "psi_debiased": _gauge(
        "kedge_psi_debiased", "Newest window: debiased PSI of each signal.", *_STREAM, "kind", "signal"
    ),
    # guard
    "alerts": _counter("kedge_alerts", "Steps of incidents told to people.", "model", "event"),
    "commands": _counter("kedge_commands", "Commands sent.", "model", "action"),
    "commands_ended": _counter(
        "kedge_commands_ended", "Commands that ended: acked, nacked, expired or superseded.", "model", "action", "end"
    ),
    "vetoes": _counter(
        "kedge_vetoes", "Rollbacks that the evidence asked for, by the vetoes that stood.", "model", "veto"
    ),
    "overrides": _counter(
        "kedge_overrides", "What people told the guard: accepted, or why not.", "model", "action", "result"
    ),
    "refusals": _counter(
        "kedge_guard_refusals", "Overrides and answers that do not count.", "model", "input", "reason"
    ),
    "incident_open": _gauge("kedge_incident_open", "1 while the model has an open incident.", "model"),
    "guard_state": _gauge(
        "kedge_guard_state",
        "0 WARMUP, 1 HEALTHY, 2 SUSPECT, 3 DEGRADED_SENSING, 4 INCIDENT, 5 AWAIT_ACK, 6 CONTAINED, 7 COOLDOWN, "
        "8 HUMAN_HOLD, 9 FAILED_ACTION.",
        "model",
    ),
    "drill_age_ms": _gauge("kedge_drill_age_seconds", "Since the last good drill.", "model", scale=1e-3),
}

VERSIONS_MAX = 4
"""Versions of a model shown at a time, the most recently seen; the series of the others are removed."""

_OWNED = ("agent", "partition")

Series: TypeAlias = tuple[Counter | Gauge, tuple[str, ...]]


class Telemetry:
    """Counts what happens to owners, and what cores notice; an `Observer`. `clock`: wall clock in milliseconds."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], int]) -> None:
        """Register every metric."""
        self._clock = clock
        self._unknown: set[str] = set()
        self._versions: dict[str, OrderedDict[str, set[Series]]] = defaultdict(OrderedDict)
        self._series: dict[Seat, set[Series]] = defaultdict(set)
        self._core = {name: _made(metric, registry) for name, metric in CORE_METRICS.items()}
        self._checkpoints = Counter("kedge_checkpoints", "Transactions committed.", ("agent",), registry=registry)
        self._duration = Histogram(
            "kedge_checkpoint_seconds",
            "From the snapshot to its commit.",
            ("agent",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self._retries = Counter(
            "kedge_transaction_retries", "Steps of a transaction done again.", ("agent", "kind"), registry=registry
        )
        self._success = Gauge(
            "kedge_checkpoint_timestamp_seconds", "When the last checkpoint was committed.", _OWNED, registry=registry
        )
        self._restore = Gauge(
            "kedge_restore_seconds", "How long the last take-over of the partition took.", _OWNED, registry=registry
        )
        self._uncommitted = Gauge(
            "kedge_uncommitted_seconds", "Age of the oldest work without a checkpoint.", _OWNED, registry=registry
        )
        self._lag = Gauge(
            "kedge_lag_records", "Records that no checkpoint contains.", (*_OWNED, "source"), registry=registry
        )
        self._partitions = Gauge("kedge_partitions", "Partitions restored and counting.", ("agent",), registry=registry)

    def observed(self, seat: Seat, observations: Sequence[Observation]) -> None:
        """What a core noticed. A name that is not in the table is said once: it is a metric that nobody sees."""
        for observation in observations:
            metric, collector = CORE_METRICS.get(observation.name), self._core.get(observation.name)
            if metric is None or collector is None:
                if observation.name not in self._unknown:
                    LOG.error("no metric for the observation %s", observation.name)
                    self._unknown.add(observation.name)
                continue
            labels = tuple(observation.labels[label] for label in metric.labels)
            if metric.partition:
                labels = (*labels, str(seat.partition))
            self._remember(observation, (collector, labels))
            value = observation.value * metric.scale
            if isinstance(collector, Counter):
                collector.labels(*labels).inc(value)
            else:
                self._set(seat, collector, labels, value)

    def _remember(self, observation: Observation, series: Series) -> None:
        """Keep the series of the versions seen last; a sender that makes versions up makes none that stay."""
        version = observation.labels.get("version")
        if version is None:
            return
        known = self._versions[observation.labels["model"]]
        known.setdefault(version, set()).add(series)
        known.move_to_end(version)
        while len(known) > VERSIONS_MAX:
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

    def owned(self, agent: Agent, partitions: int) -> None:
        """How many partitions are counting."""
        self._partitions.labels(agent).set(partitions)

    def left(self, seat: Seat) -> None:
        """A partition is not ours any more: what it alone showed must not stand here as if it still were."""
        for series in self._series.pop(seat, set()):
            gauge, labels = series
            gauge.remove(*labels)
            for versions in self._versions.values():
                for known in versions.values():
                    known.discard(series)

    def _set(self, seat: Seat, gauge: Gauge, labels: tuple[str, ...], value: float) -> None:
        gauge.labels(*labels).set(value)
        self._series[seat].add((gauge, labels))


def _labels(seat: Seat) -> tuple[str, str]:
    return seat.agent, str(seat.partition)


def _made(metric: CoreMetric, registry: CollectorRegistry) -> Counter | Gauge:
    labels = (*metric.labels, "partition") if metric.partition else metric.labels
    make = Counter if metric.kind is Kind.COUNTER else Gauge
    return make(metric.name, metric.doc, labels, registry=registry)
