"""Baselines read over one another's bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid, fit_categories, fit_numeric
from kedge.schemas.monitor import WindowSpec
from kedge.streams.core.difference import rebin
from kedge.streams.core.effective import effective_from


def counted(grid: QuantileGrid | ValueGrid, values: np.ndarray) -> np.ndarray:
    return np.bincount(grid.bins(values), minlength=grid.size).astype(np.int64)


@given(st.integers(0, 1_000), st.integers(200, 2_000), st.floats(-2, 2))
def test_no_row_is_lost_between_quantile_grids_and_few_are_misplaced(seed: int, rows: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=rows), rng.normal(shift, 1.2, size=rows)
    old, new = fit_numeric(first), fit_numeric(second)
    moved = rebin(old, counted(old, first), new)
    assert moved is not None
    assert moved.sum() == rows
    assert (moved >= 0).all()
    misplaced = np.abs(np.cumsum(moved - counted(new, first))).max()
    assert misplaced <= 0.05 * rows


def test_equal_grids_are_exact() -> None:
    values = np.random.default_rng(0).normal(size=5_000)
    grid = fit_numeric(values)
    counts = counted(grid, values)
    assert rebin(grid, counts, grid) is counts


def test_values_are_moved_one_by_one() -> None:
    old, new = ValueGrid((1.0, 2.0)), ValueGrid((2.0, 3.0))
    # 1, 2, OTHER, MISSING, INVALID -> 2, 3, OTHER, MISSING, INVALID
    assert rebin(old, np.array([5, 7, 1, 2, 3]), new) is not None
    assert rebin(old, np.array([5, 7, 1, 2, 3]), new).tolist() == [7, 0, 6, 2, 3]  # type: ignore[union-attr]


def test_categories_are_moved_by_name_and_the_rare_stay_rare() -> None:
    old, new = fit_categories(["a", "b", "c"], [50, 40, 3]), fit_categories(["b", "d", "a"], [90, 50, 4])
    moved = rebin(old, np.array([50, 40, 3, 0, 1, 0]), new)
    assert moved is not None
    # b, d, OTHER (a is rare in the new one), UNSEEN, MISSING, INVALID
    assert moved.tolist() == [40, 0, 53, 0, 1, 0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ValueGrid((1.0,)), CategoryGrid(("a",), np.array([], np.uint64))),
        (QuantileGrid((1.0,), 0.0, 2.0, ()), ValueGrid((1.0,))),
    ],
)
def test_different_measures_are_not_compared(old: Grid, new: Grid) -> None:
    assert rebin(old, np.zeros(old.size, np.int64), new) is None


@given(st.integers(0, 2**41), st.sampled_from([60, 300, 420]), st.sampled_from([60, 300, 3_600]))
def test_a_start_is_ahead_and_begins_a_window_of_both(now: int, old_s: int, new_s: int) -> None:
    old = WindowSpec(length_ms=old_s * 1_000, hop_ms=60_000)
    new = WindowSpec(length_ms=new_s * 1_000, hop_ms=60_000)
    start = effective_from(now, old, new)
    assert start >= now + 3 * 60_000
    assert start % old.length_ms == start % new.length_ms == 0
    assert start < now + 4 * 60_000 + np.lcm(old.length_ms, new.length_ms)
