"""The publisher on a real Kafka, and in a real gunicorn."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest

from kedge import Publisher, PublisherSettings
from kedge.schemas.hashing import id_hash
from kedge.schemas.partition import partition_for
from kedge.streams.names import Topics
from kedge.streams.topics import Layout, create_topics
from tests.support.batches import BatchReader, dropped, in_streams, missing
from tests.support.kafka import ROOT, Broker, free_port
from tests.support.processes import spawn, tail, terminate
from tests.support.waiting import wait_for

PARTITIONS = 4


def create(broker: Broker, environment: str) -> BatchReader:
    """The topics, and a reader of the predictions."""
    layout = Layout(requests=PARTITIONS, models=1, replication=1)
    create_topics({"bootstrap.servers": broker.bootstrap}, environment, layout)
    return BatchReader(broker.bootstrap, Topics(environment).predictions, PARTITIONS)


def publisher(broker: Broker, environment: str, **more: int) -> Publisher:
    return Publisher(settings=PublisherSettings(brokers=broker.bootstrap, environment=environment, **more))  # type: ignore[arg-type] # whole numbers


def log(node: Publisher, first: int, rows: int) -> None:
    for row in range(first, first + rows):
        node.log(f"r{row}", model="m", version="1", features={"a": float(row)})


def ids(reader: BatchReader) -> list[int]:
    """The hash of every row that has arrived, with every repetition."""
    return [one for _, batch in reader.batches() for one in np.frombuffer(batch.request_ids, "<u8").tolist()]


def test_every_row_arrives_once_where_its_request_id_belongs(kafka: Broker, environment: str) -> None:
    reader = create(kafka, environment)
    with publisher(kafka, environment, batch_age_ms=20) as node:
        log(node, 0, 5_000)
        keys = [f"r{row}" for row in range(5_000, 20_000)]
        node.log_many(keys, model="m", version="1", features={"a": np.arange(15_000)})
    stats = node.stats()
    assert (stats.logged, stats.sent) == (20_000, 20_000)
    home = {id_hash(f"r{row}"): partition_for(f"r{row}".encode(), PARTITIONS) for row in range(20_000)}
    assert sorted(ids(reader)) == sorted(home)
    for partition, batch in reader.batches():
        assert {home[one] for one in np.frombuffer(batch.request_ids, "<u8").tolist()} == {partition}
    assert missing(reader.batches()) == 0


def test_rows_wait_for_topics_that_nobody_has_created_yet(kafka: Broker, environment: str) -> None:
    with publisher(kafka, environment) as node:
        log(node, 0, 100)
        wait_for(lambda: not node._session.intake._items, "the thread to take the rows")  # noqa: SLF001 - no public sign of it
        assert Topics(environment).predictions not in kafka.admin().list_topics(timeout=10).topics
        reader = create(kafka, environment)
        wait_for(lambda: node.stats().sent == 100, "the rows to arrive")
    assert len(ids(reader)) == 100


def test_nothing_is_lost_or_doubled_when_the_broker_crashes(own_kafka: Broker, environment: str) -> None:
    own_kafka.start()
    reader = create(own_kafka, environment)
    with publisher(own_kafka, environment, batch_age_ms=20, close_timeout_ms=60_000) as node:
        logged = 0
        for crash in range(2):
            target = node.stats().sent + 500
            while node.stats().sent < target:
                log(node, logged, 50)
                logged += 50
            own_kafka.kill()
            log(node, logged, 5_000)
            logged += 5_000
            assert node.stats().queued > 0, crash
            own_kafka.restart()
    stats = node.stats()
    assert (stats.logged, stats.sent, stats.dropped, stats.undelivered) == (logged, logged, 0, 0)
    assert sorted(ids(reader)) == sorted(id_hash(f"r{row}") for row in range(logged))


def test_what_kafka_did_not_take_in_time_is_a_gap_that_the_worker_can_see(own_kafka: Broker, environment: str) -> None:
    own_kafka.start()
    reader = create(own_kafka, environment)
    with publisher(own_kafka, environment, batch_age_ms=20, delivery_timeout_ms=1_000) as node:
        log(node, 0, 100)
        wait_for(lambda: node.stats().sent == 100, "the first rows to arrive")
        own_kafka.kill()
        log(node, 100, 1_000)
        wait_for(lambda: node.stats().undelivered == 1_000, "the rows to be given up")
        own_kafka.restart()
        wait_for(lambda: _sends(node, 1_100, 100), "rows to arrive again")
    stats = node.stats()
    assert stats.logged == stats.sent + stats.undelivered
    assert (stats.queued, stats.dropped) == (0, 0)
    assert reader.rows() == stats.sent
    assert (missing(reader.batches()), dropped(reader.batches())) == (stats.undelivered, 0)


def _sends(node: Publisher, first: int, rows: int) -> bool:
    """Log rows; whether any have come through since the first hundred."""
    log(node, first, rows)
    return node.stats().sent > 100


class Gunicorn:
    """Two workers that were forked from a master with the app loaded."""

    def __init__(self, directory: Path, broker: Broker, environment: str) -> None:
        self.log = directory / "gunicorn.log"
        self._stats = directory / "stats"
        self._stats.mkdir()
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        self.served = 0
        options = ["--preload", "--workers=2", f"--bind=127.0.0.1:{port}"]
        self._process = spawn(
            [sys.executable, "-m", "gunicorn", *options, "tests.integration.serving_node:app"],
            log=self.log,
            cwd=ROOT,
            env={
                "STATS": str(self._stats),
                "KEDGE_BROKERS": broker.bootstrap,
                "KEDGE_ENVIRONMENT": environment,
                "KEDGE_PUBLISHER_QUEUE_ROWS_MAX": "2000",
                "KEDGE_PUBLISHER_BATCH_AGE_MS": "50",
            },
        )

    def predict(self, request: int, rows: int) -> bool:
        """Have it make `rows` predictions; whether it has answered."""
        try:
            with urlopen(f"{self._url}/{request}/{rows}", timeout=10) as answer:  # noqa: S310 - our own server
                assert answer.status == 200
        except (URLError, ConnectionError):
            return False
        self.served += rows
        return True

    def terminate(self) -> int:
        """SIGTERM, as a deployment would; the exit code."""
        return terminate(self._process, timeout_s=60)

    def counts(self) -> dict[str, int]:
        """The workers' last counters, added up."""
        total: dict[str, int] = {}
        for path in self._stats.iterdir():
            stats = json.loads(path.read_text())
            stats.pop("rejections")
            assert stats["rejected"] == 0
            for name, count in stats.items():
                total[name] = total.get(name, 0) + count
        return total

    def workers(self) -> int:
        """Processes that have logged."""
        return sum(json.loads(path.read_text())["logged"] > 0 for path in self._stats.iterdir())


