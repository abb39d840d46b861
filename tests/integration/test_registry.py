"""Publisher, worker and command line on a real schema registry: there, away, slow, and asked for what it lacks."""

import json
import logging
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kedge import Publisher
from kedge.schemas.codec import Codec
from kedge.schemas.contracts import current, text_of
from kedge.schemas.partition import partition_for
from kedge.schemas.records import DeadLetter, Prediction, PredictionBatch, Report, Role
from kedge.schemas.registry import ConfluentRegistry
from kedge.schemas.registry_http import RegistryHttp
from kedge.schemas.subjects import LEVEL
from kedge.streams.doctor.finding import Level
from kedge.streams.doctor.registry import registry
from tests.streams.cli.support import call
from tests.support import rides
from tests.support.apicurio import Apicurio
from tests.support.kafka import Broker
from tests.support.raw import raw_topics
from tests.support.rides import MINUTE, MODEL, START, Traffic
from tests.support.road import Road
from tests.support.service import CODEC, Service
from tests.support.shell import PARTITIONS, ShellWorker
from tests.support.waiting import wait_for

ROWS = 400
FLOOD = 1_200
"""Different ids that nobody has registered; more than a worker asks for in a minute."""


@pytest.fixture(scope="module")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    with Apicurio(tmp_path_factory.mktemp("apicurio")) as registry:
        yield registry


@pytest.fixture(scope="module", autouse=True)
def _published(apicurio: Apicurio) -> None:
    found = call("schemas", "publish", env={"KEDGE_REGISTRY_URL": apicurio.url})
    assert found.exit_code == 0, found.output


@pytest.fixture
def road(apicurio: Apicurio) -> Iterator[Road]:
    with Road(apicurio.port) as leading:
        yield leading


@pytest.fixture
def service(kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Service]:
    made = Service(kafka, environment, tmp_path)
    made.open(rides.monitor(), rides.baseline())
    yield made
    made.end()


def url(road: Road) -> str:
    return f"http://127.0.0.1:{road.port}/apis/ccompat/v7"


def checked(apicurio: Apicurio) -> dict[str, Any]:
    """What `kedge schemas check` says, by record; its exit code is right."""
    found = call("schemas", "check", "--json", env={"KEDGE_REGISTRY_URL": apicurio.url})
    told = json.loads(found.stdout)
    assert found.exit_code == int(any(subject["problems"] for subject in told))
    return {subject["record"]: subject for subject in told}


def newer(record: str, name: str) -> str:
    """A record's schema as a later release might have it: with one more field, which may be missing."""
    document = json.loads(text_of(record))
    document["fields"].append({"name": name, "type": ["null", "string"], "default": None})
    return json.dumps(document)


def test_schemas_are_registered_once_and_the_registry_keeps_them_compatible(apicurio: Apicurio) -> None:
    before = checked(apicurio)
    assert before.keys() == current().keys()
    assert {(subject["compatibility"], *subject["problems"]) for subject in before.values()} == {(LEVEL,)}
    again = call("schemas", "publish", "--json", env={"KEDGE_REGISTRY_URL": apicurio.url})
    assert (again.exit_code, json.loads(again.stdout)) == (0, list(before.values()))
    broken = json.loads(text_of("Report"))
    broken["fields"].append({"name": "more", "type": "string"})
    status, _ = apicurio.ask("POST", "/subjects/kedge.Report/versions", {"schema": json.dumps(broken)})
    assert status == 409


def test_what_the_registry_refuses_is_said_in_a_line_that_names_the_field(apicurio: Apicurio) -> None:
    foreign = {"type": "record", "name": "Ack", "namespace": "kedge", "fields": [{"name": "model", "type": "long"}]}
    apicurio.ask("DELETE", "/subjects/kedge.Ack")
    apicurio.register("kedge.Ack", json.dumps(foreign))
    found = call("schemas", "publish", env={"KEDGE_REGISTRY_URL": apicurio.url})
    assert found.exit_code == 1
    [line] = found.stderr.splitlines()
    assert line.startswith("kedge: kedge.Ack was refused: ")
    assert "model" in line
    assert "delete version" in line
    told = checked(apicurio)
    assert [record for record, subject in told.items() if subject["problems"]] == ["Ack"]
    (examined,) = registry(RegistryHttp(apicurio.url))
    assert (examined.level, examined.said.partition(":")[0]) == (Level.FAIL, "kedge.Ack")
    assert told["Ack"]["id"] is None
    apicurio.ask("DELETE", "/subjects/kedge.Ack")
    assert call("schemas", "publish", env={"KEDGE_REGISTRY_URL": apicurio.url}).exit_code == 0
    assert checked(apicurio)["Ack"]["problems"] == []
    assert [finding.level for finding in registry(RegistryHttp(apicurio.url))] == [Level.OK]


def test_a_registry_that_is_away_is_one_line(road: Road) -> None:
    for command in ("check", "publish"):
        found = call("schemas", command, env={"KEDGE_REGISTRY_URL": url(road)})
        assert found.exit_code == 1
        assert found.stderr == f"kedge: {url(road)} does not answer: URLError\n"


def test_a_worker_whose_schemas_nobody_has_registered_says_what_to_do(
    apicurio: Apicurio, road: Road, service: Service
) -> None:
    apicurio.ask("DELETE", "/subjects/kedge.Outcome")
    road.open()
    worker = service.worker("w1", KEDGE_REGISTRY_URL=url(road))
    assert worker.process.wait(30) == 1
    assert "kedge.Outcome as this release writes it: run `kedge schemas publish`" in worker.messages()[-1]
    assert call("schemas", "publish", env={"KEDGE_REGISTRY_URL": apicurio.url}).exit_code == 0


