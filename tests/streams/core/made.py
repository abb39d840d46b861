"""Records, catalogs and cores for the tests of the pure core; everything real, nothing stands in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import id_hash
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.packed import unpack_counts
from kedge.schemas.partition import partition_for
from kedge.schemas.records import (
    Alert,
    Baseline,
    Coded,
    Command,
    DeadLetter,
    JoinPartial,
    Journal,
    Monitor,
    Packed,
    Partial,
    Position,
    Prediction,
    PredictionBatch,
    Progress,
    Provenance,
    Report,
    Role,
    TallyDetail,
    VersionReport,
)
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.fit import FitOptions, fit
from kedge.streams.core.guard import Guard
from kedge.streams.core.instructions import Checkpoint, Core, Write
from kedge.streams.core.judge import Judge
from kedge.streams.core.tally import Tally
from tests.support.means import guard_means

NOON: Final = 1_700_000_040_000
"""A multiple of a minute."""
MINUTE: Final = 60_000
CODEC: Final = Codec()
TOPOLOGY: Final = {"predictions": 1, "outcomes": 1, "partials": 1, "reports": 1}
WINDOWS: Final = "windows: {pane: 60s, length: 2m, hop: 1m, grace: 0, lateness: 5m}\n"
OUTPUTS: Final[Mapping[str, tuple[type, ...]]] = {
    "partials": (Partial, JoinPartial, Progress),
    "reports": (Report, VersionReport),
    "alerts": (Alert,),
    "control": (Command,),
    "journal": (Journal,),
    "dead_letters": (DeadLetter,),
}


@dataclass(frozen=True, slots=True)
class Rec:
    """A record of a log."""

    topic: str
    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None = None
    partition: int = 0


def reference_columns(rows: int = 5_000, seed: int = 1) -> Columns:
    """`age` is normal, `city` has three values; a score and a label follow from nothing."""
    rng = np.random.default_rng(seed)
    cities = ["london", "paris", "rome"]
    return Columns(
        model="m",
        version="",
        role="PRIMARY",
        timestamps=np.full(rows, NOON, np.int64),
        numbers={"age": Numbers(rng.normal(40.0, 10.0, rows))},
        strings={"city": Texts(cities, rng.integers(0, 3, rows).astype(np.int32))},
        segments={"region": Texts(["eu", "us"], rng.integers(0, 2, rows).astype(np.int32))},
        score=Numbers(rng.random(rows)),
    )


def baseline(monitor: str = "") -> Baseline:
    """Return the baseline of the reference rows under a monitor's further lines."""
    spec = parse_monitor(f"model: m\nowner: me\n{WINDOWS}{monitor}", "test")
    return fit(reference_columns(), Provenance(dataset="d", rows=5_000, created_at=0), FitOptions(monitor=spec))


def monitor_record(text: str = "", effective_from: int = 0) -> Monitor:
    """Return a published monitor with further lines."""
    windows = "" if "windows:" in text else WINDOWS
    document = to_document(parse_monitor(f"model: m\nowner: me\n{windows}{text}", "test"))
    return Monitor(model="m", hash=monitor_hash(document), effective_from=effective_from, document=document)


def catalog(text: str = "", *, with_baseline: bool = True) -> Catalog:
    """Return a catalog of the one model."""
    made = Catalog()
    made.put_monitor(monitor_record(text))
    if with_baseline:
        made.put_baseline(baseline(text if "windows:" not in text else ""))
    return made


def config(**changes: object) -> CoreConfig:
    """Return a core's config, one partition of everything."""
    return replace(
        CoreConfig(environment="test", partition=0, topology=TOPOLOGY, hash_key=b"secret"),
        **changes,  # type: ignore[arg-type] # the test's own changes
    )


