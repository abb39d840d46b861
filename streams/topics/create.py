"""Create what the table says, or say what is wrong with what is there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # the documented place of both names
    AdminClient,
    ConfigResource,
    NewTopic,
)

from kedge.streams.access import Access, is_forbidden
from kedge.streams.names import Topics
from kedge.streams.topics.table import TOPICS, Layout, TopicSpec

_POLL_S = 0.05


class TopicsError(Exception):
    """Topics could not be created, or one that exists would break the counting; the message says what to do."""


class Outcome(StrEnum):
    """What became of a topic."""

    CREATED = "created"
    PRESENT = "present"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Result:
    """One topic after `create_topics`; `detail` names the settings of one that differs from what is advised."""

    topic: str
    outcome: Outcome
    detail: str = ""


def create_topics(
    client: Mapping[str, str], environment: str, layout: Layout, *, timeout_s: float = 30.0
) -> list[Result]:
    """Create the topics that are missing and check those that exist; to call it again changes nothing.

    Args:
        client: librdkafka settings of the cluster (`bootstrap.servers`, security).
        environment: the prefix of the names.
        layout: partition counts and replication.
        timeout_s: how long each answer of the cluster may take.

    Raises:
        AccessError: the cluster does not let this client in.
        TopicsError: the cluster cannot be reached or refuses, or an existing topic has another partition count
            or a setting that counting relies on. Nothing has been created when an existing topic is at fault.
    """
    access = Access(client)
    options: dict[str, Any] = {**client, "error_cb": access.heard}
    admin = AdminClient(options)
    try:
        access.metadata(admin, timeout_s)
        return _create_or_compare(admin, Topics(environment), layout, timeout_s)
    except KafkaException as error:
        raise TopicsError(_in_words(error.args[0], access)) from error


def _create_or_compare(admin: AdminClient, topics: Topics, layout: Layout, timeout_s: float) -> list[Result]:
    present = _partition_counts(admin, timeout_s)
    existing = [spec for spec in TOPICS if topics.of(spec.name) in present]
    settings = topic_settings(admin, [topics.of(spec.name) for spec in existing], timeout_s)
    _refuse_wrong_counts(existing, topics, present, layout)
    _refuse_wrong_settings(existing, topics, settings)
    wanted = _wanted([spec for spec in TOPICS if spec not in existing], topics, layout)
    _create(admin, wanted, timeout_s)
    _await_known(admin, [topic.topic for topic in wanted], timeout_s)
    created = {topic.topic for topic in wanted}
    return [
        Result(topics.of(spec.name), Outcome.CREATED)
        if topics.of(spec.name) in created
        else _compared(topics.of(spec.name), spec, settings.get(topics.of(spec.name), {}))
        for spec in TOPICS
    ]


def _partition_counts(admin: AdminClient, timeout_s: float) -> dict[str, int]:
    found = admin.list_topics(timeout=timeout_s).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


def topic_settings(admin: AdminClient, names: Sequence[str], timeout_s: float) -> dict[str, dict[str, str]]:
    """Return the settings of each topic, by its full name.

    Raises:
        KafkaException: the cluster does not tell.
    """
    if not names:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    futures = admin.describe_configs(resources, request_timeout=timeout_s)
    return {
        resource.name: {key: str(entry.value) for key, entry in future.result(timeout_s).items()}
        for resource, future in futures.items()
    }


def _refuse_wrong_counts(
    existing: Sequence[TopicSpec], topics: Topics, present: Mapping[str, int], layout: Layout
) -> None:
    wrong = [
        f"{topics.of(spec.name)} has {present[topics.of(spec.name)]} partitions, not {layout.partitions(spec)}"
        for spec in existing
        if present[topics.of(spec.name)] != layout.partitions(spec)
    ]
    if wrong:
        message = (
            f"{'; '.join(wrong)}. The state in these topics was made for the counts they have: ask for those "
            "counts, or choose another environment; docs/topics.md describes the way to a new count."
        )
        raise TopicsError(message)


def _refuse_wrong_settings(
    existing: Sequence[TopicSpec], topics: Topics, settings: Mapping[str, Mapping[str, str]]
) -> None:
    wrong = [
        f"{topics.of(spec.name)} has {key}={settings[topics.of(spec.name)].get(key)}, not {value}"
        for spec in existing
        for key, value in spec.binding().items()
        if settings[topics.of(spec.name)].get(key) != value
    ]
    if wrong:
        message = f"{'; '.join(wrong)}. Counting relies on these settings: change them with kafka-configs --alter."
        raise TopicsError(message)


def _wanted(missing: Sequence[TopicSpec], topics: Topics, layout: Layout) -> list[NewTopic]:
    return [
        NewTopic(
            topics.of(spec.name),
            num_partitions=layout.partitions(spec),
            replication_factor=layout.replication,
            config={**spec.binding(), **spec.advised(), "min.insync.replicas": str(layout.in_sync())},
        )
        for spec in missing
    ]


def _create(admin: AdminClient, wanted: list[NewTopic], timeout_s: float) -> None:
    if wanted:  # librdkafka refuses an empty list
        for future in admin.create_topics(wanted, operation_timeout=timeout_s, request_timeout=timeout_s).values():
            future.result(2 * timeout_s)


def _await_known(admin: AdminClient, names: Sequence[str], timeout_s: float) -> None:
    """Wait until the broker that answers knows the topics: it learns of them a moment after the controller."""
    deadline = time.monotonic() + timeout_s
    while names and not set(names) <= _partition_counts(admin, timeout_s).keys():
        if time.monotonic() > deadline:
            raise TopicsError(f"created, but not known to the broker after {timeout_s:g} s: {', '.join(names)}")
        time.sleep(_POLL_S)


def _compared(topic: str, spec: TopicSpec, settings: Mapping[str, str]) -> Result:
    other = [
        f"{key}={settings.get(key)} (advised {value})"
        for key, value in spec.advised().items()
        if settings.get(key) != value
    ]
    return Result(topic, Outcome.DIFFERS if other else Outcome.PRESENT, ", ".join(other))


def _in_words(told: KafkaError, access: Access) -> str:
    if told.code() == KafkaError._TRANSPORT or is_forbidden(told):  # noqa: SLF001 - librdkafka's own name
        return access.words(told)
    if told.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        return f"Kafka says: {told.str()} Ask for as many copies as there are brokers: --replication 1 on a single one."
    return f"Kafka says: {told.str()}"
