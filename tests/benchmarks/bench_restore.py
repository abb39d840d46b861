"""How long a partition is away when a worker takes it over after an hour of checkpoints, one a second.

A tally counts an hour of traffic (20 features, four segments) with a checkpoint a second, each of them one transaction
on the state topic of a real broker, as the worker writes them. Then a worker takes the partition over: the figure is
what it logs, from fencing the earlier owner to the last record restored.
"""

import re
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from confluent_kafka import Producer

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Baseline, Monitor, Provenance
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.fit import FitOptions, fit
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.tally import Tally
from kedge.streams.names import Agent, transactional_id
from tests.support.kafka import Broker
from tests.support.service import CODEC, MODELS, Service
from tests.support.shell import PARTITIONS

START: Final = 1_700_000_100_000
SECONDS: Final = 3_600
ROWS: Final = 50
REGIONS: Final = ("eu", "us", "asia", "africa")
TEXT: Final = "model: bench\nowner: o\nsegments: {region: [eu, us, asia]}\n"


def run() -> dict[str, float]:
    """Return seconds, records and megabytes."""
    catalog = Catalog()
    document = to_document(parse_monitor(TEXT, "bench.yaml"))
    monitor = Monitor(model="bench", hash=monitor_hash(document), effective_from=0, document=document)
    reference = _baseline()
    catalog.put_monitor(monitor)
    catalog.put_baseline(reference)
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        service = Service(broker, "bench-restore", Path(folder))
        service.open(monitor, reference)
        size = _write(service, catalog)
        worker = service.worker("bench")
        try:
            line = worker.says(r"tally 0: restored \d+ records in", timeout_s=120)
        finally:
            service.end()
    found = re.search(r"restored (\d+) records in ([\d.]+) s", line)
    if found is None:
        raise RuntimeError(line)
    return {
        "take_over_after_an_hour_s": float(found[2]),
        "records_restored": float(found[1]),
        "state_written_mb": size / 1e6,
    }


def _write(service: Service, catalog: Catalog) -> int:
    """Write an hour of checkpoints of partition 0; returns the bytes of their state."""
    topology = {"predictions": PARTITIONS, "outcomes": PARTITIONS, "partials": MODELS}
    tally = Tally(
        CoreConfig(environment=service.environment, partition=0, topology=topology, hash_key=b""), catalog, CODEC
    )
    producer = service.producer(**{"transactional.id": transactional_id(service.environment, Agent.TALLY, 0)})
    producer.init_transactions(30)
    size = 0
    for second in range(SECONDS):
        tally.count([_columns(ROWS, START + second * 1_000, seed=second)])
        size += _commit(service, producer, tally.snapshot(START + second * 1_000))
    return size


def _commit(service: Service, producer: Producer, checkpoint: Checkpoint | None) -> int:
    size = 0
    producer.begin_transaction()
    for write in () if checkpoint is None else checkpoint.writes:
        if write.topic == "state":
            producer.produce(service.topics.tally_state, write.value, key=write.key, partition=0)
            size += len(write.value or b"") + len(write.key)
    producer.commit_transaction(30)
    return size


def _columns(rows: int, start: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    return Columns(
        model="bench",
        version="v1",
        role="PRIMARY",
        timestamps=start + np.sort(rng.integers(0, 1_000, rows)),
        numbers={f"f{i}": Numbers(rng.lognormal(size=rows)) for i in range(20)},
        strings={},
        segments={"region": Texts(REGIONS, rng.integers(0, len(REGIONS), rows).astype(np.int32))},
    )


def _baseline() -> Baseline:
    spec = parse_monitor(TEXT, "bench.yaml")
    columns = _columns(20_000, START, seed=65_535)
    return fit(columns, Provenance(dataset="bench", rows=20_000, created_at=0), FitOptions(monitor=spec))


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:45} {value:14,.2f}")
