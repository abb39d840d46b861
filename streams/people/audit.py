"""Whether a command follows from what the guard had taken in: every journal entry up to it is decided again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Message

from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import MonitorError
from kedge.schemas.records import Command, Journal
from kedge.streams.announce import Place, read_catalog
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.guarding.recount import Recount
from kedge.streams.names import Topics
from kedge.streams.people.overrides import PeopleError
from kedge.streams.reading import Log, places, read_from

__all__ = ["Audit", "Flaw", "find_command", "verify"]

ID_MIN: Final = 6
"""Digits of a command's id that are asked for at least: fewer fit another command tomorrow."""
_OWN: Final = frozenset(("tick", "stand"))
"""Inputs that lie in no topic."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first entry that does not follow; `sequence` is the entry's."""

    sequence: int
    what: str
    said: str = ""
    found: str = ""


@dataclass(slots=True)
class Audit:
    """What a check has come to."""

    command: Command
    entries: int = 0
    decided_at: int | None = None
    """The entry that decided the command."""
    left_at: int | None = None
    """The entry with which it left."""
    flaw: Flaw | None = None

    @property
    def stands(self) -> bool:
        """Whether the command follows, and is the one that was sent."""
        return self.flaw is None and self.left_at is not None


def find_command(place: Place, command_id: str) -> Command:
    """Return a command by its id, or by the first digits of it.

    Raises:
        PeopleError: there is none, or several begin so, or too few digits are given.
    """
    if len(command_id) < ID_MIN:
        words = f"{command_id!r} is too short to name a command: give at least {ID_MIN} digits of its id"
        raise PeopleError(f"{words}; `kedge watch commands --from-beginning` lists them")
    found: dict[str, Command] = {}
    topic = Topics(place.kafka.environment).control
    for message in read_from(place.kafka, dict.fromkeys(places(place.kafka, [topic]), OFFSET_BEGINNING)):
        try:
            command = place.codec.decode(message.value() or b"", Command)
        except UndecodableError:
            continue
        if command.command_id.startswith(command_id):
            found.setdefault(command.command_id, command)
    if len(found) != 1:
        many = f"{len(found)} commands begin with" if found else "no command is called"
        raise PeopleError(f"{many} {command_id!r}: `kedge watch commands --from-beginning` lists them")
    return next(iter(found.values()))


def verify(place: Place, command: Command) -> Iterator[Audit]:
    """Yield the audit after each entry of the model's journal, until the command has left or something is wrong."""
    audit = Audit(command)
    recount = Recount(_catalog(place), place.codec, place.kafka.environment)
    inputs = _Inputs(place, command.model)
    for entry in _journal(place, command.model):
        audit.flaw = _check(audit, entry, recount, inputs)
        yield audit
        if audit.flaw is not None or audit.left_at is not None:
            return
    words = "the journal ends before the command left" if audit.entries else "nothing is journalled of the model"
    audit.flaw = Flaw(audit.entries + 1, f"this entry is missing: {words}")
    yield audit


def _check(audit: Audit, entry: Journal, recount: Recount, inputs: "_Inputs") -> Flaw | None:
    expected, command = audit.entries + 1, audit.command
    if entry.sequence != expected:
        return Flaw(expected, f"this entry is missing: the next that is kept is {entry.sequence}")
    value = None if entry.input_topic in _OWN else inputs.value(entry)
    if value is None and entry.input_topic not in _OWN:
        return Flaw(expected, f"its input, {_at(entry)}, is missing")
    if value is not None and sha256(value).hexdigest() != entry.input_digest:
        words = f"its input, {_at(entry)}, is not what the guard took in"
        return Flaw(expected, words, entry.input_digest, sha256(value).hexdigest())
    recounted = recount.check(entry, value)
    for mismatch in recounted.mismatches:
        what = f"its {mismatch.field} does not follow" if mismatch.field else "it cannot be decided again"
        return Flaw(expected, what, mismatch.said, mismatch.found)
    audit.entries = expected
    if command.command_id in entry.staged or entry.sequence == command.journal_sequence:
        audit.decided_at = expected
    if command.command_id not in entry.commands:
        return None
    audit.left_at = expected
    sent = next((found for found in recounted.commands if found.command_id == command.command_id), None)
    return None if sent == command else Flaw(expected, "the command on the control topic is not the one that it sent")


def _at(entry: Journal) -> str:
    return f"{entry.input_topic}/{entry.input_partition} at {entry.input_offset}"


def _catalog(place: Place) -> Catalog:
    catalog = Catalog()
    for monitor in read_catalog(place).monitors:
        try:
            catalog.put_monitor(monitor)
        except (MonitorError, ValueError):
            # A decision that went by it says that the monitor is not known.
            continue
    return catalog


def _journal(place: Place, model: str) -> Iterator[Journal]:
    topic = Topics(place.kafka.environment).journal
    for message in read_from(place.kafka, dict.fromkeys(places(place.kafka, [topic], model), OFFSET_BEGINNING)):
        try:
            entry = place.codec.decode(message.value() or b"", Journal)
        except UndecodableError:
            continue
        if entry.model == model:
            yield entry


@dataclass(slots=True)
class _Inputs:
    """The inputs of a model's entries. The guard takes each log in order: each is read once, as far as it is needed."""

    place: Place
    model: str
    logs: dict[Log, Iterator["Message[Any, Any]"]] = field(default_factory=dict)

    def value(self, entry: Journal) -> bytes | None:
        """Return an input's bytes; None: it is gone."""
        log = (Topics(self.place.kafka.environment).of(entry.input_topic), entry.input_partition)
        if log not in self.logs:
            self.logs[log] = read_from(self.place.kafka, {log: entry.input_offset})
        for message in self.logs[log]:
            offset = message.offset() or 0
            if offset == entry.input_offset:
                return message.value()
            if offset > entry.input_offset:
                return None
        return None
