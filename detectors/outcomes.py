"""What came of predictions, held against what was predicted: one vector of integers, whose merging is addition.

Binary: observed 0 or 1, the score is the probability of 1; class: observed is a class, the label the predicted one;
numeric: observed is the value that the score predicts. What cannot be an outcome (NaN, a binary 0.5) is counted as
invalid and nowhere else. An answer without score or label takes part in what needs none.

What a vector says is in `kedge.detectors.outcome_measures`.

Sums are exact but for the rounding of `kedge.detectors.fixed`: at most 5e-7 in a mean. AUC is binned; its error is at
most half the share of (positive, negative) pairs of rows that fall into one bin, Σ_b p_b·q_b / 2 with the shares of
both kinds, which `auc_error` gives. Bins are a sixteenth of an octave of the score below ½ (and of its complement above
it), so that a click model with all its scores between 0.01 and 0.1 still fills fifty: typically an error below 1e-3.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from kedge.detectors.arrays import Bins, Counts, Floats, Mask
from kedge.detectors.fixed import LIMIT, WIDTH, fixed_sum

__all__ = [
    "CALIBRATION_BINS",
    "NO_LABEL",
    "SCORE_EDGES",
    "OutcomeColumns",
    "OutcomeKind",
    "OutcomeLayout",
    "count_outcomes",
]

Labels: TypeAlias = npt.NDArray[np.int16]

NO_LABEL: Final = -1
"""Code of an answer without a class; the number of names is the code of any other class."""
CALIBRATION_BINS: Final = 10
"""Bins of the score for the calibration error, of equal width."""

_BELOW_HALF = np.ldexp(1 + np.arange(16 * 13) % 16 / 16, np.arange(16 * 13) // 16 - 14)
SCORE_EDGES: Final = np.concatenate((_BELOW_HALF, [0.5], 1 - _BELOW_HALF[::-1]))
"""417 edges of the bins for the AUC, from 2^-14 to 1 - 2^-14."""
_SCORE_BINS = SCORE_EDGES.size + 1
_TENTHS = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
_LEAST = 1e-15
"""A probability of less counts as that in the log-loss, which is then at most 34.5 a row."""


class OutcomeKind(StrEnum):
    """What is observed of a request afterwards."""

    BINARY = "binary"
    CLASS = "class"
    NUMERIC = "numeric"


@dataclass(frozen=True)
class OutcomeLayout:
    """Where in the vector what is counted.

    >>> layout = OutcomeLayout(OutcomeKind.CLASS, ("cat", "dog"))
    >>> layout.names, layout.size, layout.confusion
    (('cat', 'dog'), 14, slice(2, 14, None))
    """

    kind: OutcomeKind
    classes: tuple[str, ...] = ()
    """Class outcomes: those told apart. Binary: none, or the labels that mean negative and positive, in this order."""
    tolerance: float | None = None
    """Numeric outcomes: greatest absolute error that is good; None: not asked for."""

    predictions = 0
    """Slot: sampled answers that could be joined; counted by whoever joins, not here."""
    invalid = 1
    """Slot: observations that this kind of outcome cannot be."""

    # Numeric outcomes:
    observed = 2
    """Slot: valid observations."""
    scored = 3
    """Slot: of these, with a finite score."""
    within = 4
    """Slot: of these, with an absolute error of at most the tolerance."""
    absolute = slice(5, 5 + WIDTH)
    squared = slice(7, 7 + WIDTH)

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: one class, or more than two of a binary outcome; classes of a number.
        """
        least, most = {
            OutcomeKind.BINARY: (2, 2),
            OutcomeKind.CLASS: (1, np.iinfo(np.int16).max),
            OutcomeKind.NUMERIC: (0, 0),
        }[self.kind]
        given = len(self.classes) or (2 if self.kind is OutcomeKind.BINARY else 0)
        if not least <= given <= most:
            message = f"{self.kind} outcome: {len(self.classes)} classes"
            raise ValueError(message)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that an outcome or a label is an index into; none of a number."""
        return ("0", "1") if self.kind is OutcomeKind.BINARY and not self.classes else self.classes

    @property
    def outcomes(self) -> int:
        """What can be observed: of classes also any other."""
        return len(self.names) + (self.kind is OutcomeKind.CLASS)

    @property
    def labels(self) -> int:
        """What can be predicted: the names, other, none."""
        return len(self.names) + 2

    @property
    def confusion(self) -> slice:
        """Matrix, shape (outcomes, labels) when reshaped: observed by predicted."""
        return slice(2, 2 + self.outcomes * self.labels)

    @property
    def improbable(self) -> int:
        """Slot, binary: finite scores outside [0, 1]. They are no probabilities, so that nothing is said of any."""
        return int(self.confusion.stop)

    @property
    def log_loss(self) -> slice:
        """Binary: sum over scores in [0, 1]."""
        return slice(self.improbable + 1, self.improbable + 1 + WIDTH)

    @property
    def brier(self) -> slice:
        """Binary: sum of squared errors of scores in [0, 1]."""
        return slice(self.log_loss.stop, self.log_loss.stop + WIDTH)

    @property
    def calibration(self) -> slice:
        """Binary: shape (10, 2) when reshaped: by tenth of the score, the ones less the sum of scores (`fixed`)."""
        return slice(self.brier.stop, self.brier.stop + CALIBRATION_BINS * WIDTH)

    @property
    def scores(self) -> slice:
        """Binary: shape (2, 418) when reshaped: negatives and positives by bin of the score."""
        return slice(self.calibration.stop, self.calibration.stop + 2 * _SCORE_BINS)

    @property
    def size(self) -> int:
        """Length of the vector."""
        match self.kind:
            case OutcomeKind.BINARY:
                return int(self.scores.stop)
            case OutcomeKind.CLASS:
                return int(self.confusion.stop)
            case OutcomeKind.NUMERIC:
                return int(self.squared.stop)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeColumns:
    """n outcomes with their answers, row by row."""

    observed: Floats
    """Shape (n,): the value; of class outcomes the index into the layout's names, their number for any other class."""
    score: Floats
    """Shape (n,); NaN: none."""
    label: Labels
    """Shape (n,): index into the layout's names, their number for any other class, `NO_LABEL` for none; numeric
    outcomes do not ask for it."""


