"""A tally that joins, and what it says of its joins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final, NamedTuple

from kedge.detectors.outcomes import OutcomeKind, OutcomeLayout
from kedge.detectors.pairs import PairLayout
from kedge.schemas.packed import unpack_signed
from kedge.schemas.records import JoinKind, JoinPartial, Outcome, Prediction, Role
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.tally import Tally
from tests.streams.core.made import CODEC, MINUTE, NOON, Rec, outputs, restored, single, tally, totals

TEXT: Final = (
    "comparison: {join_horizon: 5m, tolerance: 0.1}\n"
    "outcomes:\n  click: {type: binary, delay: 2m}\n"
    "  kind: {type: class, classes: [cat, dog], delay: 2m, label_horizon: 10d}\n"
    "segments: {region: [eu, us]}\n"
)
PAIRS: Final = PairLayout(labels=(), features=())
CLICKS: Final = OutcomeLayout(OutcomeKind.BINARY)
LATER: Final = NOON + 40 * MINUTE


class Cell(NamedTuple):
    """Which counts."""

    kind: JoinKind
    outcome: str
    version: str
    control: str
    role: Role
    segment: str
    pane: int


def outcome(request: str, observed: float | str = 1.0, timestamp: int = NOON, **changes: object) -> Outcome:
    """Return what came of a request: a click, unless it is said otherwise."""
    kind = "click" if isinstance(observed, float) else "kind"
    made = Outcome(request_id=request, model="m", kind=kind, timestamp=timestamp, observed=observed)
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def answer(request: str, version: str = "v1", role: Role = Role.PRIMARY, **changes: object) -> Prediction:
    """Return one version's answer to a request; an event of its own."""
    made = single(f"{request}/{version}/{role}", request_id=request, version=version, role=role)
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def shadow(request: str, **changes: object) -> Prediction:
    """Return the second version's answer, in shadow."""
    return answer(request, "v2", Role.SHADOW, **changes)


class Joining:
    """A tally whose two logs are appended to, cut, and read again after crashes."""

    def __init__(self, text: str = TEXT) -> None:
        self.text = text
        self.core: Tally = tally(text)
        self.checkpoints: list[Checkpoint] = []
        self._logs: dict[str, list[Rec]] = {"predictions": [], "outcomes": []}

    def append(self, *messages: object, appended: int | None = None) -> list[Rec]:
        """Append to the logs; returns the records."""
        records = []
        for message in messages:
            topic = "outcomes" if isinstance(message, Outcome) else "predictions"
            data = message if isinstance(message, bytes) else CODEC.encode(message)
            stamp = getattr(message, "timestamp", NOON) if appended is None else appended
            log = self._logs[topic]
            log.append(Rec(f"e.kedge.{topic}", len(log), stamp, data))
            records.append(log[-1])
        return records

    def send(self, *messages: object, appended: int | None = None) -> None:
        """Append, and let the tally read it in one go."""
        self.core.fold(self.append(*messages, appended=appended), NOON)

    def read(self, records: Sequence[Rec]) -> None:
        """Let the tally read these."""
        self.core.fold(records, NOON)

    def save(self) -> None:
        """Checkpoint."""
        checkpoint = self.core.snapshot(LATER)
        if checkpoint is not None:
            self.checkpoints.append(checkpoint)

    def crash(self) -> list[Rec]:
        """Lose what no checkpoint holds; returns the records to be read again."""
        core = tally(self.text)
        restored(core, self.checkpoints)
        self.core = core
        return [
            record
            for topic, log in self._logs.items()
            for record in log
            if record.offset > self.core.committed.get(topic, -1)
        ]

    def close(self) -> None:
        """Let time go by until nothing waits any more, and checkpoint."""
        self.send(single("last", LATER, request_id="last"))
        ends = {topic: len(log) for topic, log in self._logs.items()}
        self.core.stand(ends, LATER + 10 * MINUTE)
        self.save()

    def cells(self) -> dict[Cell, list[int]]:
        """Return the last word on every cell; of what came to close, nothing."""
        last = {}
        for checkpoint in self.checkpoints:
            for partial in outputs(checkpoint, "partials"):
                if isinstance(partial, JoinPartial) and partial.pane_start != LATER - LATER % MINUTE:
                    place = (partial.version, partial.control, partial.role, partial.segment, partial.pane_start)
                    counts = unpack_signed(partial.counts, partial.bins).tolist()
                    last[Cell(partial.kind, partial.outcome, *place)] = counts
        return last

    def pairs(self, slot: int = PairLayout.pairs, segment: str = "") -> dict[tuple[str, str], int]:
        """Return a slot of pairs by (version, control), over all panes."""
        found: dict[tuple[str, str], int] = {}
        for cell, counts in self.cells().items():
            if cell.kind is JoinKind.PAIR and cell.segment == segment and counts[slot]:
                key = (cell.version, cell.control)
                found[key] = found.get(key, 0) + counts[slot]
        return found

    def clicks(self, kind: JoinKind = JoinKind.OUTCOME, segment: str = "") -> dict[str, tuple[int, int]]:
        """Return (answers that may have clicks, clicks observed) by version."""
        found: dict[str, tuple[int, int]] = {}
        for cell, counts in self.cells().items():
            if (cell.kind, cell.outcome, cell.segment) == (kind, "click", segment):
                before = found.get(cell.version, (0, 0))
                seen = sum(counts[CLICKS.confusion])
                found[cell.version] = (before[0] + counts[CLICKS.predictions], before[1] + seen)
        return found

    def fates(self) -> Mapping[str, int]:
        """Return outcomes by fate as the last checkpoint has them, those that there are."""
        found = totals(self.checkpoints[-1])
        prefix = "outcome_"
        return {name.removeprefix(prefix): rows for name, rows in found.items() if rows and name.startswith(prefix)}


def traffic(random: Random, requests: int = 12) -> list[object]:
    """Return answers and outcomes of some requests, in order; each fact once, all within the horizon."""
    messages: list[object] = []
    for number in range(requests):
        request, at = f"r{number}", NOON + random.randrange(3 * MINUTE)
        region = {"region": random.choice(("eu", "us", "mars"))}
        primary = answer(request, score=random.choice((0.1, 0.5, None)), timestamp=at, segment=region)
        if random.random() < 0.8:
            messages.append(primary)
        for version, role in (("v2", Role.SHADOW), ("v3", Role.CANARY), ("v1", Role.SHADOW)):
            if random.random() < 0.5:
                error = random.choice((None, None, "timeout"))
                messages.append(answer(request, version, role, timestamp=at + random.randrange(MINUTE), error=error))
        if random.random() < 0.6:
            messages.append(outcome(request, random.choice((0.0, 1.0)), at + random.randrange(-MINUTE, 2 * MINUTE)))
        if random.random() < 0.4:
            messages.append(outcome(request, random.choice(("cat", "dog", "cow")), at + random.randrange(MINUTE)))
    return messages
