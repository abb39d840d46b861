"""`kedge replay --from-kafka`: what a range of a real broker says is what the same rows say in a file."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from click.testing import Result

from kedge import Publisher
from tests.streams.cli.support import call, lines
from tests.support.kafka import Broker

ROWS: Final = 5_500
SPAN_S: Final = 3_300
"""Eleven windows of five minutes."""
NOON_S: Final = 1_700_049_600
MONITOR: Final = (
    "model: fraud\nowner: risk\nwindows: {pane: 60s, length: 5m, hop: 5m, grace: 30m, lateness: 1h}\n"
    "comparison: {latency_slo_ms: 200}\noutcomes: {click: {delay: 1m}}\n"
)


@pytest.fixture
def answers() -> pa.Table:
    """Answers of two versions to requests of their own, in order; what comes of the second's is worse."""
    rng = np.random.default_rng(3)
    second = np.arange(ROWS) % 2 == 1
    columns = {
        "when": NOON_S + np.arange(ROWS) * SPAN_S // ROWS,
        "x": rng.normal(size=ROWS).round(3),
        "version": np.where(second, "v2", "v1"),
        "role": np.where(second, "CANARY", "PRIMARY"),
        "req": [f"r{row}" for row in range(ROWS)],
        "click": rng.random(ROWS) < np.where(second, 0.1, 0.3),
    }
    return pa.table(columns)


def publish(answers: pa.Table, brokers: str, environment: str) -> None:
    """Send answers and what came of them, as serving nodes and a label pipeline do."""
    with Publisher(brokers=brokers, environment=environment) as publisher:
        for row in answers.to_pylist():
            when = row["when"] * 1_000
            served = {"version": row["version"], "role": row["role"], "features": {"x": row["x"]}}
            publisher.log(row["req"], model="fraud", timestamp=when, **served)
            publisher.outcome(row["req"], model="fraud", kind="click", observed=float(row["click"]), timestamp=when)
        assert publisher.close(60).dropped == 0


def versions(told: Result) -> list[dict[str, Any]]:
    """Return the version reports in an order of their own, without what is a file's own: its baseline, no senders."""
    own = {"baseline", "senders", "largest_sender_share"}
    found = [{k: v for k, v in report.items() if k not in own} for report in lines(told) if "harms" in report]
    return sorted(found, key=lambda report: (report["window_start"], report["version"], report["revision"]))


def test_versions_and_outcomes_of_a_range_are_what_the_file_says(
    kafka: Broker, environment: str, tmp_path: Path, answers: pa.Table
) -> None:
    data, reference, monitor, baseline = (tmp_path / name for name in ("d.csv", "r.csv", "m.yaml", "b.avro"))
    monitor.write_text(MONITOR)
    pa_csv.write_csv(answers, data)
    pa_csv.write_csv(answers.select(["x"]).slice(0, 1_000), reference)
    columns = ("--timestamp", "when", "--version", "version", "--role", "role", "--request-id", "req")
    of_file = ("--reference", reference, "--monitor", monitor, *columns, "--outcome", "click")
    from_file = call("replay", data, *of_file, "--json")
    assert from_file.exit_code == 3, from_file.stderr

    place = ("--brokers", kafka.bootstrap, "--environment", environment)
    for step in (
        ("topics", "create", "--partitions", 3, "--replication", 1, *place),
        ("baseline", "fit", reference, "-o", baseline, "--monitor", monitor),
        ("baseline", "publish", baseline, *place),
        ("monitor", "publish", monitor, *place),
    ):
        done = call(*step, env={"KEDGE_TRUST": "development"})
        assert done.exit_code == 0, done.output
    publish(answers, kafka.bootstrap, environment)
    from_kafka = call("replay", "--from-kafka", "1970-01-02..2100-01-01", "--json", *place)
    assert from_kafka.exit_code == 3, from_kafka.stderr
    assert versions(from_kafka) == versions(from_file)
    judged = [report for report in versions(from_kafka) if report["outcomes_due"]]
    assert {(report["version"], report["outcomes"][0]["n"]) for report in judged} == {("v1", 250), ("v2", 250)}
    assert judged[-1]["reason"].startswith("harm is shown: click.positive_rate")
