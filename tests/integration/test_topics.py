"""`create_topics` against a real broker: idempotent, and it refuses what would break the counting."""

import dataclasses

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined] # the documented place of these names
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from kedge.streams.names import Topics
from kedge.streams.topics import TOPICS, Layout, Outcome, TopicsError, create_topics
from tests.support.kafka import Broker, free_port
from tests.support.waiting import wait_for

LAYOUT = Layout(requests=3, models=2, replication=1)


def _client(kafka: Broker) -> dict[str, str]:
    return {"bootstrap.servers": kafka.bootstrap}


def _alter(kafka: Broker, topic: str, key: str, value: str) -> None:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = kafka.admin()
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic)
    wait_for(  # the broker that answers learns of it a moment after the controller
        lambda: admin.describe_configs([asked])[asked].result(20)[key].value == value, f"{key}={value} on {topic}"
    )


def test_all_topics_are_created_once_and_then_found(kafka: Broker, environment: str) -> None:
    first = create_topics(_client(kafka), environment, LAYOUT)
    again = create_topics(_client(kafka), environment, LAYOUT)
    assert {result.outcome for result in first} == {Outcome.CREATED}
    assert {result.outcome for result in again} == {Outcome.PRESENT}, again
    assert [result.topic for result in first] == [Topics(environment).of(spec.name) for spec in TOPICS]
    found = kafka.admin().list_topics(timeout=20).topics
    assert len(found[Topics(environment).predictions].partitions) == 3
    assert len(found[Topics(environment).reports].partitions) == 2


def test_another_partition_count_is_refused_and_nothing_is_created(kafka: Broker, environment: str) -> None:
    admin = kafka.admin()
    for future in admin.create_topics([NewTopic(Topics(environment).predictions, 5, 1)]).values():
        future.result(20)
    wait_for(lambda: Topics(environment).predictions in admin.list_topics(timeout=20).topics, "the topic to be known")
    with pytest.raises(TopicsError, match=r"predictions has 5 partitions, not 3.*ask for those counts"):
        create_topics(_client(kafka), environment, LAYOUT)
    ours = [name for name in admin.list_topics(timeout=20).topics if name.startswith(f"{environment}.")]
    assert ours == [Topics(environment).predictions]


def test_a_setting_that_counting_relies_on_is_refused(kafka: Broker, environment: str) -> None:
    create_topics(_client(kafka), environment, LAYOUT)
    _alter(kafka, Topics(environment).tally_state, "cleanup.policy", "delete")
    with pytest.raises(TopicsError, match=r"tally_state has cleanup\.policy=delete, not compact.*--alter"):
        create_topics(_client(kafka), environment, LAYOUT)


def test_an_operators_own_retention_is_told_and_left_alone(kafka: Broker, environment: str) -> None:
    create_topics(_client(kafka), environment, LAYOUT)
    _alter(kafka, Topics(environment).reports, "retention.ms", "1000000")
    differs = [r for r in create_topics(_client(kafka), environment, LAYOUT) if r.outcome is Outcome.DIFFERS]
    assert [(r.topic, r.detail) for r in differs] == [
        (Topics(environment).reports, "retention.ms=1000000 (advised 34560000000)")
    ]


def test_too_many_copies_are_refused_in_words(kafka: Broker, environment: str) -> None:
    with pytest.raises(TopicsError, match="--replication 1 on a single one"):
        create_topics(_client(kafka), environment, dataclasses.replace(LAYOUT, replication=3))


def test_no_broker_is_an_error_in_words(environment: str) -> None:
    nobody = {"bootstrap.servers": f"127.0.0.1:{free_port()}", "log_level": "0"}
    with pytest.raises(TopicsError, match=r"Kafka at 127\.0\.0\.1:\d+ does not answer"):
        create_topics(nobody, environment, LAYOUT, timeout_s=1.0)
