"""What a vector of pairs says (`kedge.detectors.pairs`)."""

import math
from dataclasses import dataclass

import numpy as np

from kedge.detectors import latency
from kedge.detectors.apart import set_apart
from kedge.detectors.arrays import Counts
from kedge.detectors.fixed import number
from kedge.detectors.histogram import histogram_quantile
from kedge.detectors.pairs import DELTA_EDGES, LATENCY_SHIFT, PairLayout
from kedge.detectors.wilson import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMeasures:
    """Shares in [0, 1]; delta = candidate's score less control's; None without rows to tell from."""

    n: int
    candidates: int
    controls: int
    unmatched_candidate: int
    unmatched_control: int
    join_rate: float | None
    """Pairs by the candidate's sampled answers."""
    disagreements: int
    disagreement_rate: float | None
    disagreement_low: float | None
    """Wilson's interval, 95 %."""
    disagreement_high: float | None
    delta_mean: float | None
    delta_std: float | None
    """With divisor n."""
    delta_p05: float | None
    """Quantiles lie in the right bin of the histogram (`DELTA_EDGES`); one between ±0.002 is 0."""
    delta_p50: float | None
    delta_p95: float | None
    candidate_error_share: float | None
    control_error_share: float | None
    latency_ratio: float | None
    """Candidate's median by control's, each from bins of an eighth of an octave (at most 12.5 % wide)."""
    flips: tuple[tuple[str, str, int], ...]
    """(control's class, candidate's class, pairs) where they differ, most frequent first; `other` and `none` are what
    the layout does not name and what has no class."""
    features: tuple[tuple[int, float], ...]
    """(index, debiased PSI) of the features that set disagreeing requests apart, furthest first."""


def pair_measures(layout: PairLayout, counts: Counts) -> PairMeasures:
    """What the vector says.

    Raises:
        ValueError: a vector of another length.
    """
    if counts.shape != (layout.size,):
        message = f"expected {layout.size} counts, got {counts.size}"
        raise ValueError(message)
    n, candidates, disagreements = (
        int(counts[slot]) for slot in (layout.pairs, layout.candidates, layout.disagreements)
    )
    interval = wilson(disagreements, n)
    scored = int(counts[layout.scored])
    mean = _ratio(number(counts[layout.delta]), scored)
    quantiles = [_delta_quantile(counts[layout.delta_histogram], q) for q in (0.05, 0.5, 0.95)]
    return PairMeasures(
        n=n,
        candidates=candidates,
        controls=int(counts[layout.controls]),
        unmatched_candidate=int(counts[layout.unmatched_candidate]),
        unmatched_control=int(counts[layout.unmatched_control]),
        join_rate=_ratio(n, candidates),
        disagreements=disagreements,
        disagreement_rate=_ratio(disagreements, n),
        disagreement_low=None if interval is None else interval[0],
        disagreement_high=None if interval is None else interval[1],
        delta_mean=mean,
        delta_std=None if mean is None else _std(number(counts[layout.delta_squared]) / scored, mean),
        delta_p05=quantiles[0],
        delta_p50=quantiles[1],
        delta_p95=quantiles[2],
        candidate_error_share=_ratio(int(counts[layout.candidate_errors]), n),
        control_error_share=_ratio(int(counts[layout.control_errors]), n),
        latency_ratio=_latency_ratio(counts[layout.candidate_latency], counts[layout.control_latency]),
        flips=_flips(layout, counts[layout.flips]),
        features=set_apart(
            *(np.split(counts[side], layout.offsets[1:-1]) for side in (layout.disagreeing, layout.agreeing))
        ),
    )


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _std(mean_square: float, mean: float) -> float:
    return math.sqrt(max(0.0, mean_square - mean**2))  # Rounding can leave a hair below zero.


def _delta_quantile(counts: Counts, q: float) -> float | None:
    """Open tails stand at their edge, and what is no difference at 0."""
    lower = np.concatenate((DELTA_EDGES[:1], DELTA_EDGES))
    upper = np.concatenate((DELTA_EDGES, DELTA_EDGES[-1:]))
    middle = DELTA_EDGES.size // 2
    lower[middle] = upper[middle] = 0.0
    return histogram_quantile(lower, upper, counts, q)


def _latency_ratio(candidate: Counts, control: Counts) -> float | None:
    edges = latency.edges(LATENCY_SHIFT)
    medians = [histogram_quantile(edges[:-1], edges[1:], side[:-1], 0.5) for side in (candidate, control)]
    return None if medians[0] is None or medians[1] is None else medians[0] / medians[1]


def _flips(layout: PairLayout, counts: Counts) -> tuple[tuple[str, str, int], ...]:
    names = (*layout.labels, "other", "none")
    matrix = counts.reshape(layout.codes, layout.codes)
    found = [(names[row], names[column], int(matrix[row, column])) for row, column in np.argwhere(matrix > 0).tolist()]
    return tuple(sorted((flip for flip in found if flip[0] != flip[1]), key=lambda flip: (-flip[2], flip)))
