"""Two versions' answers to the same requests: where they disagree, by how much, and on what kind of request.

A pair disagrees if exactly one side failed or answered neither score nor label, if both have a label and the labels
differ, or if both have a score and the scores differ by more than the tolerance. What one side alone has (a shadow that
logs no labels, say) is not compared. Classes that the layout does not name are one, `other`.

All of it is one vector of integers, in which pairs are counted row by row: merging is addition, exact in any order.
What a vector says is in `kedge.detectors.pair_measures`.
Cost: about 570 integers, the square of the classes, and two histograms a watched feature.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from kedge.detectors import latency
from kedge.detectors.arrays import Bins, Counts, Floats, Mask
from kedge.detectors.fixed import LIMIT, WIDTH, fixed_sum

__all__ = [
    "DELTA_EDGES",
    "LATENCY_SHIFT",
    "LATENCY_SIZE",
    "NO_LABEL",
    "PairColumns",
    "PairLayout",
    "count_pairs",
    "disagree",
]

Labels: TypeAlias = npt.NDArray[np.int16]

NO_LABEL: Final = -1
"""Code of an answer without a class; the number of named classes is the code of any other class."""

_STEPS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
_POSITIVE = np.array([*_STEPS, 10.0, 100.0, 1_000.0])
DELTA_EDGES: Final = np.concatenate((-_POSITIVE[::-1], _POSITIVE))
"""40 edges of the histogram of score differences, symmetric about 0, shape (40,); each belongs to the bin nearer to 0.

Made for scores in [0, 1]. Of wider scores, whose differences go past 1, quantiles are known to a power of ten only, and
past ±1,000 not at all; their mean and standard deviation are as good as any.
"""

LATENCY_SHIFT: Final = 2
"""Of `kedge.detectors.latency`, four bins are one here: eight an octave."""
LATENCY_SIZE: Final = ((latency.SIZE - 1) >> LATENCY_SHIFT) + 1
"""The last one is for rows without a usable latency."""


@dataclass(frozen=True)
class PairLayout:
    """Where in the vector what is counted.

    >>> layout = PairLayout(labels=("no", "yes"), features=(4, 6))
    >>> layout.size, layout.flips
    (604, slice(568, 584, None))
    """

    labels: tuple[str, ...]
    """Predicted classes that are told apart."""
    features: tuple[int, ...]
    """Number of bins of every watched feature."""

    candidates = 0
    """Slot: sampled answers of the candidate. This and the next three are counted by whoever joins, not here."""
    controls = 1
    unmatched_candidate = 2
    """Slot: answers of the candidate whose control did not come within the join horizon."""
    unmatched_control = 3
    pairs = 4
    disagreements = 5
    candidate_errors = 6
    control_errors = 7
    scored = 8
    """Slot: pairs in which both have a score."""
    delta = slice(9, 9 + WIDTH)
    """Sum of candidate's score less control's, as `kedge.detectors.fixed`."""
    delta_squared = slice(11, 11 + WIDTH)
    delta_histogram = slice(13, 13 + DELTA_EDGES.size + 1)
    candidate_latency = slice(54, 54 + LATENCY_SIZE)
    control_latency = slice(54 + LATENCY_SIZE, 54 + 2 * LATENCY_SIZE)

    @property
    def codes(self) -> int:
        """Classes with other and none."""
        return len(self.labels) + 2

    @property
    def flips(self) -> slice:
        """Matrix, shape (codes, codes) when reshaped: control's class by candidate's; other and none come last."""
        return slice(self.control_latency.stop, self.control_latency.stop + self.codes**2)

    @property
    def disagreeing(self) -> slice:
        """Bins of all features, one after the other, of the pairs that disagree."""
        return slice(self.flips.stop, self.flips.stop + sum(self.features))

    @property
    def agreeing(self) -> slice:
        """The same of those that agree."""
        return slice(self.disagreeing.stop, self.disagreeing.stop + sum(self.features))

    @property
    def size(self) -> int:
        """Length of the vector."""
        return int(self.agreeing.stop)

    @cached_property
    def offsets(self) -> Bins:
        """Where each feature's bins begin within `disagreeing`, shape (F + 1,)."""
        return np.array(list(accumulate(self.features, initial=0)), dtype=np.intp)


@dataclass(frozen=True, kw_only=True, eq=False)
class PairColumns:
    """n pairs, row by row. A score or latency that is not finite counts as none."""

    candidate_score: Floats
    """Shape (n,), NaN: none."""
    control_score: Floats
    candidate_label: Labels
    """Shape (n,), index into the layout's classes, their number for any other class, `NO_LABEL` for none."""
    control_label: Labels
    candidate_failed: Mask
    control_failed: Mask
    candidate_latency_ms: Floats
    """Shape (n,), NaN: none."""
    control_latency_ms: Floats
    bins: npt.NDArray[np.unsignedinteger]
    """Shape (n, F): the bins of the control's answer, for these are of the request."""


