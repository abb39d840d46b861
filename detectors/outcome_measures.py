"""The measures of an outcome, from the vector of `kedge.detectors.outcomes`. Each is None where it is not defined.

| measure | definition |
|---|---|
| positive_rate | ones by observations (binary) |
| accuracy | right labels by labelled observations; any other class is one class |
| precision, recall, F1 | of the positive class; of classes the plain mean over those observed or predicted, where |
| | one that was never predicted has the precision 0, and one that was never observed the recall 0 |
| log_loss | -mean ln of the probability given to what happened, at least 1e-15 |
| brier | mean (score - observed)² |
| ece | Σ rows / n · abs(mean score - share of ones) over ten equal bins of the score (Naeini et al., 2015) |
| auc | share of (positive, negative) pairs in which the positive one's score is the greater, ties half (Mann-Whitney) |
| mae, rmse | mean absolute error, root of the mean squared one |
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from kedge.detectors.arrays import Counts, Floats
from kedge.detectors.fixed import number
from kedge.detectors.outcomes import CALIBRATION_BINS, OutcomeKind, OutcomeLayout

FAR_BELOW: Final = 0.5
"""Share of the usual coverage below which outcomes stay away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeMeasures:
    """What a vector says."""

    n: int
    """Valid observations."""
    predictions: int
    invalid: int
    coverage: float | None
    """n by predictions."""
    positive_rate: float | None = None
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    ece: float | None = None
    auc: float | None = None
    auc_error: float | None = None
    """How far the AUC may be off by the binning, at most."""
    mae: float | None = None
    rmse: float | None = None
    confusion: tuple[tuple[str, str, int], ...] = ()
    """(observed, predicted, rows) of the labelled, most frequent first; `other` is any class without a name."""


def outcome_measures(layout: OutcomeLayout, counts: Counts) -> OutcomeMeasures:
    """What the vector says.

    Raises:
        ValueError: a vector of another length.
    """
    _check(layout, counts)
    parts: dict[str, float | None] = {}
    if layout.kind is OutcomeKind.NUMERIC:
        n = int(counts[layout.observed])
        parts |= _errors(layout, counts)
    else:
        n = int(counts[layout.confusion].sum())
        parts |= _labelled(layout, counts)
    if layout.kind is OutcomeKind.BINARY:
        parts |= {"positive_rate": _ratio(_positives(layout, counts), n)} | _scored(layout, counts)
    predictions = int(counts[layout.predictions])
    return OutcomeMeasures(
        n=n,
        predictions=predictions,
        invalid=int(counts[layout.invalid]),
        coverage=_ratio(n, predictions),
        confusion=_confusion(layout, counts),
        **parts,
    )


def stays_away(n: int, predictions: int, usual: float | None) -> bool:
    """Return whether a window has none of an outcome, or far fewer than usual; `usual`: coverage, None: not known.

    >>> stays_away(400, 1_000, 0.9), stays_away(600, 1_000, 0.9), stays_away(1, 1_000, None)
    (True, False, False)
    """
    return n < FAR_BELOW * usual * predictions if usual else not n


def possible(layout: OutcomeLayout, counts: Counts) -> bool:
    """Whether outcomes can have been counted so: a vector of this layout, no count below 0, no part above its whole.

    Args:
        layout: what the vector should be of.
        counts: the vector.
    """
    if counts.shape != (layout.size,):
        return False
    numeric = layout.kind is OutcomeKind.NUMERIC
    rows = counts[: layout.absolute.start if numeric else layout.confusion.stop]
    return bool(rows.min() >= 0) and not (numeric and counts[layout.within] > counts[layout.scored])


def good(layout: OutcomeLayout, counts: Counts, measure: str) -> tuple[int, int]:
    """Rows that ``measure`` is a share of, and the good ones among them: what the harm test takes.

    Args:
        layout: of the vector.
        counts: the vector.
        measure: ``positive_rate`` (binary), ``accuracy`` (binary, class) or ``within_tolerance`` (numeric).

    Raises:
        ValueError: a measure that this kind of outcome does not have.

    >>> from kedge.detectors.outcomes import OutcomeColumns, count_outcomes
    >>> layout = OutcomeLayout(OutcomeKind.NUMERIC, tolerance=1.0)
    >>> rows = np.array([1.0, 2.0, 3.0])
    >>> columns = OutcomeColumns(observed=rows, score=rows * 1.4, label=np.full(3, -1, dtype=np.int16))
    >>> good(layout, count_outcomes(layout, columns), "within_tolerance")
    (3, 2)
    """
    _check(layout, counts)
    match (layout.kind, measure):
        case (OutcomeKind.BINARY, "positive_rate"):
            return int(counts[layout.confusion].sum()), _positives(layout, counts)
        case (OutcomeKind.BINARY | OutcomeKind.CLASS, "accuracy"):
            table = _table(layout, counts)[:, :-1]
            return int(table.sum()), int(np.trace(table))
        case (OutcomeKind.NUMERIC, "within_tolerance") if layout.tolerance is not None:
            return int(counts[layout.scored]), int(counts[layout.within])
        case _:
            message = f"a {layout.kind} outcome has no {measure}"
            raise ValueError(message)


