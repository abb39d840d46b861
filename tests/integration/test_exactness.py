"""The service on a real broker: every prediction in its bin once, every report once, whatever crashes or stalls."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import TopicPartition

from kedge.schemas.records import Baseline, Report
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.cluster import Cluster
from tests.support.kafka import Broker
from tests.support.rides import Traffic, baseline, check_reports, counted, monitor
from tests.support.service import Outputs, Service
from tests.support.shell import PARTITIONS, ShellWorker
from tests.support.waiting import wait_for

MINUTES = 20
ROWS = 200_000
END = 60
"""Minute of the rides that close everything before them."""


@pytest.fixture(scope="module")
def reference() -> Baseline:
    return baseline()


@pytest.fixture
def service(kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Service]:
    made = Service(kafka, environment, tmp_path)
    yield made
    made.end()


@pytest.fixture
def own_service(own_kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Service]:
    """On a broker of its own, started."""
    own_kafka.start()
    made = Service(own_kafka, environment, tmp_path)
    yield made
    made.end()


class Run:
    """Traffic through a service, and the check that it came out whole."""

    def __init__(self, service: Service, reference: Baseline) -> None:
        self.service, self.reference, self.traffic = service, reference, Traffic()
        service.open(monitor(), reference)
        self.outputs = Outputs(service, "partials", "reports", "dead_letters")

    def send(self, first: int, count: int) -> None:
        self.service.send(self.traffic.minutes(first, count, ROWS // MINUTES))

    def finish(self) -> None:
        """End the traffic, wait for the last final report, and compare everything with the recount."""
        expected = self.traffic.windows()
        recount = self.traffic.recount(self.reference)
        self.service.send(self.traffic.end(END))

        def finals() -> int:
            reports = self.outputs.read("reports")
            return len({r.window_start for r in reports if r.final and r.n and r.window_start in expected})

        wait_for(lambda: finals() >= len(expected), f"{len(expected)} final reports", timeout_s=120)
        partials = counted(self.outputs.read("partials"))
        assert partials.keys() >= recount.keys()
        for pane, vector in recount.items():
            assert np.array_equal(partials[pane], vector), pane
        check_reports([r for r in self.outputs.read("reports") if r.window_start in expected], expected)
        assert self.outputs.read("dead_letters") == []

    def progressed(self, share: float) -> None:
        """Wait until that share of what was sent is counted."""

        def rows() -> float:
            return sum(int(v.sum()) for v in counted(self.outputs.read("partials")).values()) / 3

        wait_for(lambda: rows() >= share * self.traffic.rows, f"{share:.0%} of the rows", timeout_s=90)


def test_two_workers_count_everything_once(service: Service, reference: Baseline) -> None:
    run = Run(service, reference)
    service.worker("w1").says("counting")
    second = service.worker("w2")  # joins while the first counts
    run.send(0, MINUTES)
    second.says("counting")
    run.finish()
    for worker in service.workers:
        assert worker.end() == 0, worker.messages()[-5:]


def test_a_killed_worker_changes_no_count_and_no_report(service: Service, reference: Baseline) -> None:
    run = Run(service, reference)
    first, second = service.worker("w1"), service.worker("w2")
    for worker in (first, second):
        worker.says("counting")
    for part in range(4):
        run.send(part * 5, 5)
        run.progressed(0.3 + 0.1 * part)
        victim = (first, second)[part % 2]
        victim.process.send_signal(signal.SIGKILL)
        victim.start_again()
    run.finish()


def test_a_zombie_changes_no_count_and_no_report(service: Service, reference: Baseline) -> None:
    run = Run(service, reference)
    zombie = service.worker("w1", KEDGE_CHECKPOINT_SECONDS="0.02")
    zombie.says("counting")
    _stop_inside_a_transaction(run, zombie)
    heir = service.worker("w2")
    heir.says(f"counting {PARTITIONS + 2 + 2} partitions|counting", timeout_s=60)
    run.send(10, 5)
    run.progressed(0.9)
    zombie.process.send_signal(signal.SIGCONT)
    assert zombie.process.wait(60) == 70
    assert "fenced" in zombie.messages()[-1]
    run.send(15, 5)
    run.finish()


def _stop_inside_a_transaction(run: Run, worker: ShellWorker) -> None:
    """SIGSTOP the worker while a transaction of its tally is open."""
    service = run.service
    cluster = Cluster(KafkaSettings(brokers=service.broker.bootstrap, environment=service.environment))
    state = Topics(service.environment).tally_state
    logs = [TopicPartition(state, number) for number in range(PARTITIONS)]
    minute = iter(range(1_000))

    def stopped() -> bool:
        run.service.send(run.traffic.minutes(next(minute) % 10, 1, 2_000))
        worker.process.send_signal(signal.SIGSTOP)
        ends, stable = cluster.ends(logs), cluster.stable_ends(logs)
        if any(stable[state, log.partition] < ends[state, log.partition] for log in logs):
            return True
        worker.process.send_signal(signal.SIGCONT)
        return False

    wait_for(stopped, "an open transaction", timeout_s=60, poll_s=0.01)


def test_a_broker_that_crashes_changes_no_count_and_no_report(own_service: Service, reference: Baseline) -> None:
    run = Run(own_service, reference)
    worker = own_service.worker("w1").restarted()
    run.send(0, 10)
    run.progressed(0.2)
    own_service.broker.kill()
    worker.says("is tried again", timeout_s=60)
    own_service.broker.restart()
    run.send(10, 10)
    run.finish()


def test_poison_is_a_dead_letter_and_everything_after_it_counts(service: Service, reference: Baseline) -> None:
    run = Run(service, reference)
    service.worker("w1")
    poison = [
        (p, bad) for p in range(PARTITIONS) for bad in (b"garbage", b"\x00\x00\x00\x00\x01x", b"\xc3\x01" + b"0" * 9)
    ]
    service.send(poison)
    run.service.send(run.traffic.minutes(0, 8, 2_000))
    run.progressed(1.0)
    letters = run.outputs.read("dead_letters")
    assert len(letters) == len(poison)
    assert {letter.reason for letter in letters} == {"unknown_schema"}
    assert all(letter.payload is None for letter in letters)


@pytest.mark.parametrize("codec", ["lz4", "zstd", "snappy", "gzip"])
def test_every_compression_is_read(service: Service, reference: Baseline, codec: str) -> None:
    run = Run(service, reference)
    service.worker("w1")
    service.send(run.traffic.minutes(0, 3, 2_000), **{"compression.type": codec})
    run.progressed(1.0)


def test_late_rows_amend_a_window_that_was_reported(service: Service, reference: Baseline) -> None:
    run = Run(service, reference)
    service.worker("w1")
    service.send(run.traffic.minutes(0, 10, 2_000))
    outputs, late = run.outputs, run.traffic.minutes(2, 1, 2_000)

    def reports(revision: int) -> list[Report]:
        told = outputs.read("reports")
        return [r for r in told if r.revision == revision and r.window_start in run.traffic.windows()]

    first = wait_for(lambda: reports(0), "a first report", timeout_s=60)[0]
    service.send(late)
    service.send(run.traffic.minutes(12, 1, 2_000))
    amended = wait_for(lambda: reports(1), "an amendment", timeout_s=60)[0]
    assert not first.final
    assert amended.n > 0
    run.finish()
