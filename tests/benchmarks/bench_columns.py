"""Predictions a second from Kafka to closed windows in one worker, against what the parts cost alone.

One worker of the service (`kedge worker`: Faust, transactions, all bookkeeping on) reads what lies in four partitions
of a real broker on the same machine: 20 numeric features a prediction, in batches of 500 or one by one. The figure is
taken from the first row counted to the last, by the clock of what a `read_committed` reader sees in `partials`; the run
is valid only if every row was counted and the windows closed.

Ceilings, in the same run and on the same messages: numpy `searchsorted` + `bincount` in memory with no Kafka at all,
and confluent-kafka + fastavro + numpy in a loop.
"""

import io
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from kedge.schemas.contracts import text_of
from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Baseline, Monitor, Packed, Partial, Prediction, PredictionBatch, Provenance, Role
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.fit import fit
from tests.support.kafka import Broker
from tests.support.service import CODEC, Outputs, Service
from tests.support.shell import PARTITIONS
from tests.support.waiting import wait_for

FEATURES: Final = 20
BATCH: Final = 500
ROWS: Final = 3_000_000
SINGLES: Final = 60_000
START: Final = 1_700_000_100_000
ROWS_A_MINUTE: Final = 200_000
HEAD: Final = 10
"""Bytes of a single-object frame's head."""


def run() -> dict[str, float]:
    """Return rows a second and ratios."""
    reference = _baseline()
    messages = _batches(ROWS)
    figures = {"numpy_in_memory_rows_per_s": _numpy(reference)}
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        figures["confluent_fastavro_numpy_rows_per_s"], figures["columns_rows_per_s"] = _through(
            broker, Path(folder), "columns", reference, messages
        )
        figures["singles_ceiling_rows_per_s"], figures["singles_rows_per_s"] = _through(
            broker, Path(folder), "singles", reference, _singles(SINGLES)
        )
    figures["columns_over_numpy"] = figures["columns_rows_per_s"] / figures["numpy_in_memory_rows_per_s"]
    figures["columns_over_confluent"] = figures["columns_rows_per_s"] / figures["confluent_fastavro_numpy_rows_per_s"]
    figures["singles_over_ceiling"] = figures["singles_rows_per_s"] / figures["singles_ceiling_rows_per_s"]
    return figures


def _through(
    broker: Broker, folder: Path, name: str, reference: Baseline, messages: Sequence[tuple[int, bytes, int]]
) -> tuple[float, float]:
    """Send everything, then measure the plain loop and the worker over it."""
    service = Service(broker, f"bench-{name}", folder)
    service.open(_monitor(), reference)
    rows = sum(count for _, _, count in messages)
    service.send([(partition, data) for partition, data, _ in messages])
    ceiling = rows / _plain_loop(service, reference, len(messages), single=name == "singles")
    outputs = Outputs(service, "partials", "reports")
    worker = service.worker("bench", KEDGE_CHECKPOINT_SECONDS="1")
    try:
        seconds = _seconds(outputs, rows)
        wait_for(lambda: outputs.read("reports"), "a closed window", timeout_s=60)
        if worker.end():
            raise RuntimeError(f"the worker failed: {worker.messages()[-3:]}")
    finally:
        service.end()
    return ceiling, seconds


def _seconds(outputs: Outputs, rows: int) -> float:
    """Rows a second between the first and the last checkpoint that counted rows."""
    newest: dict[tuple[int, int, str], int] = {}
    seen, first = 0, (0.0, 0)

    def counted() -> bool:
        nonlocal seen, first
        partials = outputs.read("partials")
        for partial in partials[seen:]:
            if isinstance(partial, Partial) and not partial.segment:
                newest[partial.source, partial.pane_start, partial.version] = partial.requests
        seen = len(partials)
        total = sum(newest.values())
        if total and not first[1]:
            first = (time.monotonic(), total)
        return total >= rows

    wait_for(counted, f"{rows} rows", timeout_s=240, poll_s=0.02)
    if sum(newest.values()) != rows:
        raise RuntimeError(f"{sum(newest.values())} rows counted, {rows} sent")
    began, before = first
    return (rows - before) / max(time.monotonic() - began, 1e-9)


