"""Brokers and topics: there, as the table says, and copied as often as it should be."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kedge.streams.access import Access
from kedge.streams.doctor.finding import Finding, fail, ok, unknown, warn
from kedge.streams.names import Topics
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import TOPICS, Layout, TopicSpec, topic_settings
from kedge.streams.variables.kafka import SECURITY_PROTOCOL

__all__ = ["Part", "View", "brokers", "look", "topics"]

_TIMEOUT_S: Final = 10.0
_LOCAL: Final = ("localhost:", "127.0.0.1:", "[::1]:")
_ENCRYPTED: Final = ("ssl", "sasl_ssl")


@dataclass(frozen=True, slots=True)
class Part:
    """One partition: whether somebody leads it, its copies, and how many of those are in sync."""

    led: bool
    copies: int
    in_sync: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the cluster says of itself and of Kedge's topics, by logical name."""

    brokers: int
    parts: Mapping[str, tuple[Part, ...]]
    """Topics that are there."""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each topic; empty: the cluster does not tell."""


def look(kafka: KafkaSettings) -> View:
    """Ask the cluster; asks for nothing that it would have to create.

    Raises:
        AccessError: it does not let us in.
        KafkaException: it does not answer.
    """
    access, names = Access(kafka.client()), Topics(kafka.environment)
    options: dict[str, Any] = {**kafka.client(), "error_cb": access.heard}
    admin = AdminClient(options)
    found = access.metadata(admin, _TIMEOUT_S)
    parts = {
        spec.name: tuple(
            Part(part.leader >= 0, len(part.replicas), len(part.isrs))
            for part in found.topics[names.of(spec.name)].partitions.values()
        )
        for spec in TOPICS
        if names.of(spec.name) in found.topics
    }
    try:
        told = topic_settings(admin, [names.of(name) for name in parts], _TIMEOUT_S)
    except (KafkaException, TimeoutError):
        told = {}  # an old or a built-in cluster, or no right to: `topics` says that it is not known
    settings = {name: told[names.of(name)] for name in parts if names.of(name) in told}
    return View(brokers=len(found.brokers), parts=parts, settings=settings)


def brokers(kafka: KafkaSettings, view: View) -> Iterator[Finding]:
    """Yield whether the brokers are enough, and whether what is said to them can be read on the way."""
    few = view.brokers < Layout().replication
    said = f"{view.brokers} at {kafka.brokers}"
    yield (
        warn("brokers", said, f"production wants {Layout().replication}: one may then fail without loss")
        if few
        else ok("brokers", said)
    )
    protocol = kafka.client().get("security.protocol", "plaintext").lower()
    local = all(broker.strip().startswith(_LOCAL) for broker in kafka.brokers.split(","))
    if protocol in _ENCRYPTED:
        yield ok("security", f"{protocol.upper()}: encrypted")
    elif local:
        yield warn("security", f"{protocol.upper()}, to this machine", "use SASL_SSL or SSL wherever others can listen")
    else:
        do = f"set {SECURITY_PROTOCOL.name} to SASL_SSL or SSL: docs/security.md"
        yield fail("security", f"{protocol.upper()}: whoever can listen reads predictions", do)


def topics(environment: str, view: View) -> Iterator[Finding]:
    """Yield what is wrong with the topics, or that nothing is."""
    names = Topics(environment)
    found = [*_missing(names, view), *_counts(view), *_copies(names, view), *_settings(names, view)]
    yield from found
    if not found:
        widths = " and ".join(str(len(view.parts[name])) for name in ("predictions", "reports"))
        yield ok("topics", f"all {len(TOPICS)}, with {widths} partitions (by request, by model)")


def _missing(names: Topics, view: View) -> Iterator[Finding]:
    missing = [names.of(spec.name) for spec in TOPICS if spec.name not in view.parts]
    if missing:
        yield fail("topics", f"missing: {', '.join(missing)}", "run `kedge topics create`; it leaves the others alone")


def _counts(view: View) -> Iterator[Finding]:
    by_spread: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for spec in TOPICS:
        if spec.name in view.parts:
            by_spread[spec.spread][len(view.parts[spec.name])].append(spec.name)
    for counts in by_spread.values():
        if len(counts) > 1:
            told = "; ".join(f"{count}: {', '.join(found)}" for count, found in sorted(counts.items()))
            do = "no worker starts so: docs/topics.md has the way to a new count"
            yield fail("topics", f"partition counts that must be equal are not ({told})", do)


def _copies(names: Topics, view: View) -> Iterator[Finding]:
    for name, parts in view.parts.items():
        topic = names.of(name)
        if leaderless := sum(not part.led for part in parts):
            yield fail(
                "topics", f"{topic}: {leaderless} partitions without a leader", "start the brokers that lead them"
            )
        elif behind := sum(part.in_sync < part.copies for part in parts):
            yield warn("topics", f"{topic}: {behind} partitions with copies out of sync", "see which broker is down")
    single = [names.of(name) for name, parts in view.parts.items() if any(part.copies == 1 for part in parts)]
    if single:
        do = "give them 3 with kafka-reassign-partitions: docs/disaster.md"
        told = "every topic" if len(single) == len(TOPICS) else ", ".join(single)
        yield warn("topics", f"{told}: one copy, lost with its broker", do)


def _settings(names: Topics, view: View) -> Iterator[Finding]:
    if view.parts and not view.settings:
        do = "ask with a user that may describe configurations: docs/security.md"
        yield unknown("topics", "the cluster does not tell their settings", do)
    for spec in TOPICS:
        if spec.name in view.settings:
            yield from _of_one(names.of(spec.name), spec, view)


def _of_one(topic: str, spec: TopicSpec, view: View) -> Iterator[Finding]:
    settings = view.settings[spec.name]
    copies = min((part.copies for part in view.parts[spec.name]), default=1)
    in_sync = str(Layout(replication=max(1, copies)).in_sync())
    wrong, other = _differing(spec.binding(), settings), _differing(spec.advised(), settings)
    alter = f"kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config "
    if wrong:
        yield fail("topics", f"{topic}: {_told(wrong, settings)}", alter + _set(wrong))
    if other:
        yield warn("topics", f"{topic}: {_told(other, settings)}", f"if nobody chose it: {alter}{_set(other)}")
    if settings.get("min.insync.replicas") != in_sync:
        low = _differing({"min.insync.replicas": in_sync}, settings)
        yield warn("topics", f"{topic}: {_told(low, settings)} with {copies} copies", alter + _set(low))


def _differing(wanted: Mapping[str, str], settings: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in wanted.items() if settings.get(key) != value}


def _told(wanted: Mapping[str, str], settings: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={settings.get(key)}, not {value}" for key, value in wanted.items())


def _set(wanted: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in wanted.items())
