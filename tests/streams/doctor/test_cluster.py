"""Brokers and topics: every way in which they can be amiss is told, with what to do."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from kedge.streams.doctor.cluster import Part, View, brokers, topics
from kedge.streams.doctor.finding import Finding, Level
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import TOPICS, Layout

LAYOUT: Final = Layout(requests=2, models=2, replication=3)
WELL: Final = View(
    brokers=3,
    parts={spec.name: (Part(led=True, copies=3, in_sync=3),) * 2 for spec in TOPICS},
    settings={
        spec.name: {**spec.binding(), **spec.advised(), "min.insync.replicas": "2", "other": "1"} for spec in TOPICS
    },
)


def told(view: View) -> list[Finding]:
    return list(topics("prod", view))


def with_parts(name: str, *parts: Part) -> View:
    return replace(WELL, parts={**WELL.parts, name: parts})


def without(name: str) -> View:
    return replace(
        WELL,
        parts={topic: parts for topic, parts in WELL.parts.items() if topic != name},
        settings={topic: settings for topic, settings in WELL.settings.items() if topic != name},
    )


def with_settings(name: str, changed: Mapping[str, str]) -> View:
    return replace(WELL, settings={**WELL.settings, name: {**WELL.settings[name], **changed}})


def test_topics_that_are_as_the_table_says_are_one_line() -> None:
    (finding,) = told(WELL)
    assert (finding.level, finding.said) == (Level.OK, "all 15, with 2 and 2 partitions (by request, by model)")


PART: Final = Part(led=True, copies=3, in_sync=3)
FAIL, WARN, UNKNOWN = Level.FAIL, Level.WARN, Level.UNKNOWN
LEADERLESS: Final = with_parts("acks", PART, replace(PART, led=False))
BEHIND: Final = with_parts("acks", PART, replace(PART, in_sync=2))
AMISS: Final[list[tuple[View, Level, str, str]]] = [
    (without("acks"), FAIL, "missing: prod.kedge.acks", "kedge topics create"),
    (with_parts("outcomes", PART), FAIL, "must be equal are not (1: outcomes; 2:", "docs/topics.md"),
    (LEADERLESS, FAIL, "prod.kedge.acks: 1 partitions without", "start the brokers"),
    (BEHIND, WARN, "prod.kedge.acks: 1 partitions with copies out of sync", "which broker"),
    (
        with_settings("judge_state", {"cleanup.policy": "delete"}),
        FAIL,
        "=delete, not compact",
        "cleanup.policy=compact",
    ),
    (with_settings("acks", {"message.timestamp.type": "CreateTime"}), FAIL, "not LogAppendTime", "prod.kedge.acks"),
    (with_settings("journal", {"retention.ms": "1"}), WARN, "retention.ms=1, not 34560000000", "if nobody chose it"),
    (with_settings("control", {"min.insync.replicas": "1"}), WARN, "=1, not 2 with 3 copies", "min.insync.replicas=2"),
    (replace(WELL, settings={}), UNKNOWN, "does not tell their settings", "describe configurations"),
]


@pytest.mark.parametrize(("view", "level", "said", "do"), AMISS, ids=[case[2] for case in AMISS])
def test_what_is_amiss_is_told_alone_with_what_to_do(view: View, level: Level, said: str, do: str) -> None:
    (finding,) = told(view)
    assert finding.level is level
    assert said in finding.said
    assert do in finding.do


def test_a_single_copy_is_told_once_for_all() -> None:
    single = replace(WELL, parts={name: (replace(PART, copies=1, in_sync=1),) * 2 for name in WELL.parts})
    settings = {name: {**told, "min.insync.replicas": "1"} for name, told in WELL.settings.items()}
    (finding,) = told(replace(single, settings=settings))
    assert (finding.level, finding.said) == (Level.WARN, "every topic: one copy, lost with its broker")


def secured(protocol: str) -> Callable[[KafkaSettings], dict[str, str]]:
    return lambda settings: {"bootstrap.servers": settings.brokers, "security.protocol": protocol}


@pytest.mark.parametrize(
    ("where", "protocol", "level"),
    [
        ("kafka.example.com:9092", "plaintext", Level.FAIL),
        ("localhost:9092,127.0.0.1:1", "plaintext", Level.WARN),
        ("localhost:9092,kafka:1", "sasl_plaintext", Level.FAIL),
        ("kafka.example.com:9092", "SASL_SSL", Level.OK),
        ("kafka.example.com:9092", "ssl", Level.OK),
    ],
)
def test_what_can_be_read_on_the_way_is_told(
    where: str, protocol: str, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KafkaSettings, "client", secured(protocol))
    enough, security = brokers(KafkaSettings(brokers=where, environment="prod"), WELL)
    assert (enough.level, security.level) == (Level.OK, level)


def test_too_few_brokers_are_told() -> None:
    few, _ = brokers(KafkaSettings(brokers="a:1", environment="prod"), replace(WELL, brokers=2))
    assert (few.level, few.said) == (Level.WARN, "2 at a:1")