@dataclass
class Sender:
    """One producer's stream to one partition."""

    producer: str = "p"
    version: str = "v1"
    role: Role = Role.PRIMARY
    sequence: int = 0
    rows_before: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def batch(self, timestamps: Sequence[int], **changes: object) -> PredictionBatch:
        """Return the stream's next batch, of rows as the baseline's."""
        rows = len(timestamps)
        made = PredictionBatch(
            model="m",
            version=self.version,
            role=self.role,
            producer=self.producer,
            sequence=self.sequence,
            rows_before=self.rows_before,
            dropped=0,
            rows=rows,
            timestamps=np.array(timestamps, "<i8").tobytes(),
            request_ids=np.arange(rows, dtype="<u8").tobytes(),
            numbers={"age": Packed(values=self.rng.normal(40.0, 10.0, rows).astype("<f8").tobytes())},
            strings={
                "city": Coded(
                    dictionary=("london", "paris", "rome"),
                    codes=self.rng.integers(0, 3, rows).astype("<i4").tobytes(),
                )
            },
            segments={},
            score=Packed(values=self.rng.random(rows).astype("<f8").tobytes()),
            label=None,
            class_scores={},
            latency_ms=Packed(values=np.full(rows, 12.0).astype("<f8").tobytes()),
            error=None,
            probe=None,
        )
        self.sequence += 1
        self.rows_before += rows
        return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def single(event_id: str, timestamp: int = NOON, **changes: object) -> Prediction:
    """Return a single event."""
    made = Prediction(
        event_id=event_id,
        request_id=f"r-{event_id}",
        model="m",
        version="v1",
        role=Role.PRIMARY,
        timestamp=timestamp,
        segment={},
        features={"age": 41.5, "city": "rome"},
        score=0.5,
        label=None,
        class_scores={},
        latency_ms=3.0,
        error=None,
        probe=False,
        shadows=(),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


class Log:
    """Appends records to one partition of `predictions`."""

    def __init__(self) -> None:
        self.next_offset = 0

    def append(self, value: object, appended: int | None = None) -> Rec:
        """Return a record of an event, a batch, or of bytes as they are."""
        data = value if isinstance(value, bytes) or value is None else CODEC.encode(value)
        stamp = appended
        if stamp is None:
            newest = getattr(value, "timestamp", NOON)
            if isinstance(value, PredictionBatch) and value.timestamps:
                newest = int(np.frombuffer(value.timestamps, "<i8").max())
            stamp = newest
        self.next_offset += 1
        return Rec("predictions", self.next_offset - 1, stamp, data)


def tally(text: str = "", *, with_baseline: bool = True, **changes: object) -> Tally:
    """Return a fresh tally."""
    return Tally(config(**changes), catalog(text, with_baseline=with_baseline), CODEC)


def outputs(checkpoint: Checkpoint | None, topic: str) -> list[object]:
    """Return what a checkpoint sends to a topic, decoded."""
    writes = () if checkpoint is None else checkpoint.writes
    return [CODEC.decode(write.value or b"", OUTPUTS[topic]) for write in writes if write.topic == topic]


def letters(checkpoint: Checkpoint | None) -> list[tuple[str, int]]:
    """Return each dead letter's reason and rows."""
    found = outputs(checkpoint, "dead_letters")
    return [(letter.reason, letter.rows) for letter in found if isinstance(letter, DeadLetter)]


def totals(checkpoint: Checkpoint | None) -> Mapping[str, int]:
    """Return rows by fate as the tally's state has them."""
    assert checkpoint is not None
    position = next(write for write in checkpoint.writes if write.key == b"position")
    detail = CODEC.decode(position.value or b"", Position).detail
    return CODEC.decode(detail, TallyDetail).totals


def counts(checkpoint: Checkpoint | None, segment: str = "") -> dict[int, list[int]]:
    """Return the counts of each pane."""
    found = [p for p in outputs(checkpoint, "partials") if isinstance(p, Partial) and p.segment == segment]
    return {p.pane_start: unpack_counts(p.counts, p.bins).tolist() for p in found}


def restored(core: Core, checkpoints: Sequence[Checkpoint | None]) -> Core:
    """Give a fresh core the state that checkpoints wrote."""
    for checkpoint in checkpoints:
        for write in () if checkpoint is None else checkpoint.writes:
            if write.topic == "state":
                core.restore(write.key, write.value)
    core.restored()
    return core


class Chain:
    """Tally, judge and guard on one partition each, their checkpoints handed on as they come."""

    def __init__(self, text: str = "", *, with_baseline: bool = True) -> None:
        self.catalog = catalog(text, with_baseline=with_baseline)
        self.tally = Tally(config(), self.catalog, CODEC)
        self.judge = Judge(config(), self.catalog, CODEC)
        self.guard = Guard(config(), self.catalog, CODEC, guard_means())
        self.log = Log()
        self.written: list[Write] = []
        self.states: dict[str, list[Write]] = {"Tally": [], "Judge": [], "Guard": []}
        self.reports: list[Write] = []
        self._offsets = {"partials": 0, "reports": 0}

    def send(self, *messages: object, now: int = NOON) -> list[object]:
        """Append messages, pass everything on; returns reports, alerts and commands in order."""
        self.tally.fold([self.log.append(message) for message in messages], now)
        self.tally.stand({"predictions": self.log.next_offset}, now)
        self.judge.fold(self._pass(self.tally, "partials", now), now)
        self.guard.fold(self._pass(self.judge, "reports", now), now)
        self.guard.tick(now)
        self.guard.stand({}, now)
        before = len(self.written)
        self._pass(self.guard, "", now)
        sent = self.reports + self.written[before:]
        return [
            CODEC.decode(w.value or b"", OUTPUTS[w.topic]) for w in sent if w.topic in {"reports", "alerts", "control"}
        ]

    def _pass(self, core: Core, topic: str, now: int) -> list[Rec]:
        checkpoint = core.snapshot(now)
        writes = () if checkpoint is None else checkpoint.writes
        self.written += writes
        self.states[type(core).__name__] += [write for write in writes if write.topic == "state"]
        passed = [write for write in writes if write.topic == topic]
        if topic == "reports":
            self.reports = passed
        records = []
        for write in passed:
            records.append(Rec(topic, self._offsets[topic], now, write.value, write.key))
            self._offsets[topic] += 1
        return records


def age_codes(values: Sequence[float]) -> Packed:
    """Return a numeric column."""
    return Packed(values=np.array(values, "<f8").tobytes())


def right_key(event: Prediction, partitions: int) -> int:
    """Return the partition that an event belongs to."""
    return partition_for(event.request_id.encode(), partitions)


def hashed(text: str) -> int:
    """Return a 64-bit id."""
    return id_hash(text)
