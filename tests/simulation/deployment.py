"""The cores that production runs, set up for the simulated models: nothing here stands in for anything."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import id_hash
from kedge.schemas.monitor import (
    ComparisonSpec,
    FeatureSpec,
    FeatureType,
    MonitorSpec,
    OutcomeSpec,
    PolicySpec,
    WindowSpec,
    monitor_hash,
    to_document,
)
from kedge.schemas.packed import pack_counts
from kedge.schemas.records import (
    Baseline,
    GridKind,
    Monitor,
    Provenance,
    SegmentCounts,
    SignalBaseline,
    SignalKind,
)
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guard import Guard
from kedge.streams.core.instructions import Core
from kedge.streams.core.judge import Judge
from kedge.streams.core.tally import Tally
from tests.simulation.events import AMOUNT, CLICK, KIND, REGION, Row
from tests.simulation.log import Log
from tests.simulation.setting import ENVIRONMENT, HIGH, LOW, NAMED, RARE, SEGMENT_VALUES, TOLERANCE, WATCHED, Watched
from tests.simulation.traffic import AMOUNTS, USUAL_KINDS
from tests.support.means import guard_means

HASH_KEY: Final = b"simulation"
TOPICS: Final = ("predictions", "outcomes", "partials", "reports")
CODEC: Final = Codec()


def _guard(config: CoreConfig, catalog: Catalog, codec: Codec) -> Core:
    return Guard(config, catalog, codec, guard_means())


CORES: Final[Mapping[str, Callable[[CoreConfig, Catalog, Codec], Core]]] = MappingProxyType(
    {"tally": Tally, "judge": Judge, "guard": _guard}
)


@cache
def make_catalog() -> Catalog:
    """Return the monitors and baselines of the watched models; nobody writes to it any more."""
    catalog = Catalog()
    for watched in WATCHED:
        monitor, baseline = _monitor(watched), _baseline(watched)
        catalog.put_monitor(monitor)
        catalog.put_baseline(baseline)
    return catalog


def hashes_of(watched: Watched) -> tuple[str, str]:
    """Return the hashes of the monitor and the baseline that act."""
    return _monitor(watched).hash, _baseline(watched).hash


def make_core(agent: str, partition: int, log: Log) -> Core:
    """Return a fresh core of an agent, as a worker makes one when it takes a partition."""
    return CORES[agent](make_config(partition, log), make_catalog(), CODEC)


def make_config(partition: int, log: Log) -> CoreConfig:
    """Return what a core is told of its place."""
    topology = {topic: len(log.topics[topic]) for topic in TOPICS}
    return CoreConfig(environment=ENVIRONMENT, partition=partition, topology=topology, hash_key=HASH_KEY)


@cache
def _monitor(watched: Watched) -> Monitor:
    spec = MonitorSpec(
        model=watched.model,
        owner="nobody",
        features={AMOUNT: FeatureSpec(), KIND: FeatureSpec(type=FeatureType.CATEGORICAL)},
        segments={REGION: SEGMENT_VALUES},
        windows=WindowSpec(
            pane_ms=watched.pane_ms,
            length_ms=watched.length_ms,
            hop_ms=watched.hop_ms,
            grace_ms=watched.grace_ms,
            lateness_ms=watched.lateness_ms,
            idle_timeout_ms=5_000,
        ),
        policy=PolicySpec(n_eff_min=20.0, completeness_min=0.2),
        resolve_after=2,
        comparison=ComparisonSpec(tolerance=TOLERANCE, join_horizon_ms=watched.horizon_ms),
        outcomes={CLICK: OutcomeSpec(delay_ms=watched.horizon_ms)},
    )
    document = to_document(spec)
    return Monitor(model=watched.model, hash=monitor_hash(document), effective_from=watched.since, document=document)


@cache
def _baseline(watched: Watched) -> Baseline:
    amount = SignalBaseline(
        name=AMOUNT,
        kind=SignalKind.FEATURE,
        grid=GridKind.QUANTILES,
        edges=watched.edges,
        low=LOW,
        high=HIGH,
        decision_edges=tuple(range(len(watched.edges))),
        categories=(),
        rare=b"",
        mean=25.0,
        std=20.0,
    )
    kind = SignalBaseline(
        name=KIND,
        kind=SignalKind.FEATURE,
        grid=GridKind.CATEGORIES,
        edges=(),
        decision_edges=(),
        categories=NAMED,
        rare=id_hash(RARE).to_bytes(8, "little"),
    )
    rows = [Row(0, amount, kind, None, failed=False, probe=False) for amount in AMOUNTS for kind in USUAL_KINDS]
    bins = Counter(place for row in rows for place in watched.bins_of(row))
    counts = pack_counts(np.array([bins[place] for place in range(watched.bins)], np.int64))
    segments = ("", *(f"{REGION}={value}" for value in (*SEGMENT_VALUES, "other")))
    return Baseline(
        model=watched.model,
        version="",
        hash=f"{watched.model} from {watched.since} by {len(watched.edges)} edges",
        effective_from=watched.since,
        provenance=Provenance(dataset="simulated", rows=len(rows), created_at=0),
        signals=(amount, kind),
        counts=tuple(SegmentCounts(segment=segment, rows=len(rows), counts=counts) for segment in segments),
    )
