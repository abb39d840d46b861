"""Deciding again from the journal: the same prefix gives the same decisions, or something is wrong with one of them.

Whoever verifies reads the journal and the inputs that it names, and needs no key, no clock and no control topic: what
was read from outside stands in the entries.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Ack, Alert, Command, Journal, Override, Report, VersionReport
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.guarding.decide import STAND, TICK, Basis, Given, Setting, decide
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.readings import ACTIONS, DUE, MONITOR, ToldReadings

__all__ = ["Mismatch", "Recount", "Recounted", "replay_journal"]

_VALUES: Final[tuple[type[Report | VersionReport | Override | Ack], ...]] = (Report, VersionReport, Override, Ack)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An entry that does not follow from those before it; `field` empty: it cannot be decided again, and why."""

    model: str
    sequence: int
    field: str
    said: str
    found: str


@dataclass(frozen=True, slots=True)
class Recounted:
    """What an entry's input leads to when it is decided again."""

    alerts: tuple[Alert, ...]
    commands: tuple[Command, ...]
    mismatches: tuple[Mismatch, ...]


class Recount:
    """Decides entry after entry; models start empty, so the journal is to be given from its beginning."""

    def __init__(self, catalog: Catalog, codec: Codec, environment: str) -> None:
        self._catalog = catalog
        self._codec = codec
        self._setting = Setting(environment, codec)
        self._models: dict[str, ModelState] = {}

    def check(self, entry: Journal, value: bytes | None) -> Recounted:
        """Decide an entry again. `value`: the input's bytes; None for a tick or a stand."""
        try:
            given = self._given(entry, value)
        except (ValueError, UndecodableError) as error:
            return Recounted((), (), (Mismatch(entry.model, entry.sequence, "", "", str(error)),))
        model = self._models.setdefault(entry.model, ModelState(entry.model, entry.timestamp))
        told = {reading.name: reading.value for reading in entry.readings}
        hashed = told.get(MONITOR, "")
        monitor, acting = self._catalog.spec(hashed), self._catalog.spec(told.get(ACTIONS, hashed))
        if hashed and (monitor is None or acting is None):
            return self._lost(entry, f"the monitor {hashed if monitor is None else told[ACTIONS]} is not known")
        if monitor is not None and acting is not None:
            monitor = replace(monitor, actions=acting.actions)
        try:
            basis = Basis(monitor, hashed, ToldReadings(entry.readings), entry.timestamp)
            decided = decide(self._setting, model, given, basis)
        except KeyError as error:
            return self._lost(entry, f"it says nothing of the reading {error}")
        differing = [
            Mismatch(
                entry.model, entry.sequence, f.name, str(getattr(entry, f.name)), str(getattr(decided.entry, f.name))
            )
            for f in fields(Journal)
            if getattr(entry, f.name) != getattr(decided.entry, f.name)
        ]
        return Recounted(tuple(decided.turn.alerts), tuple(decided.turn.commands), tuple(differing))

    def _lost(self, entry: Journal, why: str) -> Recounted:
        return Recounted((), (), (Mismatch(entry.model, entry.sequence, "", "", why),))

    def _given(self, entry: Journal, value: bytes | None) -> Given:
        told = {reading.name: reading.value for reading in entry.readings}
        if entry.input_topic in (TICK, STAND):
            due = tuple(told[DUE].split(",")) if DUE in told else ()
            return Given(entry.input_topic, entry.input_partition, entry.input_offset, "", None, due)
        if value is None:
            raise ValueError(f"its input is gone: {entry.input_topic} {entry.input_partition}@{entry.input_offset}")
        decoded = self._codec.decode(value, _VALUES)
        digest = sha256(value).hexdigest()
        return Given(entry.input_topic, entry.input_partition, entry.input_offset, digest, decoded)


def replay_journal(recount: Recount, entries: Iterable[tuple[Journal, bytes | None]]) -> Iterator[Mismatch]:
    """Yield whatever does not follow; each entry comes with its input's bytes (None: it has none)."""
    for entry, value in entries:
        yield from recount.check(entry, value).mismatches
