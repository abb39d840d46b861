"""States of a deployment as the console shows them: real cores play, and what they write is folded.

A world's model is called `m`; a `Shelf` holds several, each under a name of its own.
"""

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Alert, Monitor
from kedge.streams.console.board import RECORDS, Board, Laid
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.situation import Reading
from kedge.streams.core.catalog import Catalog
from tests.scenarios.driver import ARMED, OUTCOMES, WINDOWS, World
from tests.scenarios.router import Router
from tests.scenarios.traffic import canary, primary, shadow
from tests.streams.core.made import CODEC, baseline

__all__ = ["ADVISING", "PAIRED", "SHAPES", "Shelf", "played"]

OWNER: Final = "flight-ops"
PAIRED: Final = WINDOWS + ARMED + OUTCOMES + "promotion: {}\n"

ADVISING: Final = PAIRED.replace("armed", "advise")
"""Rollbacks are left to people."""


def _healthy(world: World) -> None:
    world.play(8, primary(), shadow())


def _harmed(world: World) -> None:
    world.play(6, primary(), canary())
    world.play(2, primary(), canary(clicks=0.1))


def _drifted(world: World) -> None:
    world.play(5, primary(), canary())
    world.play(3, primary(missing=0.6), canary(missing=0.6))


def _shifted(world: World) -> None:
    world.play(6, primary(), canary())
    world.play(6, primary(), canary(score=4.0))


def _rolled_back(world: World) -> None:
    """Just over: the windows after the rollback are waited for."""
    _harmed(world)
    world.play(4, primary(), canary())


def _frozen(world: World) -> None:
    """Long over, and nobody has resumed."""
    _rolled_back(world)
    world.play(6, primary(), canary())


def _advised(world: World) -> None:
    """A rollback was left to people."""
    _harmed(world)


def _unanswered(world: World) -> None:
    world.play(6, primary(), canary())
    for _ in range(3):
        world.part(primary(), canary(errors=0.5))
    world.wait(40_000)


def _failed(world: World) -> None:
    world.play(6, primary(), canary())
    world.play(2, primary(), canary(errors=0.5))


SHAPES: Final = {
    "healthy": _healthy,
    "harmed": _harmed,
    "drifted": _drifted,
    "shifted": _shifted,
    "rolled back": _rolled_back,
    "frozen": _frozen,
    "advised": _advised,
    "unanswered": _unanswered,
    "failed": _failed,
}
"""What can have happened to a model, by name."""


@cache
def played(shape: str) -> World:
    """Return a world in which this has happened."""
    routers = {"unanswered": Router(deaf=True), "failed": Router(broken=True)}
    world = World(ADVISING if shape == "advised" else PAIRED, router=routers.get(shape))
    SHAPES[shape](world)
    return world


@dataclass
class Shelf:
    """Models and what has happened to each, as one console would have read it."""

    reading: Reading = field(default_factory=lambda: Reading(ready=True, heard_at=0))
    catalog: Catalog = field(default_factory=Catalog)
    later_ms: int = 0
    """How long after the last record the page is looked at."""
    codec: Codec = CODEC

    def __post_init__(self) -> None:
        self.board = Board(self.codec, self.catalog.spec)
        self.now = 0

    def watch(self, model: str, *, more: str = PAIRED, owner: str = OWNER) -> str:
        """Put a monitor in force; returns its hash."""
        spec = parse_monitor(f"model: {json.dumps(model)}\nowner: {owner}\n{more}", "test")
        document = to_document(spec)
        found = Monitor(model=model, hash=monitor_hash(document), effective_from=0, document=document)
        self.catalog.put_monitor(found)
        return found.hash

    def add(self, model: str, shape: str, *, more: str = PAIRED, **names: Any) -> None:
        """Let this have happened to a model; `names`: what else of the records is called otherwise."""
        policy = self.watch(model, more=more)
        fitted = replace(baseline(), model=model, hash=f"b-{model}")
        self.catalog.put_baseline(fitted)
        told = {"model": model, "monitor": policy, "baseline": fitted.hash, "owner": OWNER, **names}
        for offset, (at_ms, topic, value) in enumerate(played(shape).laid):
            if topic in RECORDS:
                record = CODEC.decode(value, RECORDS[topic])
                if isinstance(record, Alert):
                    told["summary"] = names.get("summary", re.sub(r"^m\b", lambda _: model, record.summary))
                known = {name: new for name, new in told.items() if hasattr(record, name)}
                self.take(topic, replace(record, **known), at_ms, offset)
        self.now = max(self.now, played(shape).now)

    def take(self, topic: str, record: object, at_ms: int, offset: int = 0) -> None:
        """Let a record be read."""
        value = record if isinstance(record, bytes) else CODEC.encode(record)
        self.board.take(topic, value, Laid(0, offset, at_ms))

    def outlook(self) -> Outlook:
        """Return what is known now."""
        self.board.settle(whole=True)
        now = self.now + self.later_ms
        heard = self.reading.heard_at
        reading = replace(self.reading, heard_at=now if heard == 0 else heard)
        return Outlook(
            environment="prod",
            board=self.board,
            monitors=self.catalog,
            codec=self.codec,
            reading=reading,
            now_ms=now,
        )