def test_a_publisher_waits_for_its_registry_and_no_request_for_the_publisher(
    road: Road, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "kedge.publisher")
    road.delay_s = 0.5
    with Publisher(
        brokers=service.broker.bootstrap, environment=service.environment, registry_url=url(road)
    ) as publisher:
        for row in range(ROWS):
            publisher.log(f"r{row}", model=MODEL, version="v1", features={"km": 1.0})
        publisher.outcome("r1", model=MODEL, observed=1.0)
        wait_for(lambda: "schema registry" in caplog.text, "it to say what holds the rows up")
        assert (publisher.stats().sent, publisher.stats().queued) == (0, ROWS + 1)
        road.open()
        wait_for(lambda: publisher.stats().sent == ROWS + 1, "the rows to be sent")
    assert (publisher.stats().dropped, publisher.stats().undelivered) == (0, 0)
    assert {line.split(" ")[0] for line in road.asked} == {"POST"}
    assert {line.rpartition("/")[2] for line in road.asked} == {"kedge.PredictionBatch", "kedge.Outcome"}


def test_a_worker_with_its_registry_away_slow_and_flooded(apicurio: Apicurio, road: Road, service: Service) -> None:
    worker = service.worker("w1", KEDGE_REGISTRY_URL=url(road))
    worker.says("waiting for the schema registry")
    assert worker.get("/readyz") == (503, "waiting for the schema registry\n")
    assert worker.get("/healthz")[0] == 200
    wait_for(lambda: waited_s(worker) > 0, "it to say for how long it waits")
    road.open()
    worker.says("counting")
    assert waited_s(worker) == 0

    framed = Codec(ConfluentRegistry(RegistryHttp(apicurio.url)))
    traffic = Traffic(seed=3)

    def counted(rows: int) -> None:
        sample = f'kedge_rows_total{{fate="counted",model="{MODEL}"}} {float(rows)}\n'
        wait_for(lambda: sample in worker.get("/metrics")[1], f"{rows} rows to be counted")

    # What it knows it needs no registry for: batches framed with its own schemas, its state, its reports.
    road.close()
    sent = [(partition, framed_as(framed, message)) for partition, message in traffic.minutes(0, 12, 400, size=100)]
    service.send(sent)
    counted(traffic.rows)

    # A later release's event is good, but this worker has to ask for it: it waits, and nothing is refused.
    later = apicurio.register("kedge.Prediction", newer("Prediction", "from_a_later_release"))
    known = len(worker.messages())
    service.send([later_event(later, row) for row in range(2)])
    wait_for(lambda: any("waiting for the schema" in line for line in worker.messages()[known:]), "it to wait")
    wait_for(lambda: waited_s(worker) > 0, "it to say for how long it waits")
    road.delay_s = 1.0
    road.open()
    wait_for(lambda: any("answers again" in line for line in worker.messages()[known:]), "it to go on")
    road.delay_s = 0.0
    wait_for(lambda: waited_s(worker) == 0, "that it does not wait any more")
    counted(traffic.rows + 2)

    # Ids that nobody has registered: each message is a dead letter, and the registry is asked for few of them.
    road.asked.clear()
    flood = [(i % 2, b"\0" + struct.pack(">i", 900_000 + i // 2) + b"x") for i in range(2 * FLOOD)]
    service.send(flood)
    assert letters(service, framed, len(flood)) == {"unknown_schema"}
    assert len([line for line in road.asked if "/schemas/ids/90" in line]) <= 500  # the console asks for its own
    service.send([(partition, framed_as(framed, message)) for partition, message in traffic.end(30)])
    counted(traffic.rows + 2)

    logs = wait_for(lambda: reported(service), "reports")
    assert {value[:1] for value in logs} == {b"\0"}
    assert {framed.decode(value, Report).model for value in logs} == {MODEL}
    assert worker.end() == 0


def waited_s(worker: ShellWorker) -> float:
    """For how long a worker says that it has waited for the registry."""
    found = re.search(r"^kedge_registry_waiting_seconds (\S+)$", worker.get("/metrics")[1], re.MULTILINE)
    assert found is not None
    return float(found[1])


def framed_as(codec: Codec, message: bytes) -> bytes:
    """A message of the tests' own codec, framed for the registry."""
    return codec.encode(CODEC.decode(message, PredictionBatch))


def later_event(schema_id: int, row: int) -> tuple[int, bytes]:
    """A single event of a later release: the body of today's, and a null for the new field."""
    event = Prediction(
        event_id=f"e{row}",
        request_id=f"r{row}",
        model=MODEL,
        version="v1",
        role=Role.PRIMARY,
        timestamp=START + 11 * MINUTE,
        segment={},
        features={"km": 1.0},
    )
    partition = partition_for(event.request_id.encode(), PARTITIONS)
    return partition, b"\0" + struct.pack(">i", schema_id) + CODEC.encode(event)[10:] + b"\0"


def letters(service: Service, codec: Codec, count: int) -> set[str]:
    """Wait for so many dead letters, and no more; returns their reasons."""

    def found() -> list[bytes]:
        logs = raw_topics(service.broker, service.environment, isolation="read_committed")
        return [value for _, value, *_ in logs[service.topics.dead_letters]]

    told = wait_for(lambda: len(letters := found()) >= count and letters, f"{count} dead letters", poll_s=0.5)
    assert len(told or ()) == count
    return {codec.decode(value, DeadLetter).reason for value in told or ()}


def reported(service: Service) -> list[bytes]:
    logs = raw_topics(service.broker, service.environment, isolation="read_committed")
    return [value for _, value, *_ in logs[service.topics.reports]]
