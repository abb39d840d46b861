"""A signal's column to bins, whatever form its values came in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kedge.detectors.grids import CategoryGrid, QuantileGrid, ValueGrid
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.plan import PlanSignal

__all__ = ["column_of", "number_name", "signal_bins", "texts_of_numbers"]

Codes = NDArray[np.intp]


def column_of(signal: PlanSignal, part: Columns) -> tuple[Numbers | None, Texts | None]:
    """Return the signal's values in these rows: those that are numbers, and those that are text."""
    match signal.kind:
        case "feature":
            return part.numbers.get(signal.name), part.strings.get(signal.name)
        case "score":
            return part.score, None
        case "label":
            return None, part.label
        case _:
            return part.confidence, None


def signal_bins(signal: PlanSignal, parts: Sequence[Columns]) -> Codes:
    """Return the bin of each row, shape (rows of all parts,)."""
    columns = [column_of(signal, part) for part in parts]
    grid = signal.grid
    if isinstance(grid, CategoryGrid):
        pairs = zip(columns, parts, strict=True)
        return np.concatenate([_categories(grid, *column, part.rows) for column, part in pairs])
    whole = [
        numbers.values for numbers, texts in columns if numbers is not None and numbers.valid is None and texts is None
    ]
    if len(whole) == len(parts):
        return grid.bins(np.concatenate(whole))
    pairs = zip(columns, parts, strict=True)
    return np.concatenate([_numeric(grid, *column, part.rows) for column, part in pairs])


def number_name(value: float) -> str:
    """Return the category that a number is: as short as it can be said, whole ones without a point.

    >>> number_name(5.0), number_name(2.5)
    ('5', '2.5')
    """
    return str(int(value)) if value == int(value) else repr(value)


def texts_of_numbers(numbers: Numbers) -> Texts:
    """Return numbers as categories: zip codes and hours come as numbers from most senders."""
    finite = np.isfinite(numbers.values)
    values, codes = np.unique(np.where(finite, numbers.values, 0.0), return_inverse=True)
    names = [number_name(float(value)) for value in values]
    return Texts(names, codes.astype(np.int32), numbers.valid)


def _numeric(grid: QuantileGrid | ValueGrid, numbers: Numbers | None, texts: Texts | None, rows: int) -> Codes:
    bins = np.full(rows, grid.missing, np.intp)
    if numbers is not None:
        found = grid.bins(numbers.values)
        bins = found if numbers.valid is None else np.where(numbers.valid, found, bins)
    if texts is not None:
        # Text where a number belongs: an upstream type change.
        bins[slice(None) if texts.valid is None else texts.valid] = grid.invalid
    return bins


def _categories(grid: CategoryGrid, numbers: Numbers | None, texts: Texts | None, rows: int) -> Codes:
    bins = np.full(rows, grid.missing, np.intp)
    if texts is not None:
        found = np.asarray(grid.bins_of(texts.dictionary), np.intp)[texts.codes]
        bins = found if texts.valid is None else np.where(texts.valid, found, bins)
    if numbers is not None:
        as_texts = texts_of_numbers(numbers)
        found = np.asarray(grid.bins_of(as_texts.dictionary), np.intp)[as_texts.codes]
        found = np.where(np.isfinite(numbers.values), found, grid.invalid)
        bins = found if numbers.valid is None else np.where(numbers.valid, found, bins)
    return bins
