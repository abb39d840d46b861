"""What following requests costs: answers a second with and without, and memory and state of what waits.

One tally in memory, no Kafka: batches of 500 answers of a primary and of its shadow with 20 features each, and outcomes
one by one. Nothing is sampled: there is room for all of it, so that every answer is followed and every pair counted.
"""

import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kedge.schemas.hashing import id_hash
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Baseline, Monitor, Outcome, Packed, PredictionBatch, Provenance, Role
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.fit import fit
from kedge.streams.core.tally import Tally
from tests.support.service import CODEC

FEATURES: Final = 20
BATCH: Final = 500
REQUESTS: Final = 40_000
OUTCOMES: Final = 10_000
START: Final = 1_700_000_100_000
JOINS: Final = "comparison: {join_horizon: 1h}\noutcomes: {click: {type: binary}}\n"


@dataclass(frozen=True, slots=True)
class Rec:
    """A record of a log."""

    topic: str
    offset: int
    value: bytes
    timestamp: int = START + 60_000
    partition: int = 0
    key: bytes | None = None


def run() -> dict[str, float]:
    """Return rates, ratios and bytes."""
    reference = _baseline()
    answers, outcomes = _answers(), _outcomes()
    rows = 2 * REQUESTS
    plain = _seconds(_tally("", reference), answers)
    following = _tally(JOINS, reference)
    followed, joined = _seconds(following, answers), _seconds(following, outcomes, 500)
    facts = sum(o.value for o in following.drain() if o.name == "join_facts")
    checkpoint = following.snapshot(START)
    written = () if checkpoint is None else checkpoint.writes
    return {
        "plain_answers_per_s": rows / plain,
        "followed_answers_per_s": rows / followed,
        "join_us_per_answer": 1e6 * (followed - plain) / rows,
        "outcomes_per_s": OUTCOMES / joined,
        "facts": facts,
        "memory_bytes_per_fact": _memory(reference, answers[: len(answers) // 4]),
        "state_bytes_per_fact": sum(len(w.value or b"") for w in written if w.key.startswith(b"fact")) / facts,
    }


def _seconds(tally: Tally, records: Sequence[Rec], at_once: int = 16) -> float:
    began = time.perf_counter()
    for first in range(0, len(records), at_once):
        tally.fold(records[first : first + at_once], START)
    return time.perf_counter() - began


def _memory(reference: Baseline, records: Sequence[Rec]) -> float:
    """Bytes that a fact holds on to, buffer and counts together."""
    tally = _tally(JOINS, reference)
    tally.fold(records[:2], START)
    tracemalloc.start()
    try:
        tally.fold(records[2:], START)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return held / ((len(records) - 2) * BATCH)


def _tally(text: str, reference: Baseline) -> Tally:
    catalog = Catalog()
    document = to_document(parse_monitor(f"model: bench\nowner: o\n{text}", "bench.yaml"))
    catalog.put_monitor(Monitor(model="bench", hash=monitor_hash(document), effective_from=0, document=document))
    catalog.put_baseline(reference)
    topology = {"predictions": 1, "outcomes": 1, "partials": 1}
    return Tally(CoreConfig(environment="bench", partition=0, topology=topology, hash_key=b"k"), catalog, CODEC)


def _baseline(rows: int = 50_000) -> Baseline:
    rng = np.random.default_rng(1)
    columns = Columns(
        model="bench",
        version="",
        role="PRIMARY",
        timestamps=np.full(rows, START, np.int64),
        numbers={f"f{i}": Numbers(rng.lognormal(size=rows)) for i in range(FEATURES)},
        strings={},
        segments={},
        score=Numbers(rng.random(rows)),
    )
    return fit(columns, Provenance(dataset="bench", rows=rows, created_at=0))


def _answers() -> list[Rec]:
    """Primary and shadow in turns, the same requests."""
    rng = np.random.default_rng(3)
    pool = [Packed(values=rng.lognormal(size=BATCH).astype("<f8").tobytes()) for _ in range(100)]
    records: list[Rec] = []
    for i in range(REQUESTS // BATCH):
        ids = np.array([id_hash(f"r{i * BATCH + k}") for k in range(BATCH)], "<u8").tobytes()
        for version, role in (("v1", Role.PRIMARY), ("v2", Role.SHADOW)):
            batch = PredictionBatch(
                model="bench",
                version=version,
                role=role,
                producer=version,
                sequence=i,
                rows_before=i * BATCH,
                dropped=0,
                rows=BATCH,
                timestamps=(START + np.arange(BATCH)).astype("<i8").tobytes(),
                request_ids=ids,
                numbers={f"f{f}": pool[(i * 7 + f * 13) % len(pool)] for f in range(FEATURES)},
                strings={},
                segments={},
                score=Packed(values=rng.random(BATCH).astype("<f8").tobytes()),
                latency_ms=pool[i % len(pool)],
            )
            records.append(Rec("predictions", len(records), CODEC.encode(batch)))
    return records


def _outcomes() -> list[Rec]:
    return [
        Rec(
            "outcomes",
            i,
            CODEC.encode(
                Outcome(request_id=f"r{i}", model="bench", kind="click", timestamp=START + 1_000, observed=float(i % 2))
            ),
        )
        for i in range(OUTCOMES)
    ]


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:30} {value:14,.2f}")
