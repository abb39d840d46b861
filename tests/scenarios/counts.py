"""Traffic of millions as counts: what tallies would tell the judge of a window, drawn and not counted row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.detectors import latency
from kedge.detectors.outcomes import NO_LABEL, OutcomeColumns, OutcomeLayout, count_outcomes
from kedge.detectors.pairs import PairColumns, count_pairs
from kedge.schemas.records import JoinKind, ModelProgress, Progress, Role
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.join_cells import JoinCell, JoinKey
from kedge.streams.core.join_layouts import outcome_layout, pair_layout
from kedge.streams.core.plan import Plan, PlanSignal
from tests.scenarios.driver import World
from tests.streams.core.made import CODEC

__all__ = ["PER_DAY", "Masses", "Share"]

PER_DAY: Final = 10_000_000
"""Requests."""
_DAY_MS: Final = 86_400_000
_DRAWN: Final = 200_000
_PAIRS: Final = 2_000
"""Requests of a window that are followed by pairs."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one version answers of a day's traffic, and how."""

    version: str = "v1"
    role: Role = Role.PRIMARY
    of_traffic: float = 1.0
    clicks: float = 0.05
    """Click-through rate."""
    age: float = 0.0
    """Shift of the feature, in standard deviations."""
    apart: float = 0.0
    """Of a shadow: share of pairs that disagree."""


class Masses:
    """Plays windows of a world in counts."""

    def __init__(self, world: World, seed: int = 1) -> None:
        self.world = world
        self._rng = np.random.default_rng(seed)
        self._shares: dict[tuple[int, float], NDArray[np.float64]] = {}

    def play(self, windows: int, *shares: Share) -> list[str]:
        """Let so many windows pass; each is reported as it ends. Returns what was told meanwhile."""
        world, before = self.world, len(self.world.story)
        for _ in range(windows):
            start = world.counted_to
            world.counted_to += world.length
            world.wait(world.counted_to - world.now)
            world.count(*(value for share in shares for value in self._values(share, start)), self._progress())
        return world.story[before:]

    def _progress(self) -> bytes:
        # A window's outcomes are due with the next one; its end has been passed.
        time = self.world.counted_to
        model = ModelProgress(model="m", max_timestamp=time, watermark=time, last_appended=time)
        return CODEC.encode(Progress(source=0, sources=1, read_through=time, at_end=False, models=(model,)))

    def _values(self, share: Share, start: int) -> Sequence[bytes]:
        plan = self.world.catalog.plan_at("m", share.version, start)
        assert plan is not None
        rows = round(PER_DAY * share.of_traffic * self.world.length / _DAY_MS)
        values = [self._rows(plan, share, start, rows), self._clicks(plan, share, start, rows)]
        return values if share.role is not Role.SHADOW else [*values, self._pairs(plan, share, start)]

    def _rows(self, plan: Plan, share: Share, start: int, rows: int) -> bytes:
        key = CellKey("m", share.version, share.role.value, "", *plan.hashes, start)
        cell = Cell(self.world.length, np.zeros(plan.layout.size, np.int64))
        for signal in plan.signals:
            cell.counts[signal.where] = self._rng.multinomial(rows, self._usual(plan, signal, share))
        cell.latency[int(latency.bins(np.array([20.0]))[0])] = rows
        cell.requests = rows
        return CODEC.encode(cell.partial(key, 0, 0))

    def _usual(self, plan: Plan, signal: PlanSignal, share: Share) -> NDArray[np.float64]:
        """Each bin's share of the rows."""
        shift = share.age if signal.name == "age" else 0.0
        found = self._shares.get((signal.index, shift))
        if found is None:
            reference = plan.references[""][signal.index]
            found = reference.counts / reference.n
            if shift:
                bins = signal.grid.bins(self._rng.normal(40.0 + 10.0 * shift, 10.0, _DRAWN))  # type: ignore[union-attr] # a number's
                found = np.bincount(bins, minlength=signal.grid.size) / _DRAWN
            self._shares[signal.index, shift] = found
        return found

    def _clicks(self, plan: Plan, share: Share, start: int, rows: int) -> bytes:
        layout = outcome_layout(plan.monitor.outcomes["click"])
        clicked = self._rng.binomial(rows, share.clicks)
        counts = clicked * _one(layout, 1.0) + (rows - clicked) * _one(layout, 0.0)
        counts[layout.predictions] = rows
        return self._joined(JoinKind.OUTCOME, plan, share, start, counts, outcome="click")

    def _pairs(self, plan: Plan, share: Share, start: int) -> bytes:
        layout, n = pair_layout(plan), _PAIRS
        columns = PairColumns(
            candidate_score=np.where(self._rng.random(n) < share.apart, 0.9, 0.5),
            control_score=np.full(n, 0.5),
            candidate_label=np.full(n, NO_LABEL, np.int16),
            control_label=np.full(n, NO_LABEL, np.int16),
            candidate_failed=np.zeros(n, np.bool_),
            control_failed=np.zeros(n, np.bool_),
            candidate_latency_ms=np.full(n, 20.0),
            control_latency_ms=np.full(n, 20.0),
            bins=np.zeros((n, len(layout.features)), np.uint16),
        )
        counts = count_pairs(layout, columns, plan.monitor.compared.tolerance)
        return self._joined(JoinKind.PAIR, plan, share, start, counts, control="v1")

    def _joined(  # noqa: PLR0913 (a key's parts)
        self,
        kind: JoinKind,
        plan: Plan,
        share: Share,
        start: int,
        counts: NDArray[np.int64],
        *,
        outcome: str = "",
        control: str = "",
    ) -> bytes:
        key = JoinKey(kind.value, outcome, "m", share.version, control, share.role.value, "", *plan.hashes, start)
        return CODEC.encode(JoinCell(self.world.length, counts.size, counts).partial(key, 0, 0))


def _one(layout: OutcomeLayout, observed: float) -> NDArray[np.int64]:
    """One answer of which this was observed."""
    columns = OutcomeColumns(observed=np.array([observed]), score=np.array([0.5]), label=np.array([NO_LABEL], np.int16))
    return count_outcomes(layout, columns)
