"""An actuator on a real broker: what aborted transactions leave is not obeyed, and `kedge actuator run` obeys."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from kedge.schemas.records import Command
from kedge.streams.actuator.actuator import Actuator
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.clock import now_ms
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Layout, create_topics
from tests.streams.actuator.made import CODEC, KEY, RING, CountingRouter, command, told
from tests.support.control import Guard, running
from tests.support.kafka import Broker
from tests.support.processes import spawn, tail, terminate
from tests.support.waiting import wait_for


@pytest.fixture
def guard(kafka: Broker, environment: str) -> Guard:
    create_topics({"bootstrap.servers": kafka.bootstrap}, environment, Layout(requests=1, models=2, replication=1))
    return Guard(KafkaSettings(brokers=kafka.bootstrap, environment=environment))


@pytest.fixture
def settings(guard: Guard, tmp_path: Path) -> ActuatorSettings:
    return ActuatorSettings(kafka=guard.kafka, actuator_id="a-1", store=tmp_path / "store")


def _fresh(environment: str, **changes: Any) -> Command:
    issued_ms = now_ms()
    return command(**{"environment": environment, "issued_at": issued_ms, "expires_at": issued_ms + 600_000, **changes})


def _transactional(guard: Guard) -> Producer:
    """A producer as the guard's own."""
    options = {"transactional.id": guard.topics.of("tests"), "partitioner": "murmur2_random"}
    producer = Producer({**guard.kafka.client(), **options})
    producer.init_transactions(30)
    return producer


def _append(producer: Producer, guard: Guard, *commands: Command) -> None:
    """Begin a transaction and write into it."""
    producer.begin_transaction()
    for asked in commands:
        producer.produce(guard.topics.control, CODEC.encode(asked), asked.model.encode())
    assert producer.flush(20) == 0


def test_only_what_was_committed_is_obeyed(guard: Guard, settings: ActuatorSettings, environment: str) -> None:
    router, producer = CountingRouter(), _transactional(guard)
    aborted, kept = _fresh(environment), _fresh(environment, attempt=1)
    last = _fresh(environment, attempt=2, sequence=8, from_version="v1", target_version="v0")
    with running(Actuator({"delay": router}, settings=settings, verifier=RING)):
        guard.wait_until_alive()
        _append(producer, guard, aborted)
        producer.abort_transaction(30)
        _append(producer, guard, kept)
        assert guard.acks() == []  # it lies in the log, and is not committed
        producer.commit_transaction(30)
        guard.wait_for(1)
    _append(producer, guard, _fresh(environment, attempt=3, sequence=99))
    producer.abort_transaction(30)
    _append(producer, guard, last)
    producer.commit_transaction(30)
    with running(Actuator({"delay": router}, settings=settings, verifier=RING)):  # goes on behind the markers
        acks = guard.wait_for(2)
    assert [ack.command_id for ack in acks] == [kept.command_id, last.command_id]
    assert (told(acks), router.effects) == (["acked", "acked"], ["v1", "v0"])


def test_while_the_broker_is_away_it_waits(own_kafka: Broker, tmp_path: Path) -> None:
    kafka = KafkaSettings(brokers=own_kafka.bootstrap, environment="away")
    router = CountingRouter()
    settings = ActuatorSettings(kafka=kafka, actuator_id="a-1", store=tmp_path / "store")
    with own_kafka:
        create_topics({"bootstrap.servers": own_kafka.bootstrap}, "away", Layout(requests=1, models=1, replication=1))
    guard = Guard(kafka)
    with running(Actuator({"delay": router}, settings=settings, verifier=RING)):  # no broker is there yet
        own_kafka.restart()
        guard.wait_until_alive()
        own_kafka.kill()
        own_kafka.restart()
        guard.send(_fresh("away"))
        assert told(guard.wait_for(1)) == ["acked"]


class Child:
    """`kedge actuator run` beside a link."""

    def __init__(self, folder: Path, guard: Guard) -> None:
        for version in ("v1", "v2"):
            (folder / "versions" / version).mkdir(parents=True)
        (folder / "current").symlink_to("versions/v2")
        (folder / "trusted.pem").write_bytes(KEY.public_pem())
        self.link, self.log, self._folder = folder / "current", folder / "log", folder
        self.env = {
            "KEDGE_BROKERS": guard.kafka.brokers,
            "KEDGE_ENVIRONMENT": guard.kafka.environment,
            "KEDGE_ACTUATOR_ID": "beside-the-link",
            "KEDGE_ACTUATOR_STORE": str(folder / "store"),
            "KEDGE_TRUSTED_KEYS": str(folder / "trusted.pem"),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **env: str) -> "subprocess.Popen[bytes]":
        where = ["--link", str(self.link), "--versions", str(self._folder / "versions")]
        program = "from kedge.streams.cli import main; main()"
        argv = [sys.executable, "-c", program, "actuator", "run", "--model", "delay", "--handler", "symlink", *where]
        self.process = spawn(argv, log=self.log, env={**self.env, **env})
        return self.process


@pytest.fixture
def child(tmp_path: Path, guard: Guard) -> Iterator[Child]:
    made = Child(tmp_path, guard)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


def test_the_command_line_obeys_without_any_python(child: Child, guard: Guard, environment: str) -> None:
    process = child.start()
    [beat, *_] = guard.wait_until_alive()
    assert (beat.actuator_id, beat.observed_version, beat.standby) == ("beside-the-link", "v2", ("v1",))
    asked = _fresh(environment)
    guard.send(replace(asked, target_version="v9"), asked)  # the first was changed after it was signed
    assert told(guard.wait_for(1)) == ["acked"]
    assert child.link.readlink().name == "v1"
    assert terminate(process) == 0, tail(child.log)
    assert "its signature does not count" in child.log.read_text()


def test_killed_and_started_again_it_obeys_what_came_meanwhile(child: Child, guard: Guard, environment: str) -> None:
    first = child.start()
    guard.wait_until_alive()
    first.send_signal(signal.SIGKILL)
    first.wait()
    guard.send(_fresh(environment))
    process = child.start()
    assert told(guard.wait_for(1)) == ["acked"]
    assert child.link.readlink().name == "v1"
    assert terminate(process) == 0


def test_a_topic_that_is_not_there_ends_it_with_what_to_do(child: Child) -> None:
    process = child.start(KEDGE_ENVIRONMENT="nowhere")
    assert process.wait(60) == 1
    assert "run `kedge topics create` first" in wait_for(child.log.read_text, "the reason")
