"""Grids from a baseline's rows."""

from collections.abc import Sequence

import numpy as np

from kedge.detectors.arrays import Bins, Floats
from kedge.detectors.grids.category import CategoryGrid, category_hash
from kedge.detectors.grids.quantile import QuantileGrid
from kedge.detectors.grids.value import ValueGrid

NAMED_ROWS_MIN = 20
"""A category or single value of fewer baseline rows is not named: a grid is published, and must not tell of a few."""
VALUES_MAX = 20
"""Up to this many distinct values each has a bin of its own."""
CATEGORIES_MAX = 50

_FINE = np.arange(1, 50) / 50  # 2 %, 4 % … 98 %
_TENTHS = np.arange(1, 10) / 10
_OUTER = np.array([0.001, 0.999])


def fit_numeric(values: Floats) -> QuantileGrid | ValueGrid:
    """The grid of a numeric signal (definitions, Bins 1).

    Args:
        values: shape (n,), the baseline's present and valid values. None at all give a grid without named values.

    Returns:
        With at most 20 distinct values a `ValueGrid`, in which values of fewer than 20 rows are OTHER (unless no value
        has as many, as in a very small baseline); else a `QuantileGrid`.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    if not np.isfinite(values).all():
        message = "values must be finite: leave missing and invalid ones out"
        raise ValueError(message)
    ordered = np.sort(values + 0.0)  # + 0.0: -0.0 and 0.0 are one value.
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    rows = np.diff(np.append(starts, ordered.size))
    if starts.size > VALUES_MAX:
        return _quantile_grid(ordered)
    frequent = rows >= NAMED_ROWS_MIN
    if starts.size and not frequent.any():
        return _quantile_grid(ordered)
    return ValueGrid(tuple(ordered[starts[frequent]].tolist()))


def _quantile_grid(ordered: Floats) -> QuantileGrid:
    low, high = np.quantile(ordered, _OUTER, method="inverted_cdf").tolist()
    edges = np.unique(np.quantile(ordered, _FINE, method="inverted_cdf"))
    edges = edges[edges > low]  # An edge at low is tied with it: the bin between them could never hold a row.
    cumulative = np.searchsorted(ordered, edges) / ordered.size
    return QuantileGrid(
        edges=tuple(edges.tolist()),
        low=low,
        high=high,
        decision_edges=tuple(_decision_edges(cumulative).tolist()),
    )


def _decision_edges(cumulative: Floats) -> Bins:
    """Indices of the edges nearest to the tenths, given the share of rows below each edge; all of at most nine."""
    if cumulative.size <= _TENTHS.size:
        return np.arange(cumulative.size, dtype=np.intp)
    return np.unique(np.abs(cumulative[:, None] - _TENTHS).argmin(axis=0))


def fit_categories(names: Sequence[str], counts: Sequence[int], top: int = CATEGORIES_MAX) -> CategoryGrid:
    """The grid of a categorical signal (definitions, Bins 2).

    Args:
        names: the baseline's distinct categories.
        counts: rows of each.
        top: how many are named at most, the most frequent first (ties in name order, so that a refit is the same).

    Raises:
        ValueError: names and counts differ in length, or a name is given twice.
    """
    if len(set(names)) != len(names):
        message = "names must differ"
        raise ValueError(message)
    ranked = sorted(zip(names, counts, strict=True), key=lambda entry: (-entry[1], entry[0]))
    named = [name for name, rows in ranked[:top] if rows >= NAMED_ROWS_MIN]
    known = [name for name, rows in ranked[len(named) :] if rows > 0]
    rare = np.unique(np.array([category_hash(name) for name in known], dtype=np.uint64))
    return CategoryGrid(tuple(named), rare)
