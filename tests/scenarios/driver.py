"""A world in which a scenario plays: traffic, tally, judge, guard and a router, and one clock for all of them.

The clock is event time and wall time at once. What happens is told by `World.story`, one line a step: the index of
the window in which it was said, and what; a scenario's expectation is that list, written out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from kedge.schemas.records import (
    Ack,
    Alert,
    Command,
    GuardModel,
    Journal,
    Outcome,
    Override,
    OverrideAction,
    Report,
    VersionReport,
)
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.guard import Guard
from kedge.streams.core.guarding.recount import Mismatch, Recount, replay_journal
from kedge.streams.core.instructions import Core, Write
from kedge.streams.core.judge import Judge
from kedge.streams.core.tally import Tally
from tests.scenarios.router import Router
from tests.scenarios.traffic import Serving, Traffic, primary
from tests.streams.core.made import CODEC, TOPOLOGY, Rec, catalog, config
from tests.support.means import HashSigner, guard_means

__all__ = ["ARMED", "DAWN", "MINUTE", "OUTCOMES", "WINDOWS", "World"]

DAWN: Final = 1_700_006_400_000
"""Midnight: the first window begins."""
MINUTE: Final = 60_000
WINDOWS: Final = "windows: {pane: 5m, length: 5m, hop: 5m, grace: 0, lateness: 1h}\n"
ARMED: Final = "comparison: {}\nactions: {route_to_safe_path: {mode: armed}}\n"
"""Versions are compared, and rollbacks are sent."""
OUTCOMES: Final = "outcomes: {click: {delay: 1m}}\n"

_PARTS: Final = 2
"""Times a window at which what was sent by then is counted."""
_OPEN_MS: Final = 1_000
"""Between rounds of the shell while a command is open; otherwise there are `_PARTS` a window."""
_TOLD: Final = ("reports", "overrides", "acks")

Told = TypeVar("Told", Report, VersionReport, Alert, Command, Journal)


class World:
    """Plays windows one after the other.

    Args:
        text: the monitor's lines, without model and owner.
        router: who obeys.
        partitions: of `predictions`; with more than one there are no outcomes.
    """

    def __init__(self, text: str = WINDOWS + ARMED, *, router: Router | None = None, partitions: int = 1) -> None:
        self.catalog = catalog(text)
        active = self.catalog.monitor_at("m", DAWN)
        assert active is not None
        self.length = active.spec.windows.length_ms
        self.router = Router() if router is None else router
        self.now = self.counted_to = DAWN
        self.story: list[str] = []
        self.written: list[Write] = []
        self.laid: list[tuple[int, str, bytes]] = []
        """What people could read meanwhile: when it was written, its topic and its bytes."""
        self.state: GuardModel | None = None
        self.silent: set[int] = set()
        """Partitions whose tally is down."""
        self._traffic = Traffic(1)
        topology = {**TOPOLOGY, "predictions": partitions, "outcomes": partitions}
        self._tallies = [Tally(config(partition=p, topology=topology), self.catalog, CODEC) for p in range(partitions)]
        self._unread: list[list[Rec]] = [[] for _ in self._tallies]
        self._judge = Judge(config(topology=topology), self.catalog, CODEC)
        self._guard = Guard(config(), self.catalog, CODEC, guard_means())
        self._ends = dict.fromkeys(("predictions", "outcomes", "partials", *_TOLD), 0)
        self._inputs: dict[tuple[str, int], bytes] = {}
        self._last: dict[str, str] = {}
        self._vetoes: set[str] = set()

    # -- what happens ------------------------------------------------------------------------------------------------

    def play(self, windows: int, *servings: Serving) -> list[str]:
        """Let so many windows pass in which these versions serve; returns what was told meanwhile."""
        before = len(self.story)
        for _ in range(windows * _PARTS):
            self.part(*servings)
        return self.story[before:]

    def part(self, *servings: Serving) -> list[str]:
        """Let half a window pass; with a window's first half the one before it is reported."""
        before, start = len(self.story), self.counted_to
        self.counted_to += self.length // _PARTS
        sent = self._sent(start, self.counted_to, servings)
        self.wait(self.counted_to - self.now)
        self.send(*sent)
        return self.story[before:]

    def wait(self, passed_ms: int) -> list[str]:
        """Let time pass in which nothing is counted; returns what was told meanwhile."""
        before, until = len(self.story), self.now + passed_ms
        while self.now < until:
            answer_at = self.router.next_at
            step = self.now + (_OPEN_MS if self._open else self.length // _PARTS)
            self.now = max(self.now, min(until, step, until if answer_at is None else answer_at))
            self._tell("acks", *self.router.answers(self.now))
            self._round()
        return self.story[before:]

    def send(self, *messages: object) -> None:
        """Append predictions and outcomes now, and let them count."""
        rows = [self._append(_topic(message), message, self.now) for message in messages]
        partials: list[bytes] = []
        for number, tally in enumerate(self._tallies):
            self._unread[number] += rows[number :: len(self._tallies)]
            if number not in self.silent:
                tally.fold(self._unread[number], self.now)
                tally.stand(self._ends, self.now)
                self._unread[number] = []
                partials += self._output(tally, "partials")
        self.count(*partials)

    def count(self, *partials: bytes) -> None:
        """Tell the judge counts; what it reports is told to the guard."""
        self._judge.fold([self._append("partials", value, self.now) for value in partials], self.now)
        self._tell("reports", *self._output(self._judge, "reports"))
        self._round()

    def override(self, action: OverrideAction, **changes: object) -> list[str]:
        """Let a person say something, signed and good for an hour; returns what came of it."""
        before = len(self.story)
        self._tell("overrides", self.made_override(action, **changes))
        self._round()
        return self.story[before:]

    def answer(self, *acks: Ack) -> list[str]:
        """Let an actuator say something; returns what came of it."""
        before = len(self.story)
        self._tell("acks", *acks)
        self._round()
        return self.story[before:]

    def made_override(self, action: OverrideAction, **changes: object) -> Override:
        """Return a person's signed word."""
        made = Override(
            override_id=f"o-{self._ends['overrides']}",
            environment="test",
            model="m",
            action=action,
            target_version="",
            fault="",
            actor="ann",
            reason="because",
            issued_at=self.now,
            expires_at=self.now + 60 * MINUTE,
            key_id=HashSigner.key_id,
            signature=b"",
        )
        made = replace(made, **changes)  # type: ignore[arg-type] # the scenario's own changes
        signed = "signature" in changes
        return made if signed else replace(made, signature=HashSigner().sign(signed_bytes(made)))

    # -- what is known of it -----------------------------------------------------------------------------------------

    def all(self, kind: type[Told]) -> list[Told]:
        """Return every record of a kind that was written."""
        topics: dict[type, str] = {Alert: "alerts", Command: "control", Journal: "journal"}
        kinds = (Report, VersionReport) if kind not in topics else (kind,)
        values = [w.value or b"" for w in self.written if w.topic == topics.get(kind, "reports")]
        return [value for value in (CODEC.decode(v, kinds) for v in values) if isinstance(value, kind)]

    def vetoes(self) -> dict[str, str]:
        """Return the vetoes that stood when last asked, with their evidence."""
        asked = [entry.vetoes for entry in self.all(Journal) if entry.vetoes]
        return {note.name: note.evidence for note in asked[-1] if note.result == "stands"} if asked else {}

    def recounted(self) -> list[Mismatch]:
        """Return what of the journal does not follow from its inputs."""
        told = ((e, self._inputs.get((e.input_topic, e.input_offset))) for e in self.all(Journal))
        return list(replay_journal(Recount(self.catalog, CODEC, "test"), told))

    # -- how it works ------------------------------------------------------------------------------------------------

    @property
    def _open(self) -> bool:
        return self.state is not None and self.state.order is not None

    def _sent(self, start: int, end: int, servings: Sequence[Serving]) -> list[object]:
        parted = [replace(s, rows=s.rows // _PARTS, lost=s.lost // _PARTS) for s in self._obeying(servings)]
        return list(self._traffic.span(start, end, parted))

    def _obeying(self, servings: Sequence[Serving]) -> Iterator[Serving]:
        """Give what a version got to its target, where the router has led it away."""
        led = [s for s in servings if s.served and s.version in self.router.away]
        gained = {self.router.away[s.version]: s.rows for s in led}
        for serving in servings:
            if serving not in led:
                yield replace(serving, rows=serving.rows + gained.pop(serving.version, 0) * serving.served)
        for version, rows in gained.items():
            yield primary(version, rows=rows)

    def _append(self, topic: str, value: object, stamp: int) -> Rec:
        data = value if isinstance(value, bytes) else CODEC.encode(value)
        offset = self._ends[topic]
        self._ends[topic] += 1
        return Rec(f"test.{topic}", offset, stamp, data)

    def _tell(self, topic: str, *values: object) -> None:
        for value in values:
            record = self._append(topic, value, self.now)
            self._inputs[topic, record.offset] = record.value or b""
            if topic != "reports":  # which the judge has written already
                self.laid.append((self.now, topic, record.value or b""))
            self._guard.fold([record], self.now)

    def _round(self) -> None:
        """One round of the guard's shell; the router reads what left."""
        self._guard.tick(self.now)
        self._guard.stand({"overrides": self._ends["overrides"]}, self.now)
        self._output(self._guard, "")

    def _output(self, core: Core, topic: str) -> list[bytes]:
        checkpoint = core.snapshot(self.now)
        writes = () if checkpoint is None else checkpoint.writes
        for write in writes:
            if core is self._guard and (write.topic, write.key) == ("state", b"modelm"):
                self.state = CODEC.decode(write.value or b"", GuardModel)
            self._note(write)
        return [write.value or b"" for write in writes if write.topic == topic]

    def _note(self, write: Write) -> None:
        value = write.value or b""
        if write.topic == "state":
            return
        if write.topic != "partials":
            self.written.append(write)
            self.laid.append((self.now, write.topic, value))
        match write.topic:
            case "journal":
                entry = CODEC.decode(value, Journal)
                stood = ", ".join(note.name for note in entry.vetoes if note.result == "stands")
                self._say("", f"vetoed by {stood}" if stood and stood not in self._vetoes else "")
                self._vetoes.add(stood)
                self._say("state", entry.state_after)
            case "alerts":
                alert = CODEC.decode(value, Alert)
                self._say("", f"{alert.severity.value}: {alert.event.value} {alert.subject}")
            case "control":
                command = CODEC.decode(value, Command)
                self._say(
                    "command", f"{'drill ' * command.drill}{command.action.value} {command.target_version}".strip()
                )
                self.router.read(command, self.now)

    def _say(self, what: str, words: str) -> None:
        """Tell a step; a state or a command that is the same again is no step."""
        if what and self._last.get(what) == words:
            return
        self._last[what] = words
        if words:
            self.story.append(f"{(self.now - DAWN) // self.length} {words}")


def _topic(message: object) -> str:
    return "outcomes" if isinstance(message, Outcome) else "predictions"
