"""Metrics: what cores and owners say becomes series, and leaves with its partition."""

import logging
import re

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from kedge.streams.core.instructions import Observation
from kedge.streams.names import Agent
from kedge.streams.worker.means import Seat
from kedge.streams.worker.metrics import CORE_METRICS, WORKER_METRICS
from kedge.streams.worker.telemetry import STREAMS_MAX, Telemetry
from kedge.streams.worker.transaction import Retry

TALLY = Seat(Agent.TALLY, 3)


def _telemetry() -> tuple[Telemetry, CollectorRegistry]:
    registry = CollectorRegistry()
    return Telemetry(registry, lambda: 12_000), registry


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_counters_add_up_and_gauges_are_set_in_their_unit() -> None:
    telemetry, registry = _telemetry()
    rows = Observation("rows", {"model": "m", "fate": "late"}, 2)
    telemetry.observed(TALLY, [rows, rows, Observation("watermark_ms", {"model": "m"}, 90_500)])
    assert _value(registry, "kedge_rows_total", model="m", fate="late") == 4
    assert _value(registry, "kedge_watermark_timestamp_seconds", model="m", partition="3") == 90.5


def test_what_an_owner_does_is_counted() -> None:
    telemetry, registry = _telemetry()
    telemetry.restored(TALLY, 0.5)
    telemetry.checkpointed(TALLY, 0.02)
    telemetry.retried(Agent.TALLY, Retry.ABORT)
    telemetry.behind(TALLY, uncommitted_s=1.5, records={"predictions": 7, "outcomes": None})
    telemetry.expected(Agent.TALLY, 8)
    assert _value(registry, "kedge_partitions", agent="tally") == 0
    telemetry.owned(Agent.TALLY, 4)
    owned = {"agent": "tally", "partition": "3"}
    assert _value(registry, "kedge_restore_seconds", **owned) == 0.5
    assert _value(registry, "kedge_checkpoint_timestamp_seconds", **owned) == 12
    assert _value(registry, "kedge_uncommitted_seconds", **owned) == 1.5
    assert _value(registry, "kedge_lag_records", **owned, source="predictions") == 7
    assert _value(registry, "kedge_lag_records", **owned, source="outcomes") is None
    assert _value(registry, "kedge_checkpoints_total", agent="tally") == 1
    assert _value(registry, "kedge_transaction_retries_total", agent="tally", kind="abort") == 1
    assert _value(registry, "kedge_partitions", agent="tally") == 4
    assert _value(registry, "kedge_partitions_all", agent="tally") == 8


def test_who_waits_for_the_registry_is_asked_at_every_scrape() -> None:
    telemetry, registry = _telemetry()
    assert _value(registry, "kedge_registry_waiting_seconds") == 0
    waited = iter((1.5, 2.5))
    telemetry.waiting(lambda: next(waited))
    assert [_value(registry, "kedge_registry_waiting_seconds") for _ in range(2)] == [1.5, 2.5]


def test_a_partition_that_leaves_takes_its_own_series_with_it() -> None:
    telemetry, registry = _telemetry()
    other = Seat(Agent.TALLY, 0)
    for seat in (TALLY, other):
        telemetry.restored(seat, 0.5)
        telemetry.observed(seat, [Observation("watermark_ms", {"model": "m"}, 1_000)])
    telemetry.left(TALLY)
    text = generate_latest(registry).decode()
    assert 'partition="3"' not in text
    assert text.count('partition="0"') == 2


def test_an_observation_without_a_metric_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    telemetry, _ = _telemetry()
    with caplog.at_level(logging.ERROR):
        telemetry.observed(TALLY, [Observation("nobody_knows", {}, 1)] * 3)
    assert [record.getMessage() for record in caplog.records] == ["no metric for the observation nobody_knows"]


def test_core_metrics_follow_prometheus_naming() -> None:
    for metric in (*CORE_METRICS.values(), *WORKER_METRICS.values()):
        assert metric.name.startswith("kedge_")
        assert metric.name == metric.name.lower()
        assert metric.doc.endswith(".")


def test_what_is_not_said_again_has_gone() -> None:
    telemetry, registry = _telemetry()
    seat = Seat(Agent.GUARD, 0)
    told = {"model": "m", "subject": "drift"}
    first = Observation("incident_opened_ms", {**told, "incident": "a", "severity": "ticket"}, 5_000)
    other = Observation("incident_open", {"model": "n"}, 1)
    graver = Observation("incident_opened_ms", {**told, "incident": "a", "severity": "page"}, 5_000)
    telemetry.observed(seat, [first, other])
    telemetry.observed(Seat(Agent.GUARD, 1), [])
    telemetry.observed(seat, [graver, other])
    name = "kedge_incident_opened_timestamp_seconds"
    assert _value(registry, name, **told, incident="a", severity="ticket") is None
    assert _value(registry, name, **told, incident="a", severity="page") == 5
    telemetry.observed(seat, [other])
    assert name + "{" not in generate_latest(registry).decode()
    assert _value(registry, "kedge_incident_open", model="n") == 1


def test_a_delay_falls_into_its_bucket() -> None:
    telemetry, registry = _telemetry()
    telemetry.observed(Seat(Agent.JUDGE, 0), [Observation("report_delay_ms", {}, ms) for ms in (900, 20_000)])
    name = "kedge_report_delay_seconds"
    assert _value(registry, f"{name}_bucket", le="1.0") == 1
    assert _value(registry, f"{name}_sum") == 20.9
    assert _value(registry, f"{name}_count") == 2


def test_the_process_and_its_build_are_shown_and_no_series_of_creation() -> None:
    _, registry = _telemetry()
    text = generate_latest(registry).decode()
    assert "process_start_time_seconds " in text
    assert re.search(r'^kedge_build_info\{python="3\.\d+\.\d+",version=".+"\} 1\.0$', text, re.MULTILINE)
    assert "_created" not in text


def test_only_the_versions_seen_last_have_series() -> None:
    registry = CollectorRegistry()
    telemetry, seat = Telemetry(registry, lambda: 0), Seat(Agent.GUARD, 0)
    for i in range(STREAMS_MAX + 3):
        labels = {"model": "m", "version": f"v{i}", "role": "PRIMARY"}
        for name in ("requests", "window_verdict"):
            telemetry.observed(seat, [Observation(name, labels, 1)])
    for name in ("kedge_requests_total", "kedge_window_verdict"):
        shown = {
            sample.labels["version"]
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == name
        }
        assert shown == {f"v{i}" for i in range(3, STREAMS_MAX + 3)}
    telemetry.left(seat)
    assert registry.get_sample_value("kedge_window_verdict", {"model": "m", "version": "v6", "role": "PRIMARY"}) is None