@pytest.fixture
def gunicorn(tmp_path: Path, own_kafka: Broker, environment: str) -> Iterator[Gunicorn]:
    server = Gunicorn(tmp_path, own_kafka, environment)
    yield server
    server.terminate()


def test_gunicorn_with_preloaded_workers_accounts_for_every_row(
    gunicorn: Gunicorn, own_kafka: Broker, environment: str
) -> None:
    wait_for(lambda: gunicorn.predict(0, 50), f"gunicorn to answer; its log:\n{tail(gunicorn.log)}")
    begun = time.monotonic()
    request = 1
    while time.monotonic() - begun < 10:  # the broker is ten seconds late, and requests do not wait for it
        asked = time.monotonic()
        assert gunicorn.predict(request, 50)
        assert time.monotonic() - asked < 2
        request += 1
    own_kafka.start()
    reader = create(own_kafka, environment)
    wait_for(reader.rows, "rows to arrive")
    for _ in range(50):
        assert gunicorn.predict(request, 50)
        request += 1

    ending = threading.Event()

    def go_on(number: int) -> None:
        while gunicorn.predict(number, 50) or not ending.is_set():
            number += 1

    client = threading.Thread(target=go_on, args=(request,))
    client.start()  # requests come while it ends
    assert gunicorn.terminate() == 0
    ending.set()
    client.join()

    counts = gunicorn.counts()
    assert gunicorn.workers() == 2
    assert counts["logged"] >= gunicorn.served
    assert (counts["queued"], counts["undelivered"]) == (0, 0), tail(gunicorn.log)
    assert counts["dropped"] > 0, "the queue was meant to be too small for ten seconds"
    received = reader.rows()
    assert received + dropped(reader.batches()) == counts["logged"]
    assert (received, missing(reader.batches())) == (counts["sent"], 0)
    assert len(set(ids(reader))) == received
    assert len({batch.producer for stream in in_streams(reader.batches()) for batch in stream}) == 2
