"""Rides of a made-up taxi model: a monitor, a baseline, batches of predictions, and a plain numpy recount of them.

The recount shares nothing with the service but the baseline's edges and names.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import (
    Baseline,
    Coded,
    GridKind,
    Monitor,
    Packed,
    Partial,
    PredictionBatch,
    Provenance,
    Report,
    Role,
)
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.fit import FitOptions, fit
from tests.support.service import CODEC
from tests.support.shell import PARTITIONS

MODEL: Final = "rides"
MINUTE: Final = 60_000
START: Final = 1_700_000_100_000
"""A multiple of five minutes."""
ZONES: Final = ("airport", "centre", "harbour", "north")
LENGTH: Final = 5 * MINUTE
TEXT: Final = """
model: rides
owner: taxis@example.com
windows: {pane: 60s, length: 5m, hop: 1m, grace: 10s, lateness: 10m, idle_timeout: 2s}
features:
  zone: {type: categorical}
"""


def monitor(more: str = "") -> Monitor:
    """Return the monitor, as published."""
    document = to_document(parse_monitor(TEXT + more, "rides.yaml"))
    return Monitor(model=MODEL, hash=monitor_hash(document), effective_from=0, document=document)


def baseline(rows: int = 20_000) -> Baseline:
    """Return the baseline of usual rides."""
    rng = np.random.default_rng(11)
    columns = Columns(
        model=MODEL,
        version="",
        role="PRIMARY",
        timestamps=np.full(rows, START, np.int64),
        numbers={"km": Numbers(rng.lognormal(1.0, 0.6, rows))},
        strings={"zone": Texts(ZONES, rng.integers(0, len(ZONES), rows).astype(np.int32))},
        segments={},
        score=Numbers(rng.beta(2, 5, rows)),
    )
    spec = parse_monitor(TEXT, "rides.yaml")
    return fit(columns, Provenance(dataset="rides", rows=rows, created_at=0), FitOptions(monitor=spec))


@dataclass
class Traffic:
    """Batches of rides, numbered as a publisher numbers them, and what a plain recount makes of them."""

    seed: int = 5
    km_factor: float = 1.0
    rows: int = 0
    kept: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._sequences: Counter[int] = Counter()
        self._rows: Counter[int] = Counter()

    def batch(self, partition: int, timestamps: NDArray[np.int64]) -> tuple[int, bytes]:
        """Return the partition's next message."""
        rows, rng = timestamps.size, self._rng
        km = rng.lognormal(1.0, 0.6, rows) * self.km_factor
        zones = rng.integers(0, len(ZONES), rows).astype(np.int32)
        scores = rng.beta(2, 5, rows)
        self.kept.append((timestamps, km, zones, scores))
        batch = PredictionBatch(
            model=MODEL,
            version="v1",
            role=Role.PRIMARY,
            producer=f"taxi-{self.seed}",
            sequence=self._sequences[partition],
            rows_before=self._rows[partition],
            dropped=0,
            rows=rows,
            timestamps=timestamps.astype("<i8").tobytes(),
            request_ids=rng.integers(0, 2**63, rows).astype("<u8").tobytes(),
            numbers={"km": Packed(values=km.astype("<f8").tobytes())},
            strings={"zone": Coded(dictionary=ZONES, codes=zones.astype("<i4").tobytes())},
            segments={},
            score=Packed(values=scores.astype("<f8").tobytes()),
            label=None,
            class_scores={},
            latency_ms=None,
            error=None,
            probe=None,
        )
        self._sequences[partition] += 1
        self._rows[partition] += rows
        self.rows += rows
        return partition, CODEC.encode(batch)

    def minutes(self, first: int, count: int, rows_a_minute: int, size: int = 500) -> list[tuple[int, bytes]]:
        """Return `count` minutes of rides over all partitions; rows are out of order by up to 40 s."""
        messages = []
        for minute in range(first, first + count):
            for i in range(max(1, rows_a_minute // size)):
                rows = min(size, rows_a_minute)
                jitter = self._rng.integers(-40_000, MINUTE, rows)
                times = np.maximum(START, START + minute * MINUTE + jitter)
                messages.append(self.batch((minute + i) % PARTITIONS, times))
        return messages

    def end(self, minute: int) -> list[tuple[int, bytes]]:
        """Return one ride a partition, so far on that whatever came before is closed and final."""
        return [self.batch(p, np.array([START + minute * MINUTE])) for p in range(PARTITIONS)]

    def recount(self, reference: Baseline) -> dict[int, NDArray[np.int64]]:
        """Return by pane the counts of km, zone and score, in the baseline's order."""
        times, km, zones, scores = (np.concatenate(column) for column in zip(*self.kept, strict=True))
        panes = times - times % MINUTE
        recounted = {}
        for pane in np.unique(panes):
            mine = panes == pane
            vectors = []
            for signal in reference.signals:
                if signal.grid is GridKind.CATEGORIES:
                    found = Counter(ZONES[code] for code in zones[mine])
                    vectors.append([*(found[name] for name in signal.categories), 0, 0, 0, 0])
                else:
                    values = km[mine] if signal.name == "km" else scores[mine]
                    assert signal.low is not None
                    assert signal.high is not None
                    bounds = [-np.inf, signal.low, *signal.edges, np.nextafter(signal.high, np.inf), np.inf]
                    inside = [((values >= a) & (values < b)).sum() for a, b in pairwise(bounds)]
                    vectors.append([*inside, 0, 0])
            recounted[int(pane)] = np.concatenate([np.array(v, np.int64) for v in vectors])
        return recounted

    def windows(self) -> dict[int, int]:
        """Return the rows of each window, by its start."""
        times = np.concatenate([column[0] for column in self.kept])
        found = Counter((times - times % MINUTE).tolist())
        starts = {pane - i * MINUTE for pane in found for i in range(LENGTH // MINUTE)}
        return {s: sum(n for pane, n in found.items() if s <= pane < s + LENGTH) for s in starts}


def counted(partials: list[object]) -> dict[int, NDArray[np.int64]]:
    """Return by pane the newest counts of every source, added up."""
    newest: dict[tuple[int, int], Partial] = {}
    for partial in partials:
        if isinstance(partial, Partial):
            known = newest.get((partial.source, partial.pane_start))
            assert known is None or partial.requests >= known.requests
            newest[partial.source, partial.pane_start] = partial
    total: dict[int, NDArray[np.int64]] = {}
    for (_, pane), partial in newest.items():
        total[pane] = total.get(pane, 0) + unpack_counts(partial.counts, partial.bins)
    return total


def check_reports(reports: list[Report], expected: dict[int, int]) -> None:
    """Each (window, revision) once, revisions without a hole, the last one final and with the right rows."""
    seen: dict[int, list[Report]] = {}
    for report in reports:
        if report.n:
            seen.setdefault(report.window_start, []).append(report)
    assert seen.keys() == expected.keys()
    for start, revisions in seen.items():
        told = [(r.revision, r.final) for r in revisions]
        assert told == [(i, i == len(told) - 1) for i in range(len(told))], (start, told)
        assert revisions[-1].n == expected[start]
