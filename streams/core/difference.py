"""Two baselines against each other: the new one's rows, read over the old one's bins, compared as a window is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from kedge.detectors.compare import compare
from kedge.detectors.finding import Finding, judge
from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid
from kedge.detectors.policy import FixedPolicy
from kedge.detectors.reference import Reference
from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import Baseline, SignalBaseline
from kedge.streams.core.plan import KINDS, grid_of

__all__ = ["Difference", "differences", "rebin", "signal_counts"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """One signal in both; `finding` None: it cannot be compared, for the reason given."""

    kind: str
    signal: str
    finding: Finding | None
    reason: str = ""


def differences(old: Baseline, new: Baseline, policy: FixedPolicy) -> Iterator[Difference]:
    """Yield every signal of either baseline, those of the old one first."""
    before, after = _by_key(old), _by_key(new)
    for key, (signal, counts) in before.items():
        kind = KINDS[signal.kind]
        if key not in after:
            yield Difference(kind, signal.name, None, "only in the first")
            continue
        other, others = after[key]
        rows = rebin(grid_of(other), others, grid_of(signal))
        if rows is None:
            yield Difference(kind, signal.name, None, f"{signal.grid} in the first, {other.grid} in the second")
            continue
        reference = Reference(grid_of(signal), counts, mean=signal.mean, std=signal.std)
        comparison = compare(reference, rows, drift_psi=policy.drift_psi)
        yield Difference(kind, signal.name, judge(signal.name, kind, comparison, policy))
    for key, (signal, _) in after.items():
        if key not in before:
            yield Difference(KINDS[signal.kind], signal.name, None, "only in the second")


def signal_counts(baseline: Baseline) -> list[Counts]:
    """Return each signal's counts over all rows."""
    sizes = [grid_of(signal).size for signal in baseline.signals]
    starts = list(accumulate(sizes, initial=0))
    packed = next((counts.counts for counts in baseline.counts if not counts.segment), b"\0")
    counts = unpack_counts(packed, starts[-1])
    return [counts[start : start + size] for start, size in zip(starts, sizes, strict=False)]


def rebin(old: Grid, counts: Counts, new: Grid) -> Counts | None:
    """Return counts over one grid as counts over another; None where the two measure different things.

    Exact between equal grids. Else numbers are spread evenly inside their old bins, and what lies beyond the old
    grid's outer quantiles is taken to lie just there; categories that the old grid does not name are OTHER.
    """
    if old == new:
        return counts
    match old, new:
        case CategoryGrid(), CategoryGrid():
            moved = np.bincount(new.bins_of(old.categories), counts[: old.other], new.size).astype(np.int64)
            moved[new.other] += counts[old.other]
            moved[new.unseen] += counts[old.unseen]
        case ValueGrid(), ValueGrid() | QuantileGrid():
            moved = np.bincount(new.bins(old.positions), counts[: old.other], new.size).astype(np.int64)
            # Its other values have no place on the axis.
            moved[new.other if isinstance(new, ValueGrid) else new.invalid] += counts[old.other]
        case QuantileGrid(), QuantileGrid():
            moved = _spread(old, counts, new)
        case _:
            return None
    moved[new.missing] += counts[old.missing]
    moved[new.invalid] += counts[old.invalid]
    return moved


def _spread(old: QuantileGrid, counts: Counts, new: QuantileGrid) -> Counts:
    inside = counts[: old.missing]
    # Rows below each of the old positions: all of `below` lie left of low, all of `above` right of high.
    below = np.cumsum(inside)[:-1].astype(np.float64)
    total = float(inside.sum())
    at = np.interp(new.positions, old.positions, below, left=0.0, right=total)
    parts = np.diff(np.round(at), prepend=0.0, append=total).astype(np.int64)
    moved = np.zeros(new.size, np.int64)
    moved[: new.missing] = parts
    return moved


def _by_key(baseline: Baseline) -> dict[tuple[str, str], tuple[SignalBaseline, Counts]]:
    pairs = zip(baseline.signals, signal_counts(baseline), strict=True)
    return {(signal.kind.value, signal.name): (signal, counts) for signal, counts in pairs}
