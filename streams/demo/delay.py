"""The demo's model: how likely a flight is to arrive late, from points for each of its features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.streams.core.columns import Columns, Numbers, Texts

__all__ = ["DelayModel", "fit_delays"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_SWEEPS: Final = 6
_RIDGE: Final = 20.0
"""Flights' worth of doubt about each entry: rare destinations stay near the average."""
_BINS: Final = 16


@dataclass(frozen=True, slots=True)
class _Scale:
    """Entries of one feature. Numbers are cut at `edges`; `categories` name the others."""

    edges: Floats
    categories: Mapping[str, int]

    @property
    def size(self) -> int:
        """Entries; the last one is for what is missing or was never seen."""
        return max(self.edges.size + 1, len(self.categories)) + 1

    def entries(self, column: Numbers | Texts) -> Codes:
        """Return the entry of each row."""
        last = self.size - 1
        if isinstance(column, Texts):
            lookup = np.array([self.categories.get(name, last) for name in column.dictionary], np.intp)
            found = lookup[column.codes]
        else:
            found = np.searchsorted(self.edges, column.values, side="right")
        return found if column.valid is None else np.where(column.valid, found, last)


@dataclass(frozen=True, slots=True)
class DelayModel:
    """An additive logistic regression: `points[name]`, shape (entries,), are log odds."""

    intercept: float
    scales: Mapping[str, _Scale]
    points: Mapping[str, Floats]

    def score(self, columns: Columns) -> Floats:
        """Return the probability of each row to arrive late, shape (rows,)."""
        features = _features(columns, tuple(self.scales))
        odds = np.full(columns.rows, self.intercept)
        for name, scale in self.scales.items():
            odds += self.points[name][scale.entries(features[name])]
        return _logistic(odds)


def fit_delays(columns: Columns, late: NDArray[np.bool_]) -> DelayModel:
    """Fit by Newton's method, one feature at a time.

    The entries of one feature never share a row, so that a feature's Hessian is diagonal and a step costs three
    passes over the rows.

    Args:
        columns: the flights.
        late: shape (rows,), whether each arrived late.
    """
    names = (*columns.strings, *columns.numbers)
    features = _features(columns, names)
    scales = {name: _scale(column) for name, column in features.items()}
    entries = {name: scales[name].entries(column) for name, column in features.items()}
    points = {name: np.zeros(scales[name].size) for name in names}
    share = float(late.mean())
    intercept = float(np.log(share / (1 - share)))
    odds = np.full(columns.rows, intercept)
    for _ in range(_SWEEPS):
        for name in names:
            scored = _logistic(odds)
            of, size = entries[name], scales[name].size
            slope = np.bincount(of, late - scored, size) - _RIDGE * _VARIANCE * points[name]
            curve = np.bincount(of, scored * (1 - scored), size) + _RIDGE * _VARIANCE
            step = slope / curve
            points[name] += step
            odds += step[of]
    return DelayModel(intercept, scales, points)


_VARIANCE: Final = 0.25
"""Of a flight that is as likely late as not: turns flights of doubt into curvature."""


def _features(columns: Columns, names: Sequence[str]) -> dict[str, Numbers | Texts]:
    return {name: columns.numbers[name] if name in columns.numbers else columns.strings[name] for name in names}


def _scale(column: Numbers | Texts) -> _Scale:
    if isinstance(column, Texts):
        used = np.unique(column.codes)
        return _Scale(np.empty(0), {column.dictionary[code]: entry for entry, code in enumerate(used)})
    present = column.values if column.valid is None else column.values[column.valid]
    return _Scale(np.unique(np.quantile(present, np.arange(1, _BINS) / _BINS)), {})


def _logistic(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))