def disagree(columns: PairColumns, tolerance: float) -> Mask:
    """Which pairs disagree, shape (n,).

    Args:
        columns: the pairs.
        tolerance: greatest difference of scores that is still agreement, ≥ 0.
    """
    scores = np.isfinite(columns.candidate_score), np.isfinite(columns.control_score)
    labels = columns.candidate_label != NO_LABEL, columns.control_label != NO_LABEL
    silent = [~(score | label) for score, label in zip(scores, labels, strict=True)]
    failed = (columns.candidate_failed | silent[0]) != (columns.control_failed | silent[1])
    relabelled = labels[0] & labels[1] & (columns.candidate_label != columns.control_label)
    apart = np.zeros(failed.shape, dtype=np.bool_)
    both = scores[0] & scores[1]
    apart[both] = np.abs(_delta(columns, both)) > tolerance
    return np.asarray(failed | relabelled | apart)


def count_pairs(layout: PairLayout, columns: PairColumns, tolerance: float) -> Counts:
    """The vector of these pairs, shape (layout.size,); the four slots of the join are 0.

    Raises:
        ValueError: columns of different lengths, a label or a bin that the layout does not have.
    """
    _check(layout, columns)
    disagreeing = disagree(columns, tolerance)
    both = np.isfinite(columns.candidate_score) & np.isfinite(columns.control_score)
    delta = _delta(columns, both)
    counts = np.zeros(layout.size, dtype=np.int64)
    counts[layout.pairs] = disagreeing.size
    counts[layout.disagreements] = np.count_nonzero(disagreeing)
    counts[layout.candidate_errors] = np.count_nonzero(columns.candidate_failed)
    counts[layout.control_errors] = np.count_nonzero(columns.control_failed)
    counts[layout.scored] = delta.size
    counts[layout.delta] = fixed_sum(delta)
    counts[layout.delta_squared] = fixed_sum(np.minimum(np.abs(delta), math.sqrt(LIMIT)) ** 2)
    counts[layout.delta_histogram] = _histogram(_delta_bins(delta), DELTA_EDGES.size + 1)
    counts[layout.candidate_latency] = _latencies(columns.candidate_latency_ms)
    counts[layout.control_latency] = _latencies(columns.control_latency_ms)
    flips = _code(layout, columns.control_label) * layout.codes + _code(layout, columns.candidate_label)
    counts[layout.flips] = _histogram(flips, layout.codes**2)
    bins = columns.bins + layout.offsets[:-1]
    counts[layout.disagreeing] = _histogram(bins[disagreeing].ravel(), sum(layout.features))
    counts[layout.agreeing] = _histogram(bins[~disagreeing].ravel(), sum(layout.features))
    return counts


def _delta(columns: PairColumns, both: Mask) -> Floats:
    with np.errstate(over="ignore"):  # Two ends of the floats lie infinitely far apart, and count as that.
        return columns.candidate_score[both] - columns.control_score[both]


def _delta_bins(delta: Floats) -> Bins:
    steps = np.searchsorted(_POSITIVE, np.abs(delta), side="left")
    return np.asarray(_POSITIVE.size + np.where(delta < 0, -steps, steps))


def _histogram(bins: Bins, size: int) -> Counts:
    return np.bincount(bins, minlength=size)


def _latencies(ms: Floats) -> Counts:
    return _histogram(latency.bins(np.ascontiguousarray(ms)) >> LATENCY_SHIFT, LATENCY_SIZE)


def _code(layout: PairLayout, labels: Labels) -> Bins:
    """Its row in the flip matrix: none comes last."""
    return np.where(labels == NO_LABEL, layout.codes - 1, labels).astype(np.intp)


def _check(layout: PairLayout, columns: PairColumns) -> None:
    rows = columns.candidate_score.size
    shapes = {
        columns.control_score.shape,
        columns.candidate_label.shape,
        columns.control_label.shape,
        columns.candidate_failed.shape,
        columns.control_failed.shape,
        columns.candidate_latency_ms.shape,
        columns.control_latency_ms.shape,
    }
    if shapes != {(rows,)} or columns.bins.shape != (rows, len(layout.features)):
        message = "the columns of pairs must be of one length"
        raise ValueError(message)
    codes = np.concatenate((columns.candidate_label, columns.control_label))
    if np.any((codes < NO_LABEL) | (codes > len(layout.labels))) or np.any(columns.bins >= np.array(layout.features)):
        message = "a label or a bin that the layout does not have"
        raise ValueError(message)