def _check(layout: OutcomeLayout, counts: Counts) -> None:
    if counts.shape != (layout.size,):
        message = f"expected {layout.size} counts, got {counts.size}"
        raise ValueError(message)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _table(layout: OutcomeLayout, counts: Counts) -> Counts:
    return counts[layout.confusion].reshape(layout.outcomes, layout.labels)


def _positives(layout: OutcomeLayout, counts: Counts) -> int:
    return int(_table(layout, counts)[1].sum())


def _confusion(layout: OutcomeLayout, counts: Counts) -> tuple[tuple[str, str, int], ...]:
    if layout.kind is OutcomeKind.NUMERIC:
        return ()
    table, names = _table(layout, counts)[:, :-1], (*layout.names, "other")
    cells = [(names[row], names[column], int(table[row, column])) for row, column in np.argwhere(table).tolist()]
    return tuple(sorted(cells, key=lambda cell: (-cell[2], cell)))


def _labelled(layout: OutcomeLayout, counts: Counts) -> dict[str, float | None]:
    """Accuracy, precision, recall and F1 over the rows with a label."""
    table = _table(layout, counts)[:, :-1].astype(np.float64)
    rows = float(table.sum())
    if rows == 0:
        return {}
    right, observed = np.diagonal(table), table.sum(axis=1)
    predicted = table.sum(axis=0)[: layout.outcomes]
    result: dict[str, float | None] = {"accuracy": float(right.sum()) / rows}
    if layout.kind is OutcomeKind.BINARY:
        ones = float(right[1])
        return result | {
            "precision": _ratio(ones, float(predicted[1])),
            "recall": _ratio(ones, float(observed[1])),
            "f1": _ratio(2 * ones, float(predicted[1] + observed[1])),
        }
    seen = (observed + predicted) > 0
    return result | {
        "precision": _mean_share(right[seen], predicted[seen]),
        "recall": _mean_share(right[seen], observed[seen]),
        "f1": _mean_share(2 * right[seen], (observed + predicted)[seen]),
    }


def _mean_share(parts: Floats, wholes: Floats) -> float:
    return float(np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0).mean())


def _scored(layout: OutcomeLayout, counts: Counts) -> dict[str, float | None]:
    """What probabilities are judged by; nothing where some scores are none."""
    negatives, positives = counts[layout.scores].reshape(2, -1)
    rows = int(negatives.sum() + positives.sum())
    if rows == 0 or counts[layout.improbable]:
        return {}
    bins = counts[layout.calibration].reshape(CALIBRATION_BINS, -1)
    return {
        "log_loss": number(counts[layout.log_loss]) / rows,
        "brier": number(counts[layout.brier]) / rows,
        "ece": sum(abs(number(gap)) for gap in bins) / rows,
    } | _auc(negatives, positives)


def _auc(negatives: Counts, positives: Counts) -> dict[str, float | None]:
    pairs = int(negatives.sum()) * int(positives.sum())
    if pairs == 0:
        return {}
    # Python's integers: the products of a day's rows pass 2^63.
    below, won, tied = 0, 0, 0
    for negative, positive in zip(negatives.tolist(), positives.tolist(), strict=True):
        won += positive * below
        tied += positive * negative
        below += negative
    return {"auc": (won + tied / 2) / pairs, "auc_error": tied / 2 / pairs}


def _errors(layout: OutcomeLayout, counts: Counts) -> dict[str, float | None]:
    rows = int(counts[layout.scored])
    if rows == 0:
        return {}
    return {
        "mae": number(counts[layout.absolute]) / rows,
        "rmse": math.sqrt(max(0.0, number(counts[layout.squared]) / rows)),
    }
