"""Frozen bins: where a value falls, fixed by the baseline and never by current data (definitions, Bins 1 and 2)."""

from kedge.detectors.grids.category import CategoryGrid
from kedge.detectors.grids.fit import fit_categories, fit_numeric
from kedge.detectors.grids.quantile import QuantileGrid
from kedge.detectors.grids.value import ValueGrid

NumericGrid = QuantileGrid | ValueGrid
Grid = QuantileGrid | ValueGrid | CategoryGrid

__all__ = ["CategoryGrid", "Grid", "NumericGrid", "QuantileGrid", "ValueGrid", "fit_categories", "fit_numeric"]
