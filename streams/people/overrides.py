"""A person's word on its way to the guard, and the guard's answer."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from confluent_kafka import TopicPartition

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Action, Journal, Override, OverrideAction
from kedge.schemas.signing import signed_bytes
from kedge.streams.announce import Place, deliver, read_catalog
from kedge.streams.core.trusting import Signer
from kedge.streams.names import Topics
from kedge.streams.reading import Log, ends, follow_from, places

__all__ = [
    "HOLD_MS_MAX",
    "TOLD",
    "Answer",
    "PeopleError",
    "Sent",
    "Word",
    "answer_to",
    "await_answer",
    "send",
    "signed",
]

HOLD_MS_MAX: Final = 24 * 3_600_000
"""Nobody holds automation for longer without saying so again."""

TOLD: Final = ("journal", "alerts", "control", "acks")
"""Topics that tell what becomes of an override."""


class PeopleError(ValueError):
    """What was asked for cannot be told the guard; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person wants: `Override` before it has a name, a time and a signature."""

    model: str
    action: OverrideAction
    actor: str
    reason: str
    lasts_ms: int
    version: str = ""
    forced: Action | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where an override lies, and where the logs that tell of it ended before, by logical topic."""

    override: Override
    partition: int
    offset: int
    told: Mapping[str, tuple[Log, int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the guard made of it."""

    entry: Journal
    taken: bool


def signed(word: Word, signer: Signer, *, environment: str, override_id: str, now_ms: int) -> Override:
    """Return the override, issued now.

    Raises:
        PeopleError: it lasts too long, or says neither who nor why.
    """
    if not 0 < word.lasts_ms <= HOLD_MS_MAX:
        raise PeopleError("an override lasts at most 24 h: say it again when that is not enough")
    for what, text in (("--actor", word.actor), ("--reason", word.reason)):
        if not text.strip():
            raise PeopleError(f"{what} is empty: the journal keeps who wanted it, and why")
    override = Override(
        override_id=override_id,
        environment=environment,
        model=word.model,
        action=word.action,
        target_version=word.version,
        forced=word.forced,
        fault=word.fault,
        actor=word.actor,
        reason=word.reason,
        issued_at=now_ms,
        expires_at=now_ms + word.lasts_ms,
        key_id=signer.key_id,
        signature=b"",
    )
    return replace(override, signature=signer.sign(signed_bytes(override)))


def send(place: Place, override: Override) -> Sent:
    """Send an override and wait until Kafka has it.

    Raises:
        PeopleError: nobody guards the model.
        ReadingError: Kafka does not answer, or does not take it.
    """
    if read_catalog(place).monitor(override.model) is None:
        raise PeopleError(f"no monitor of {override.model!r} is published: nothing guards it that could obey")
    topics = Topics(place.kafka.environment)
    logs = places(place.kafka, [topics.of(name) for name in TOLD], override.model)
    ((topic, partition),) = places(place.kafka, [topics.overrides], override.model)
    before = ends(place.kafka, logs)
    value = place.codec.encode(override)
    offset = deliver(place, TopicPartition(topic, partition), override.model.encode(), value)
    return Sent(override, partition, offset, {name: (log, before[log]) for name, log in zip(TOLD, logs, strict=True)})


def await_answer(place: Place, sent: Sent, timeout_s: float) -> Answer | None:
    """Return what the guard made of it; None: it has not said within `timeout_s`."""
    deadline_s = time.monotonic() + timeout_s
    for entry in _entries(place, sent):
        found = None if entry is None else answer_to(sent, entry)
        if found is not None:
            return found
        if time.monotonic() >= deadline_s:
            break
    return None


def answer_to(sent: Sent, entry: Journal) -> Answer | None:
    """Return the guard's answer, if this is the entry that holds it."""
    if (entry.input_topic, entry.input_partition, entry.input_offset) != ("overrides", sent.partition, sent.offset):
        return None
    taken = f"override_{sent.override.action.value.lower()}" in entry.decision.split("+")
    return Answer(entry, taken)


def _entries(place: Place, sent: Sent) -> Iterator[Journal | None]:
    log, end = sent.told["journal"]
    for message in follow_from(place.kafka, {log: end}):
        yield None if message is None else _decoded(place.codec, message.value() or b"")


def _decoded(codec: Codec, value: bytes) -> Journal | None:
    try:
        return codec.decode(value, Journal)
    except UndecodableError:
        return None
