"""Detectors on sequences: fed once with every pane, or with what came of a window, and told in decision windows.

An alarm counts for its window and the `breaches - 1` after it, so that one alarm lasts as long as the policy wants a
drift to last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from kedge.detectors.compare import Comparison
from kedge.detectors.finding import Finding
from kedge.detectors.grids import QuantileGrid, ValueGrid
from kedge.detectors.verdict import Cause, Verdict
from kedge.schemas.monitor import MonitorSpec, SequentialSpec
from kedge.schemas.records import Role, SequentialState
from kedge.streams.core.catalog import ActiveMonitor, Catalog
from kedge.streams.core.cells import Cell
from kedge.streams.core.judge_model import ModelWindows, Window
from kedge.streams.core.panes import is_decision_window
from kedge.streams.core.plan import Plan
from kedge.streams.core.versions_state import DAY_MS, VersionStream
from kedge.streams.core.versions_store import VersionsStore
from kedge.streams.core.windows import Due

if TYPE_CHECKING:
    from kedge.detectors import sequential

__all__ = ["ERRORS", "SCORE", "Sequences", "score_mean"]

SCORE: Final = "score"
ERRORS: Final = "errors"
"""What is followed besides outcomes, which go by their names."""


class Sequences:
    """The detectors of one judge's versions."""

    def __init__(self, catalog: Catalog, store: VersionsStore) -> None:
        self._catalog = catalog
        self._store = store
        self._running: dict[tuple[str, ...], sequential.Sequence] = {}

    def findings(self, model: ModelWindows, due: Due) -> list[Finding]:
        """Return what the detectors say of a window; each is fed when the window is told for the first time."""
        window, content = due.window, due.content
        active = self._catalog.monitor_at(model.model, window.start)
        if content is None or active is None or not _is_followed(window, active.spec):
            return []
        stream = self._store.stream(model.model, window.version, window.role)
        if stream is None:
            return []
        found = []
        for spec in active.spec.sequential:
            if spec.signal in {SCORE, ERRORS}:
                values = _pane_values(self._catalog, model, window, spec.signal)
                self._feed(stream, active, spec, (window.end, window.end), values)
            state = _state(stream, active, spec)
            if state is not None:
                found.append(_finding(spec, state, active.spec, window, content.cell))
        return found

    def feed_outcome(
        self, stream: VersionStream, active: ActiveMonitor, outcome: str, rate: float, ends: tuple[int, int]
    ) -> None:
        """Feed what came of a window; `ends`: of that window, and of the window in which an alarm can be told."""
        for spec in active.spec.sequential:
            if spec.signal == outcome and stream.role != Role.SHADOW:
                self._feed(stream, active, spec, ends, [rate])

    def _feed(
        self,
        stream: VersionStream,
        active: ActiveMonitor,
        spec: SequentialSpec,
        ends: tuple[int, int],
        values: Iterable[float],
    ) -> None:
        end, told_in = ends
        state = _state(stream, active, spec) or SequentialState(
            detector=spec.detector.value,
            signal=spec.signal,
            monitor=active.hash,
            series=(),
            fed_through=0,
            warm_from=0,
            alarms=(),
        )
        if state.fed_through >= end:
            return
        running = self._taken_up(stream, spec, state)
        alarms = [running.update(value) for value in values]
        warm = any(alarms) or running.warmed
        # As far back as a window may be amended.
        oldest = end - DAY_MS - active.spec.windows.lateness_ms
        kept = tuple(alarm for alarm in state.alarms if alarm > oldest)
        stream.sequences[spec.detector.value, spec.signal] = replace(
            state,
            series=running.state.series,
            fed_through=end,
            warm_from=state.warm_from or (told_in if warm else 0),
            alarms=(*kept, told_in) if any(alarms) else kept,
        )
        self._store.touch(stream)

    def _taken_up(self, stream: VersionStream, spec: SequentialSpec, state: SequentialState) -> "sequential.Sequence":
        """Return the running detector; one that does not stand where the state does is made anew from it."""
        # river takes a second to import, and few monitors ask for it.
        from kedge.detectors import sequential  # noqa: PLC0415

        key = (stream.model, stream.version, stream.role, state.monitor, state.detector, state.signal)
        running = self._running.get(key)
        if running is None or running.state.series != state.series:
            asked = sequential.DetectorSpec(
                kind=sequential.SequentialKind(spec.detector.value),
                delta=spec.delta,
                threshold=spec.threshold,
                alpha=spec.alpha,
            )
            running = self._running[key] = sequential.Sequence(asked, sequential.SequentialState(state.series))
        return running


