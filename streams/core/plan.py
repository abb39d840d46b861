"""A plan: one monitor and one baseline put together, ready to count and to compare.

Its hashes stand in the key of every cell, so that counts made under different baselines or
monitors never mix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np

from kedge.detectors.finding import Kind
from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid
from kedge.detectors.layout import Layout, RuleCounts
from kedge.detectors.reference import Reference
from kedge.schemas.monitor import Disclose, FeatureSpec, FeatureType, MonitorSpec, WindowSpec
from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import Baseline, GridKind, SignalBaseline, SignalKind

__all__ = ["KINDS", "OTHER_SEGMENT", "Plan", "PlanSignal", "grid_of", "make_plan"]

OTHER_SEGMENT: Final = "other"
"""Value of a segment key that is absent, or that the monitor does not list."""

KINDS: Final[Mapping[SignalKind, Kind]] = {
    SignalKind.FEATURE: "feature",
    SignalKind.SCORE: "score",
    SignalKind.LABEL: "label",
    SignalKind.CONFIDENCE: "confidence",
}


@dataclass(frozen=True, slots=True, eq=False)
class PlanSignal:
    """One watched signal and its place in the count vector."""

    index: int
    kind: Kind
    name: str
    grid: Grid
    where: slice
    feature: FeatureSpec | None
    rules: slice

    @property
    def disclose(self) -> Disclose:
        """What may be told of this signal's unseen categories."""
        return Disclose.FREQUENT if self.feature is None else self.feature.disclose


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What to count for one (model, version) from `effective_from` on. Equal only to itself."""

    monitor: MonitorSpec
    hashes: tuple[str, str]
    """Monitor's and baseline's; the latter is empty where there is no baseline."""
    signals: tuple[PlanSignal, ...]
    layout: Layout
    named: frozenset[str]
    """Features that the monitor or the baseline names."""
    references: Mapping[str, tuple[Reference, ...]]
    """By segment: each signal's reference. A segment that is absent here has none."""
    unfit: Mapping[str, str]
    """Features that the monitor names and the baseline cannot vouch for, and why."""

    @property
    def windows(self) -> WindowSpec:
        """How the model's event time is cut."""
        return self.monitor.windows

    @property
    def segments(self) -> Mapping[str, tuple[str, ...]]:
        """Segment key to the values that are told apart."""
        return self.monitor.segments

    def rules_of(self, signal: PlanSignal) -> RuleCounts:
        """Return what is counted for a signal's quality rules beyond its bins."""
        return self.layout.rules[signal.index]


def make_plan(monitor: MonitorSpec, hashes: tuple[str, str], baseline: Baseline | None) -> Plan:
    """Return the plan of a monitor and a baseline; without one there is nothing to bin by."""
    watched = [] if baseline is None else _watched(monitor, baseline)
    keys = [(KINDS[kept.kind], kept.name) for _, kept in watched]
    if len(set(keys)) < len(keys):
        raise ValueError("the baseline has a signal twice")
    grids: dict[tuple[str, str], Grid] = {key: grid_of(kept) for key, (_, kept) in zip(keys, watched, strict=True)}
    features = {key: monitor.feature(key[1]) for key in keys if key[0] == "feature"}
    layout = Layout.of(grids, {key: _rule_counts(spec) for key, spec in features.items()})
    signals = tuple(
        PlanSignal(
            index=i,
            kind=kind,
            name=name,
            grid=layout.grids[i],
            where=layout.slice(i),
            feature=features.get((kind, name)),
            rules=layout.rules_slice(i),
        )
        for i, (kind, name) in enumerate(keys)
    )
    in_baseline = {s.name for s in baseline.signals if s.kind is SignalKind.FEATURE} if baseline else set()
    return Plan(
        monitor=monitor,
        hashes=hashes,
        signals=signals,
        layout=layout,
        named=frozenset(in_baseline | set(monitor.features)),
        references={} if baseline is None else _references(baseline, watched, layout),
        unfit=_unfit(monitor, baseline, in_baseline),
    )


def grid_of(signal: SignalBaseline) -> Grid:
    """Return the grid of a baseline's signal."""
    match signal.grid:
        case GridKind.QUANTILES:
            low, high = signal.low, signal.high
            if low is None or high is None:
                raise ValueError(f"baseline signal {signal.name!r} has quantiles but no range")
            return QuantileGrid(signal.edges, low, high, signal.decision_edges)
        case GridKind.VALUES:
            return ValueGrid(signal.edges)
        case GridKind.CATEGORIES:
            return CategoryGrid(signal.categories, np.frombuffer(signal.rare, "<u8").astype(np.uint64))


def _watched(monitor: MonitorSpec, baseline: Baseline) -> list[tuple[int, SignalBaseline]]:
    """Signals of the baseline that are not switched off, with their place in it."""
    return [
        (i, signal)
        for i, signal in enumerate(baseline.signals)
        if signal.kind is SignalKind.FEATURE or monitor.signal(KINDS[signal.kind]).enabled
    ]


def _rule_counts(spec: FeatureSpec) -> RuleCounts:
    return RuleCounts(
        out_of_rule=spec.range is not None or spec.allowed is not None,
        distinct=spec.cardinality_max is not None,
    )


def _references(
    baseline: Baseline, watched: list[tuple[int, SignalBaseline]], layout: Layout
) -> Mapping[str, tuple[Reference, ...]]:
    grids = [grid_of(signal) for signal in baseline.signals]
    starts = list(accumulate((grid.size for grid in grids), initial=0))
    references = {}
    for segment in baseline.counts:
        counts = unpack_counts(segment.counts, starts[-1])
        references[segment.segment] = tuple(
            Reference(
                layout.grids[place],
                counts[starts[i] : starts[i + 1]],
                mean=signal.mean,
                std=signal.std,
            )
            for place, (i, signal) in enumerate(watched)
        )
    return references


def _unfit(monitor: MonitorSpec, baseline: Baseline | None, in_baseline: set[str]) -> Mapping[str, str]:
    """Features that cannot be judged, and why."""
    if baseline is None:
        return {}
    unfit = {name: "the baseline does not have this feature" for name in monitor.features if name not in in_baseline}
    for signal in baseline.signals:
        spec = monitor.features.get(signal.name)
        if signal.kind is SignalKind.FEATURE and spec is not None:
            kind = FeatureType.CATEGORICAL if signal.grid is GridKind.CATEGORIES else FeatureType.NUMERIC
            if spec.type is not kind:
                unfit[signal.name] = f"{spec.type} in the monitor, {kind} in the baseline"
    return unfit
