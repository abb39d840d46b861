"""Ranks among bounds are those of a binary search, whatever the bounds and values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.arrays import Floats
from kedge.detectors.grids.lookup import Lookup, Table, even_cells, pattern_cells

finite = st.floats(allow_nan=False, allow_infinity=False)
bounds_lists = st.lists(finite.map(lambda number: number + 0.0), min_size=1, max_size=60, unique=True).map(sorted)


def around(bounds: Floats, more: list[float]) -> Floats:
    """Every bound, its neighbours on the float line, and other values."""
    with np.errstate(over="ignore"):
        neighbours = [np.nextafter(bounds, np.inf), np.nextafter(bounds, -np.inf)]
    values: Floats = np.concatenate([bounds, *neighbours, np.array([*more, 0.0, -0.0])])
    return values[np.isfinite(values)]


@given(bounds_lists, st.lists(finite, max_size=30))
def test_both_cell_functions_are_exact_for_any_bounds(bounds_list: list[float], more: list[float]) -> None:
    bounds = np.array(bounds_list)
    values = around(bounds, more)
    expected = np.searchsorted(bounds, values, side="right")
    for function in (even_cells(bounds_list[0], bounds_list[-1]), pattern_cells(bounds_list[0], bounds_list[-1])):
        if function is not None:
            assert Table.over(bounds, function).ranks(values).tolist() == expected.tolist()


@given(bounds_lists, st.integers(1_200, 1_500))
def test_long_arrays_are_exact(bounds_list: list[float], size: int) -> None:
    bounds = np.array(bounds_list)
    values = np.resize(around(bounds, []), size)
    assert Lookup(bounds)(values).tolist() == np.searchsorted(bounds, values, side="right").tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", ["normal", "lognormal", "heavy", "cauchy", "integers", "capped"])
def test_real_distributions_take_the_table_and_are_exact(shape: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values: Floats = {
        "normal": rng.normal(size=50_000),
        "lognormal": rng.lognormal(size=50_000),
        "heavy": rng.lognormal(sigma=8, size=50_000),
        "cauchy": rng.standard_cauchy(size=50_000),
        "integers": rng.integers(-50, 50, size=50_000).astype(np.float64),
        "capped": np.minimum(rng.lognormal(size=50_000), 5.0),
    }[shape]
    bounds = np.unique(np.quantile(values, np.arange(1, 100) / 100, method="inverted_cdf"))
    lookup = Lookup(bounds)
    assert lookup.table is not None
    assert np.array_equal(lookup(values), np.searchsorted(bounds, values, side="right"))


def test_bounds_too_crowded_for_a_table_are_searched() -> None:
    bounds = np.array([-2e300, -1e300, *(math.ulp(0.0) * step for step in range(1, 10)), 1e300, 2e300])
    lookup = Lookup(bounds)
    values = np.resize(around(bounds, []), 2_000)
    assert lookup.table is None
    assert np.array_equal(lookup(values), np.searchsorted(bounds, values, side="right"))


def test_no_bounds_give_rank_zero() -> None:
    assert Lookup(np.array([]))(np.zeros(2_000)).tolist() == [0] * 2_000