def score_mean(plan: Plan, cell: Cell) -> float | None:
    """Return the mean of a cell's scores by their bins: each stands at its middle, the outer ones at their edge."""
    for signal in plan.signals:
        if signal.kind == SCORE:
            counts = cell.counts[signal.where]
            match signal.grid:
                case QuantileGrid(positions=positions):
                    ends = np.concatenate((positions[:1], positions, positions[-1:]))
                    return _mean((ends[1:] + ends[:-1]) / 2, counts[: positions.size + 1])
                case ValueGrid(positions=positions):
                    return _mean(positions, counts[: positions.size])
                case _:
                    return None
    return None


def _mean(values: "np.typing.NDArray[np.float64]", counts: "np.typing.NDArray[np.int64]") -> float | None:
    rows = int(counts.sum())
    return float(values @ counts) / rows if rows else None


def _is_followed(window: Window, spec: MonitorSpec) -> bool:
    whole = not window.segment and window.role != Role.SHADOW
    return whole and bool(spec.sequential) and is_decision_window(window.start, window.end, spec.windows)


def _state(stream: VersionStream, active: ActiveMonitor, spec: SequentialSpec) -> SequentialState | None:
    state = stream.sequences.get((spec.detector.value, spec.signal))
    return state if state is not None and state.monitor == active.hash else None


def _pane_values(catalog: Catalog, model: ModelWindows, window: Window, signal: str) -> Iterator[float]:
    """Yield a signal's value in each of the window's panes that has one, in order of time."""
    for pane in sorted(pane for pane in model.pieces if window.start <= pane < window.end):
        cells: dict[tuple[str, str], Cell] = {}
        for key, piece in model.pieces[pane].items():
            if (key.cell.version, key.cell.role, key.cell.segment) == (window.version, window.role, ""):
                plan = (key.cell.monitor, key.cell.baseline)
                if plan in cells:
                    cells[plan].merge(Cell.of(piece))
                else:
                    cells[plan] = Cell.of(piece)
        for hashes in sorted(cells):
            value = _value(catalog.plan(*hashes), cells[hashes], signal)
            if value is not None:
                yield value


def _value(plan: Plan | None, cell: Cell, signal: str) -> float | None:
    if signal == ERRORS:
        return cell.errors / cell.requests if cell.requests else None
    return None if plan is None or plan.layout.size != cell.counts.size else score_mean(plan, cell)


def _finding(spec: SequentialSpec, state: SequentialState, monitor: MonitorSpec, window: Window, cell: Cell) -> Finding:
    verdict, reason = _verdict(spec, state, monitor, window)
    return Finding(
        signal=f"{spec.signal}:{spec.detector.value}",
        kind="sequential",
        verdict=verdict,
        cause=Cause.UNKNOWN if verdict is Verdict.DRIFTED else Cause.NONE,
        reason=reason,
        comparison=Comparison(n=cell.requests, n_eff=cell.requests / (monitor.design_effect or 1.0)),
    )


def _verdict(spec: SequentialSpec, state: SequentialState, monitor: MonitorSpec, window: Window) -> tuple[Verdict, str]:
    if not 0 < state.warm_from <= window.end:
        return Verdict.INSUFFICIENT, f"{spec.detector} has not seen enough of {spec.signal} yet"
    lasts = (monitor.policy.breaches - 1) * monitor.windows.length_ms
    if any(alarm <= window.end <= alarm + lasts for alarm in state.alarms):
        return Verdict.DRIFTED, f"{spec.detector}: {spec.signal} has changed"
    return Verdict.STABLE, f"{spec.detector}: no change of {spec.signal}"
