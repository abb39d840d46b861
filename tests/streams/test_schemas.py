"""Whoever needs a schema registry that is away waits for it, says so once, and can be told to leave."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import text_of
from kedge.schemas.errors import NotRegisteredError, Reason, RegistryUnavailableError, UndecodableError
from kedge.schemas.records import Monitor
from kedge.streams.schemas import Schemas
from tests.schemas.samples import SAMPLES

LOG = logging.getLogger("kedge.test")
FRAMED = b"\0\0\0\0\x07"
UNKNOWN = b"\0\0\0\0\x09"


@dataclass
class Shelf:
    """A registry that is away for the first questions."""

    away: int = 0
    registered: bool = True
    asked: list[str] = field(default_factory=list)
    on_asked: Callable[[], None] = lambda: None

    def schema(self, schema_id: int) -> str:
        self._ask(f"id {schema_id}")
        if schema_id != 7:
            raise UndecodableError(Reason.UNKNOWN_SCHEMA, "not on the shelf")
        return text_of("Monitor")

    def schema_id(self, subject: str, schema: str) -> int:
        del schema
        self._ask(subject)
        if not self.registered:
            raise NotRegisteredError(subject)
        return 7

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        self.on_asked()
        if self.away:
            self.away -= 1
            raise RegistryUnavailableError("nobody there")


def test_for_how_long_it_waits_is_known_while_it_waits() -> None:
    schemas = Schemas(Codec(shelf := Shelf(away=2)), LOG)
    told: list[tuple[float, float]] = []
    shelf.on_asked = lambda: told.append((time.monotonic(), schemas.waiting_s))
    assert schemas.wait(FRAMED)
    (first_s, before), (second_s, waited_s), (third_s, in_all_s) = told
    assert before == 0.0
    assert waited_s >= second_s - first_s > 0.0
    assert in_all_s >= third_s - first_s
    assert schemas.waiting_s == 0.0


def test_what_nobody_waits_for_any_more_does_not_count_for_whoever_waits_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kedge.streams.schemas._PAUSE_S", 0.0)
    schemas = Schemas(Codec(Shelf(away=2)), LOG)
    assert not schemas.learn([FRAMED])
    with monkeypatch.context() as later:
        later.setattr("kedge.streams.schemas._ASKED_S", -1.0)  # as if half a minute had gone by
        assert schemas.waiting_s == 0.0
        again_s = time.monotonic()
        assert not schemas.learn([FRAMED])
    assert 0.0 < schemas.waiting_s <= time.monotonic() - again_s


def test_what_must_be_asked_waits_until_there_is_an_answer_and_is_then_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG.name)
    shelf = Shelf(away=1)
    schemas = Schemas(Codec(shelf), LOG)
    message = Codec(Shelf()).encode(SAMPLES["Monitor"])
    assert message[:5] == FRAMED
    assert schemas.wait(message)
    assert caplog.messages == ["waiting for the schema registry: nobody there", "the schema registry answers again"]
    assert shelf.asked == ["id 7", "id 7"]
    assert schemas.codec.decode(message, Monitor) == SAMPLES["Monitor"]
    assert schemas.wait(message)
    assert len(shelf.asked) == 2


def test_one_of_each_schema_is_asked_for_and_none_where_nothing_has_to_be() -> None:
    schemas = Schemas(Codec(Shelf()), LOG)
    assert schemas.unknown([None, b"", b"\0\0", b"\xc3\x01rest", b"{"]) == []
    asked = schemas.unknown([FRAMED + b"a", UNKNOWN + b"b", FRAMED + b"c"])
    assert [message[:5] for message in asked] == [FRAMED, UNKNOWN]
    assert schemas.learn(asked), "an id that nobody knows is an answer"
    assert schemas.unknown([FRAMED]) == []


def test_while_it_is_away_nobody_asks_again_at_once() -> None:
    shelf = Shelf(away=9)
    schemas = Schemas(Codec(shelf), LOG)
    assert not schemas.away
    assert not schemas.learn([FRAMED])
    assert not schemas.learn([UNKNOWN])
    assert (shelf.asked, schemas.away) == (["id 7"], True)


def test_who_waits_can_be_told_to_leave() -> None:
    shelf, stopping = Shelf(away=1_000), threading.Event()
    shelf.on_asked = stopping.set
    assert not Schemas(Codec(shelf), LOG).prepare("Monitor", stopping=stopping)
    assert len(shelf.asked) == 1


def test_a_schema_that_nobody_has_registered_is_not_waited_for() -> None:
    with pytest.raises(NotRegisteredError):
        Schemas(Codec(Shelf(registered=False)), LOG).prepare("Monitor")


def test_without_a_registry_there_is_nothing_to_wait_for() -> None:
    schemas = Schemas(Codec(), LOG)
    assert schemas.prepare()
    assert schemas.wait(FRAMED)
    assert schemas.unknown([FRAMED]) == []
