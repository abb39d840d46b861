"""Monitors and baselines to their topics, and what is published there already."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from confluent_kafka import KafkaError, Message, Producer, TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorSpec, WindowSpec, parse_monitor
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Baseline, Monitor
from kedge.schemas.report_json import iso_time
from kedge.schemas.signing import signed_bytes
from kedge.streams.access import Access, is_forbidden
from kedge.streams.core.effective import aligned, effective_from
from kedge.streams.core.trusting import Signer
from kedge.streams.names import Topics
from kedge.streams.reading import ReadingError, partition_counts, read_to_end
from kedge.streams.settings import KafkaSettings

__all__ = [
    "AnnounceError",
    "Catalogued",
    "Place",
    "Published",
    "announce_baseline",
    "announce_monitor",
    "deliver",
    "read_catalog",
]

R = TypeVar("R", Monitor, Baseline)


class AnnounceError(ValueError):
    """It cannot act from when it was said to; the message says when it could."""


@dataclass(frozen=True, slots=True)
class Catalogued:
    """All that is published, each key's newest record."""

    monitors: tuple[Monitor, ...]
    baselines: tuple[Baseline, ...]

    def windows(self, model: str) -> WindowSpec:
        """Return the windows of the model's last monitor, or the defaults."""
        spec = self.monitor(model)
        return WindowSpec() if spec is None else spec.windows

    def monitor(self, model: str) -> MonitorSpec | None:
        """Return the monitor of a model that acts last."""
        known = [monitor for monitor in self.monitors if monitor.model == model]
        last = max(known, key=lambda monitor: monitor.effective_from, default=None)
        return None if last is None else parse_monitor(last.document, last.model)


@dataclass(frozen=True, slots=True)
class Published:
    """What became of it; `new` False: the very same acts, or will act, already."""

    model: str
    hash: str
    effective_from: int
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to publish, who signs, and how long to wait for it."""

    kafka: KafkaSettings
    codec: Codec
    signer: Signer | None = None
    timeout_s: float = 30.0


def announce_monitor(place: Place, monitor: Monitor, *, now_ms: int, at: int | None = None) -> Published:
    """Publish a monitor; it acts from `at`, else from 0 if it is the model's first, else a few panes ahead.

    It is signed where there is a signer, and the same with another signature is not the same.

    Raises:
        ReadingError: Kafka does not answer, or does not take it.
        AnnounceError: no window begins at `at`.
    """
    catalog = read_catalog(place)
    known = [other for other in catalog.monitors if other.model == monitor.model]
    windows = parse_monitor(monitor.document, monitor.model).windows
    start = _start(known, at, now_ms, (catalog.windows(monitor.model), windows))
    key = json.dumps([monitor.model, start], separators=(",", ":"))
    signed = _signed(replace(monitor, effective_from=start), place.signer)
    same_key = [other for other in known if other.key_id == signed.key_id]
    return _publish(place, same_key, signed, ("monitors", key), given=at is not None)


def _signed(monitor: Monitor, signer: Signer | None) -> Monitor:
    if signer is None or not signer.key_id:
        return monitor
    named = replace(monitor, key_id=signer.key_id)
    return replace(named, signature=signer.sign(signed_bytes(named)))


def announce_baseline(place: Place, baseline: Baseline, *, now_ms: int, at: int | None = None) -> Published:
    """Publish a baseline; it acts from `at`, else from 0 if it is the version's first, else a few panes ahead.

    Raises:
        ReadingError: Kafka does not answer, or does not take it.
        AnnounceError: no window begins at `at`.
    """
    catalog = read_catalog(place)
    version = (baseline.model, baseline.version)
    known = [other for other in catalog.baselines if (other.model, other.version) == version]
    windows = catalog.windows(baseline.model)
    start = _start(known, at, now_ms, (windows, windows))
    key = json.dumps([*version, start], separators=(",", ":"))
    return _publish(place, known, replace(baseline, effective_from=start), ("baselines", key), given=at is not None)


def _start(
    known: Sequence[Monitor | Baseline], at: int | None, now_ms: int, windows: tuple[WindowSpec, WindowSpec]
) -> int:
    if at is not None and at != (near := aligned(at, *windows)):
        raise AnnounceError(f"no window begins at {iso_time(at)}: the next that would do is {iso_time(near)}")
    if at is not None:
        return at
    return effective_from(now_ms, *windows) if known else 0


def _publish(place: Place, known: Sequence[R], record: R, where: tuple[str, str], *, given: bool) -> Published:
    last = max(known, key=lambda other: other.effective_from, default=None)
    if last is not None and last.hash == record.hash and not given:
        return Published(last.model, last.hash, last.effective_from, new=False)
    topic, key = Topics(place.kafka.environment).of(where[0]), where[1].encode()
    partition = partition_for(record.model.encode(), partition_counts(place.kafka, [topic])[topic])
    deliver(place, TopicPartition(topic, partition), key, place.codec.encode(record))
    return Published(record.model, record.hash, record.effective_from, new=True)


def deliver(place: Place, where: TopicPartition, key: bytes, value: bytes) -> int:
    """Produce one record and wait until every replica in sync has it; returns its offset.

    Raises:
        ReadingError: Kafka does not answer, or does not take it.
    """
    failed: list[KafkaError | None] = []
    offsets: list[int] = []
    timeout_ms = int(place.timeout_s * 1_000)
    access = Access(place.kafka.client())
    producer = Producer(
        {
            **place.kafka.client(),
            "error_cb": access.heard,
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": timeout_ms,
        }
    )

    def delivered(error: KafkaError | None, message: "Message[Any, Any]") -> None:
        failed.append(error)
        offsets.append(message.offset() or 0)

    producer.produce(where.topic, value, key, partition=where.partition, on_delivery=delivered)
    producer.flush(place.timeout_s)
    if not failed:
        raise ReadingError(f"Kafka at {place.kafka.brokers} did not acknowledge within {place.timeout_s:g} s")
    if failed[0] is not None:
        told = access.words(failed[0], where.topic) if is_forbidden(failed[0]) else failed[0].str()
        raise ReadingError(f"Kafka did not take it: {told}")
    return offsets[0]


def read_catalog(place: Place) -> Catalogued:
    """Return what is published; records that cannot be read are left out, as workers leave them out."""
    topics = Topics(place.kafka.environment)
    monitors: dict[bytes, Monitor] = {}
    baselines: dict[bytes, Baseline] = {}
    for message in read_to_end(place.kafka, [topics.monitors, topics.baselines]):
        key, value = message.key() or b"", message.value() or b""
        try:
            if message.topic() == topics.monitors:
                monitors[key] = place.codec.decode(value, Monitor)
            else:
                baselines[key] = place.codec.decode(value, Baseline)
        except UndecodableError:
            continue
    return Catalogued(tuple(monitors.values()), tuple(baselines.values()))