def _plain_loop(service: Service, reference: Baseline, messages: int, *, single: bool) -> float:
    """Seconds that confluent-kafka, fastavro and numpy take for the same messages and the same bins."""
    name = "Prediction" if single else "PredictionBatch"
    schema = fastavro.parse_schema(json.loads(text_of(name)))
    edges = [np.array(signal.edges) for signal in reference.signals]
    consumer = Consumer(
        {"bootstrap.servers": service.broker.bootstrap, "group.id": "ceiling", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(service.topics.predictions, p, 0) for p in range(PARTITIONS)])
    counts = [np.zeros(e.size + 1, np.int64) for e in edges]
    read, began = 0, time.monotonic()
    while read < messages:
        found = consumer.consume(200, 5)
        read += len(found)
        values = [
            fastavro.schemaless_reader(io.BytesIO((m.value() or b"")[HEAD:]), schema, None)
            for m in found
            if m.error() is None
        ]
        for i, signal in enumerate(reference.signals):
            column = _column(values, signal.name, single=single)
            counts[i] += np.bincount(np.searchsorted(edges[i], column, side="right"), minlength=edges[i].size + 1)
    seconds = time.monotonic() - began
    consumer.close()
    return seconds


def _column(values: list[Any], name: str, *, single: bool) -> np.ndarray[Any, np.dtype[np.float64]]:
    if single:
        return np.array([value["features"][name] for value in values])
    return np.frombuffer(b"".join([value["numbers"][name]["values"] for value in values]), "<f8")


def _numpy(reference: Baseline) -> float:
    """Rows a second of `searchsorted` and `bincount` over columns that lie in memory."""
    rng = np.random.default_rng(2)
    chunk = 50_000
    columns = [rng.lognormal(size=chunk) for _ in range(FEATURES)]
    edges = [np.array(signal.edges) for signal in reference.signals]
    repeats = 20
    began = time.monotonic()
    for _ in range(repeats):
        for column, bounds in zip(columns, edges, strict=True):
            np.bincount(np.searchsorted(bounds, column, side="right"), minlength=bounds.size + 1)
    return repeats * chunk / (time.monotonic() - began)


def _monitor() -> Monitor:
    text = "model: bench\nowner: o\nwindows: {pane: 60s, length: 5m, hop: 1m, grace: 1s, idle_timeout: 2s}\n"
    document = to_document(parse_monitor(text, "bench.yaml"))
    return Monitor(model="bench", hash=monitor_hash(document), effective_from=0, document=document)


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
    )
    return fit(columns, Provenance(dataset="bench", rows=rows, created_at=0))


def _batches(rows: int) -> list[tuple[int, bytes, int]]:
    """(partition, message, rows): batches of 500, in order of time over all partitions."""
    rng = np.random.default_rng(3)
    sequences, sent = [0] * PARTITIONS, [0] * PARTITIONS
    empty = PredictionBatch(
        model="bench", version="v1", role=Role.PRIMARY, producer="p", sequence=0, rows_before=0, dropped=0, rows=BATCH,
        timestamps=b"", request_ids=rng.integers(0, 2**63, BATCH).astype("<u8").tobytes(), numbers={}, strings={},
        segments={}, score=None, label=None, class_scores={}, latency_ms=None, error=None, probe=None,
    )  # fmt: skip
    # A pool of columns: what is measured is reading them, not drawing them.
    pool = [Packed(values=rng.lognormal(size=BATCH).astype("<f8").tobytes()) for _ in range(400)]
    messages = []
    for i in range(rows // BATCH):
        partition = i % PARTITIONS
        times = START + (i * BATCH + np.arange(BATCH)) * 60_000 // ROWS_A_MINUTE
        batch = replace(
            empty,
            sequence=sequences[partition],
            rows_before=sent[partition],
            timestamps=times.astype("<i8").tobytes(),
            numbers={f"f{f}": pool[(i * 7 + f * 13) % len(pool)] for f in range(FEATURES)},
            latency_ms=pool[i % len(pool)],
        )
        sequences[partition] += 1
        sent[partition] += BATCH
        messages.append((partition, CODEC.encode(batch), BATCH))
    return messages


def _singles(rows: int) -> list[tuple[int, bytes, int]]:
    """(partition, message, 1): single events with 20 features."""
    rng = np.random.default_rng(4)
    features = rng.lognormal(size=(1_000, FEATURES))
    messages = []
    for i in range(rows):
        event = Prediction(
            event_id=f"e{i}", request_id=f"r{i}", model="bench", version="v1", role=Role.PRIMARY,
            timestamp=START + i * 10, segment={}, score=None, label=None, class_scores={}, latency_ms=3.0, error=None,
            features={f"f{f}": float(features[i % 1_000, f]) for f in range(FEATURES)}, probe=False, shadows=(),
        )  # fmt: skip
        messages.append((partition_for(event.request_id.encode(), PARTITIONS), CODEC.encode(event), 1))
    return messages


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:45} {value:14,.2f}")