def count_outcomes(layout: OutcomeLayout, columns: OutcomeColumns) -> Counts:
    """The vector of these outcomes, shape (layout.size,); the slot `predictions` is 0.

    Raises:
        ValueError: columns of different lengths, or a label that the layout does not have.
    """
    _check(layout, columns)
    counts = np.zeros(layout.size, dtype=np.int64)
    valid = _valid(layout, columns.observed)
    counts[layout.invalid] = valid.size - np.count_nonzero(valid)
    observed, score, label = columns.observed[valid], columns.score[valid], columns.label[valid]
    if layout.kind is OutcomeKind.NUMERIC:
        _count_errors(layout, counts, observed, score)
        return counts
    cells = observed.astype(np.intp) * layout.labels + np.where(label == NO_LABEL, layout.labels - 1, label)
    counts[layout.confusion] = np.bincount(cells, minlength=layout.outcomes * layout.labels)
    if layout.kind is OutcomeKind.BINARY:
        finite = np.isfinite(score)
        _count_scores(layout, counts, observed[finite], score[finite])
    return counts


def _valid(layout: OutcomeLayout, observed: Floats) -> Mask:
    if layout.kind is OutcomeKind.NUMERIC:
        return np.isfinite(observed)
    return np.isin(observed, np.arange(layout.outcomes))


def _count_errors(layout: OutcomeLayout, counts: Counts, observed: Floats, score: Floats) -> None:
    finite = np.isfinite(score)
    with np.errstate(over="ignore"):  # Two ends of the floats lie infinitely far apart, and count as the limit.
        error = np.abs(observed[finite] - score[finite])
    counts[layout.observed] = observed.size
    counts[layout.scored] = error.size
    counts[layout.within] = 0 if layout.tolerance is None else np.count_nonzero(error <= layout.tolerance)
    counts[layout.absolute] = fixed_sum(error)
    counts[layout.squared] = fixed_sum(np.minimum(error, math.sqrt(LIMIT)) ** 2)


def _count_scores(layout: OutcomeLayout, counts: Counts, observed: Floats, score: Floats) -> None:
    probable = (score >= 0) & (score <= 1)
    counts[layout.improbable] = probable.size - np.count_nonzero(probable)
    observed, score = observed[probable], score[probable]
    counts[layout.log_loss] = fixed_sum(-np.log(np.maximum(np.where(observed == 1, score, 1 - score), _LEAST)))
    counts[layout.brier] = fixed_sum((score - observed) ** 2)
    counts[layout.calibration] = _calibration(observed, score)
    bins = np.searchsorted(SCORE_EDGES, score, side="right") + _SCORE_BINS * observed.astype(np.intp)
    counts[layout.scores] = np.bincount(bins, minlength=2 * _SCORE_BINS)


def _calibration(observed: Floats, score: Floats) -> Counts:
    tenths: Bins = np.searchsorted(_TENTHS, score, side="right")
    return np.concatenate([fixed_sum((observed - score)[tenths == tenth]) for tenth in range(CALIBRATION_BINS)])


def _check(layout: OutcomeLayout, columns: OutcomeColumns) -> None:
    rows = columns.observed.shape
    if columns.score.shape != rows or columns.label.shape != rows:
        message = "the columns of outcomes must be of one length"
        raise ValueError(message)
    labelled = layout.kind is not OutcomeKind.NUMERIC
    if labelled and np.any((columns.label < NO_LABEL) | (columns.label > len(layout.names))):
        message = "a label that the layout does not have"
        raise ValueError(message)
