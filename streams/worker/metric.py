"""What a metric is: its name, kind, labels and meaning, and how a registry takes it in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

__all__ = [
    "Collector",
    "Kind",
    "Metric",
    "as_collector",
    "as_counter",
    "as_gauge",
    "as_histogram",
    "as_info",
    "counter",
    "current",
    "gauge",
    "histogram",
]

Collector: TypeAlias = Counter | Gauge | Histogram

_DELAYS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


class Kind(StrEnum):
    """How values of one series add up."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One name. `scale` is multiplied in (a core's milliseconds are seconds here).

    `partition`: each partition has a value of its own; else a series is the model's, which lives in one.
    `current`: whatever its owner does not say again has gone, and its series with it.
    """

    kind: Kind
    name: str
    doc: str
    labels: tuple[str, ...]
    scale: float = 1.0
    partition: bool = False
    current: bool = False
    buckets: tuple[float, ...] = ()
    """Of a histogram: upper bounds, seconds."""

    @property
    def exposed(self) -> str:
        """The name that a query has."""
        return {Kind.COUNTER: f"{self.name}_total", Kind.INFO: f"{self.name}_info"}.get(self.kind, self.name)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Labels, that of the partition last."""
        return (*self.labels, "partition") if self.partition else self.labels


def counter(name: str, doc: str, *labels: str) -> Metric:
    """Return a counter."""
    return Metric(kind=Kind.COUNTER, name=name, doc=doc, labels=labels)


def gauge(name: str, doc: str, *labels: str, scale: float = 1.0, partition: bool = False) -> Metric:
    """Return a gauge whose series stand until their partition leaves."""
    return Metric(kind=Kind.GAUGE, name=name, doc=doc, labels=labels, scale=scale, partition=partition)


def current(name: str, doc: str, *labels: str, scale: float = 1.0) -> Metric:
    """Return a gauge whose series go with what they tell of."""
    return Metric(kind=Kind.GAUGE, name=name, doc=doc, labels=labels, scale=scale, current=True)


def histogram(name: str, doc: str, *labels: str, scale: float = 1.0, buckets: tuple[float, ...] = _DELAYS) -> Metric:
    """Return a histogram."""
    return Metric(kind=Kind.HISTOGRAM, name=name, doc=doc, labels=labels, scale=scale, buckets=buckets)


def as_counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """Enter a counter into a registry."""
    return Counter(metric.name, metric.doc, metric.all_labels, registry=registry)


def as_gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    """Enter a gauge into a registry."""
    return Gauge(metric.name, metric.doc, metric.all_labels, registry=registry)


def as_histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    """Enter a histogram into a registry."""
    return Histogram(metric.name, metric.doc, metric.all_labels, buckets=metric.buckets, registry=registry)


def as_info(metric: Metric, registry: CollectorRegistry, **values: str) -> None:
    """Enter what never changes into a registry."""
    Info(metric.name, metric.doc, registry=registry).info(values)


def as_collector(metric: Metric, registry: CollectorRegistry) -> Collector:
    """Enter a metric that takes values into a registry, by its kind."""
    if metric.kind is Kind.HISTOGRAM:
        return as_histogram(metric, registry)
    return as_counter(metric, registry) if metric.kind is Kind.COUNTER else as_gauge(metric, registry)
