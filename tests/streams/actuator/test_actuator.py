"""The actuator on librdkafka's built-in cluster: what it reads, what it answers, where it goes on."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Ack
from kedge.streams.actuator.actuator import Actuator
from kedge.streams.actuator.inbox import MissingError
from kedge.streams.actuator.run import Run
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.actuator.store import Store, StoreError
from kedge.streams.clock import now_ms
from kedge.streams.schemas import Schemas
from kedge.streams.settings import KafkaSettings, SettingsError
from tests.streams.actuator.made import RING, CountingRouter, Given, cancel, command, told
from tests.support.control import Guard, running


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    handle = Producer({"bootstrap.servers": "nowhere", "test.mock.num.brokers": 1, "log_level": 0})
    [broker] = handle.list_topics("any", timeout=10).brokers.values()
    yield f"{broker.host}:{broker.port}"
    handle.flush(1)


@pytest.fixture
def guard(cluster: str, request: pytest.FixtureRequest) -> Guard:
    """In an environment of its own."""
    kafka = KafkaSettings(brokers=cluster, environment=f"t{abs(hash(request.node.name)):x}")
    made = Guard(kafka)
    for topic in (made.topics.control, made.topics.acks):
        made.producer.list_topics(topic, timeout=10)  # the built-in cluster makes what is asked for
    return made


@pytest.fixture
def router() -> CountingRouter:
    return CountingRouter()


@pytest.fixture
def settings(guard: Guard, tmp_path: Path) -> ActuatorSettings:
    return ActuatorSettings(kafka=guard.kafka, actuator_id="a-1", store=tmp_path / "store")


def _fresh(guard: Guard, **changes: Any) -> Any:
    """A command of this environment that acts now."""
    given = {"environment": guard.kafka.environment, "issued_at": now_ms(), "expires_at": now_ms() + 600_000, **changes}
    return command(**given)


def _actuator(settings: ActuatorSettings, router: CountingRouter) -> Actuator:
    return Actuator({"delay": router}, settings=settings, verifier=RING)


def test_what_lay_there_before_the_first_start_is_not_obeyed_and_what_comes_is(
    guard: Guard, settings: ActuatorSettings, router: CountingRouter
) -> None:
    guard.send(_fresh(guard, sequence=6, attempt=1))
    new = _fresh(guard)
    with running(_actuator(settings, router)):
        guard.wait_until_alive()
        guard.send(b"no command", new)
        [ack] = guard.wait_for(1)
    assert (ack.command_id, told([ack]), router.effects) == (new.command_id, ["acked"], ["v1"])


def test_acks_lie_where_the_guard_looks_for_the_model(guard: Guard, settings: ActuatorSettings) -> None:
    models = [f"model-{number}" for number in range(8)]
    with running(Actuator({model: CountingRouter() for model in models}, settings=settings, verifier=RING)):
        guard.wait_until_alive(8)
        guard.send(_fresh(guard, model="model-5"))
        guard.wait_for(1)
    found = [(key, partition, ack.model) for key, partition, ack in guard.records()]
    assert sorted(model for _, _, model in found) == sorted([*models, "model-5"])
    assert [(key, partition) for key, partition, _ in found] == [
        (model.encode(), partition_for(model.encode(), 4)) for _, _, model in found
    ]


def test_it_says_at_once_that_it_lives_and_again_and_again(
    guard: Guard, settings: ActuatorSettings, router: CountingRouter
) -> None:
    with running(_actuator(replace(settings, heartbeat_s=0.01), router)):
        beats = guard.wait_until_alive(3)
    assert {(beat.observed_version, beat.standby) for beat in beats} == {("v2", ("v0", "v1"))}


def test_started_again_it_goes_on_where_it_was(
    guard: Guard, settings: ActuatorSettings, router: CountingRouter
) -> None:
    first, second = _fresh(guard), _fresh(guard, attempt=1, sequence=8, target_version="v2", from_version="v1")
    with running(_actuator(settings, router)):
        guard.wait_until_alive()
        guard.send(first)
        guard.wait_for(1)
    guard.send(second)  # while it is away
    with running(_actuator(settings, router)):
        acks = guard.wait_for(2)
    assert [ack.command_id for ack in acks] == [first.command_id, second.command_id]
    assert router.effects == ["v1", "v2"]


def test_a_cancel_that_came_while_it_was_away_comes_before_the_act(
    guard: Guard, settings: ActuatorSettings, router: CountingRouter
) -> None:
    with running(_actuator(settings, router)):
        guard.wait_until_alive()
    asked = _fresh(guard)
    # More than one fetch: it has to read to the end before it acts.
    noise = [_fresh(guard, environment="other", runbook_url="x" * 30_000) for _ in range(60)]
    guard.send(asked, *noise, cancel(asked, environment=guard.kafka.environment, expires_at=asked.expires_at))
    with running(_actuator(settings, router)):
        acks = guard.wait_for(2)
    assert (told(acks), router.effects) == (["cancelled", "acked"], [])


class Deaf:
    """Kafka has the acks of no one; the actuator is stopped while it waits."""

    def __init__(self) -> None:
        self.sent: list[Ack] = []

    def deliver(self, ack: Ack, stopping: threading.Event) -> bool:
        self.sent.append(ack)
        return False

    def beat(self, ack: Ack) -> None: ...

    def poll(self) -> None: ...


class Kept(Deaf):
    """Kafka has them at once."""

    def deliver(self, ack: Ack, stopping: threading.Event) -> bool:
        super().deliver(ack, stopping)
        return True


def _messages(guard: Guard) -> list["Message[Any, Any]"]:
    reader = Consumer({**guard.kafka.client(), "group.id": "reader"})
    reader.assign([TopicPartition(guard.topics.control, partition_for(b"delay", 4), 0)])
    [message] = reader.consume(1, 20)
    reader.close()
    return [message]


def test_the_position_goes_past_a_command_only_when_its_ack_is_kept(guard: Guard, tmp_path: Path) -> None:
    guard.send(command())
    messages, given = _messages(guard), Given(store=tmp_path / "store", router=(router := CountingRouter()))
    sent = []
    for acks in (Deaf(), Deaf(), Kept(), Kept()):
        with Store(given.store, "test") as store:
            if store.position(0) is None:
                store.begin(0, 0, 0)
            if store.position(0) == 0:
                schemas = Schemas(Codec(), logging.getLogger("test"))
                Run(given.executor(store), store, acks, schemas, threading.Event()).take(0, messages)
        sent.append(acks.sent)
    assert [len(acks) for acks in sent] == [1, 1, 1, 0]
    assert sent[0] == sent[1] == sent[2]
    assert router.effects == ["v1"]


def test_a_log_that_does_not_have_what_was_read_is_said(guard: Guard, settings: ActuatorSettings) -> None:
    with Store(settings.store, guard.kafka.environment) as store:
        for partition in range(4):
            store.begin(partition, 0, 0)
            store.advance(partition, 1_000)
    with pytest.raises(MissingError, match="Move the store away"):
        _actuator(settings, CountingRouter()).run()


def test_one_store_is_for_one_process_and_one_environment(settings: ActuatorSettings) -> None:
    with Store(settings.store, "other"), pytest.raises(StoreError, match="another process has it open"):
        _actuator(settings, CountingRouter()).run()
    with pytest.raises(StoreError, match="belongs to the environment 'other'"):
        _actuator(settings, CountingRouter()).run()


def test_a_broken_store_is_said(settings: ActuatorSettings) -> None:
    settings.store.write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="move it away"):
        _actuator(settings, CountingRouter()).run()
    with pytest.raises(StoreError, match="a folder that exists"):
        _actuator(replace(settings, store=settings.store / "x"), CountingRouter()).run()


def test_what_is_missing_is_said_with_what_to_do(settings: ActuatorSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDGE_BROKERS", "localhost:1")
    with pytest.raises(SettingsError, match="KEDGE_ACTUATOR_STORE is not set"):
        Actuator({"delay": CountingRouter()}, verifier=RING)
    monkeypatch.setenv("KEDGE_ACTUATOR_STORE", "store")
    with pytest.raises(SettingsError, match="KEDGE_ACTUATOR_ID is not set"):
        Actuator({"delay": CountingRouter()}, verifier=RING)
    monkeypatch.setenv("KEDGE_ACTUATOR_ID", "a-1")
    with pytest.raises(SettingsError, match="KEDGE_TRUST is not set"):
        Actuator({"delay": CountingRouter()})
    with pytest.raises(SettingsError, match="at least one model"):
        Actuator({}, settings=settings)
    Actuator({"delay": CountingRouter()}, verifier=RING)


def test_where_it_stands_outlives_the_process(tmp_path: Path) -> None:
    with Store(tmp_path / "store", "test") as store:
        assert store.position(3) is None
        store.begin(3, 5, 9)
        store.advance(3, 7)
        store.pass_by(command(sequence=4))
        store.pass_by(command(sequence=3))
    with Store(tmp_path / "store", "test") as store:
        assert (store.position(3), store.begun_at(3), store.known(command()).highest) == (7, 9, 4)
