"""Monitors and baselines by when they act, and the plans made of them.

Every worker holds all of them. A row is counted by the plan that acts at its own event time, so
that two workers, or one that restarts, cut at the same place.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from kedge.schemas.monitor import MonitorSpec, parse_monitor
from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import Baseline, Monitor
from kedge.streams.core.columns import Columns
from kedge.streams.core.plan import Plan, grid_of, make_plan

__all__ = ["ActiveMonitor", "Catalog"]

_effective_from = attrgetter("effective_from")
R = TypeVar("R", Monitor, Baseline)


@dataclass(frozen=True, slots=True)
class ActiveMonitor:
    """A monitor and the event time it acts in, from (inclusive) and to (exclusive; None: open)."""

    spec: MonitorSpec
    hash: str
    effective_from: int
    effective_to: int | None


class Catalog:
    """All monitors and baselines that were read; thread-safe to read while one thread puts."""

    def __init__(self) -> None:
        self._monitors: dict[str, tuple[Monitor, ...]] = {}
        self._baselines: dict[tuple[str, str], tuple[Baseline, ...]] = {}
        self._specs: dict[str, MonitorSpec] = {}
        self._contents: dict[str, Baseline] = {}
        self._plans: dict[tuple[str, str], Plan] = {}

    def put_monitor(self, monitor: Monitor) -> None:
        """Enter a monitor; one of the same model and `effective_from` is replaced.

        Raises:
            MonitorError: its document cannot be read.
            ValueError: the document is another model's.
        """
        spec = parse_monitor(monitor.document, monitor.model)
        if spec.model != monitor.model:
            raise ValueError(f"the monitor of {monitor.model!r} holds a document of {spec.model!r}")
        self._specs[monitor.hash] = spec
        known = self._monitors.get(monitor.model, ())
        self._monitors[monitor.model] = _entered(known, monitor)

    def put_baseline(self, baseline: Baseline) -> None:
        """Enter a baseline; one of the same model, version and `effective_from` is replaced.

        Raises:
            ValueError, UndecodableError: its grids or counts are not what they must be.
        """
        bins = sum(grid_of(signal).size for signal in baseline.signals)
        for segment in baseline.counts:
            unpack_counts(segment.counts, bins)
        self._contents[baseline.hash] = baseline
        key = (baseline.model, baseline.version)
        self._baselines[key] = _entered(self._baselines.get(key, ()), baseline)

    def knows(self, model: str) -> bool:
        """Return whether somebody monitors this model."""
        return model in self._monitors

    def models(self) -> tuple[str, ...]:
        """Return the monitored models, sorted."""
        return tuple(sorted(self._monitors))

    def monitor_at(self, model: str, timestamp: int) -> ActiveMonitor | None:
        """Return the monitor that acts at an event time; None: none yet."""
        monitors = self._monitors.get(model, ())
        index = bisect_right(monitors, timestamp, key=_effective_from) - 1
        if index < 0:
            return None
        after = monitors[index + 1].effective_from if index + 1 < len(monitors) else None
        found = monitors[index]
        return ActiveMonitor(self._specs[found.hash], found.hash, found.effective_from, after)

    def spec(self, monitor_hash: str) -> MonitorSpec | None:
        """Return a monitor by its hash."""
        return self._specs.get(monitor_hash)

    def plan_at(self, model: str, version: str, timestamp: int) -> Plan | None:
        """Return what to count a row of this time by; None: nobody monitors it (yet)."""
        active = self.monitor_at(model, timestamp)
        if active is None:
            return None
        baseline = _acting(self._baselines.get((model, version), ()), timestamp)
        baseline = baseline or _acting(self._baselines.get((model, ""), ()), timestamp)
        return self.plan(active.hash, "" if baseline is None else baseline.hash)

    def plan(self, monitor_hash: str, baseline_hash: str) -> Plan | None:
        """Return a plan by its hashes; None where one of them was never read."""
        key = (monitor_hash, baseline_hash)
        plan = self._plans.get(key)
        if plan is None and monitor_hash in self._specs:
            baseline = self._contents.get(baseline_hash)
            if baseline is None and baseline_hash:
                return None
            plan = self._plans.setdefault(key, make_plan(self._specs[monitor_hash], key, baseline))
        return plan

    def split(self, columns: Columns) -> Iterator[tuple[Plan | None, Columns]]:
        """Yield the rows by the plan that acts at their time; nearly always all by one."""
        model, version = columns.model, columns.version
        first, last = int(columns.timestamps.min()), int(columns.timestamps.max())
        bounds = [
            record.effective_from
            for records in (
                self._monitors.get(model, ()),
                self._baselines.get((model, version), ()),
                self._baselines.get((model, ""), ()),
            )
            for record in records
            if first < record.effective_from <= last
        ]
        rest = columns
        for bound in sorted(set(bounds)):
            before = rest.timestamps < bound
            part = rest.take(before)
            if part.rows:
                yield self.plan_at(model, version, int(part.timestamps.min())), part
            rest = rest.take(~before)
        yield self.plan_at(model, version, int(rest.timestamps.min())), rest


def _entered(known: tuple[R, ...], record: R) -> tuple[R, ...]:
    kept = [r for r in known if r.effective_from != record.effective_from]
    insort(kept, record, key=_effective_from)
    return tuple(kept)


def _acting(baselines: tuple[Baseline, ...], timestamp: int) -> Baseline | None:
    index = bisect_right(baselines, timestamp, key=_effective_from) - 1
    return baselines[index] if index >= 0 else None
