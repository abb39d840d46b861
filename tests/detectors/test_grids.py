"""Grids put every value into the bin that the definitions say, and are fitted as they say."""

import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.arrays import Floats
from kedge.detectors.grids import CategoryGrid, QuantileGrid, ValueGrid, fit_categories, fit_numeric
from kedge.detectors.grids.category import category_hash
from tests.detectors.strategies import columns

NO_RARE = np.array([], dtype=np.uint64)
GRID = QuantileGrid(edges=(1.0, 2.0, 3.0), low=0.0, high=4.0, decision_edges=(1,))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-math.inf, 7),
        (-1e308, 0),
        (math.nextafter(0.0, -1.0), 0),
        (-0.0, 1),
        (0.0, 1),
        (math.nextafter(1.0, 0.0), 1),
        (1.0, 2),
        (2.0, 3),
        (3.0, 4),
        (4.0, 4),
        (math.nextafter(4.0, 5.0), 5),
        (1e308, 5),
        (math.inf, 7),
        (math.nan, 7),
    ],
)
@pytest.mark.parametrize("rows", [1, 5_000])
def test_quantile_bins_are_left_closed_and_the_guards_lie_outside(value: float, expected: int, rows: int) -> None:
    assert set(GRID.bins(np.full(rows, value)).tolist()) == {expected}


def test_quantile_grid_shape() -> None:
    assert (GRID.size, GRID.missing, GRID.invalid, GRID.foreign) == (8, 6, 7, (0, 5))
    assert GRID.decision().tolist() == [0, 1, 1, 2, 2, 3, 4, 5]
    assert GRID.labels() == ("< 0", "[0, 2)", "[2, 4]", "> 4", "MISSING", "INVALID")


def test_a_grid_without_edges_has_one_bin_between_the_guards() -> None:
    grid = QuantileGrid(edges=(), low=5.0, high=5.0, decision_edges=())
    assert grid.bins(np.array([4.9, 5.0, 5.1, np.nan])).tolist() == [0, 1, 2, 4]
    assert grid.labels() == ("< 5", "[5, 5]", "> 5", "MISSING", "INVALID")
    assert grid.decision().tolist() == [0, 1, 2, 3, 4]


def test_the_greatest_float_as_high_leaves_nothing_above() -> None:
    greatest = float(np.finfo(np.float64).max)
    grid = QuantileGrid(edges=(0.0,), low=-greatest, high=greatest, decision_edges=(0,))
    assert grid.bins(np.array([-greatest, 0.0, greatest, np.inf])).tolist() == [1, 2, 2, 5]


def naive_quantile_bin(grid: QuantileGrid, value: float) -> int:
    """Bin by bin, as the docstring reads."""
    if not math.isfinite(value):
        return grid.invalid
    if value < grid.low:
        return 0
    if value > grid.high:
        return len(grid.edges) + 2
    return 1 + sum(edge <= value for edge in grid.edges)


many_values = st.lists(st.floats(-1e6, 1e6).map(lambda value: value + 0.0), min_size=21, max_size=90, unique=True)


@given(many_values, columns(st.floats()))
def test_quantile_bins_are_those_of_a_walk_over_the_edges(distinct: list[float], values: Floats) -> None:
    baseline = np.array([*distinct, *distinct[:15], *distinct[:3]])
    grid = fit_numeric(baseline)
    assert isinstance(grid, QuantileGrid)
    probes = np.concatenate([values, baseline, [grid.low, grid.high, *grid.edges, 0.0, -0.0]])
    expected = [naive_quantile_bin(grid, value) for value in probes.tolist()]
    assert grid.bins(probes).tolist() == expected
    long = np.resize(probes, 1_500)
    assert grid.bins(long).tolist() == [expected[row % probes.size] for row in range(1_500)]


@given(st.lists(st.integers(-9, 9).map(float), max_size=12, unique=True).map(sorted), columns(st.floats()))
def test_value_bins_are_those_of_equality(named: list[float], values: Floats) -> None:
    grid = ValueGrid(tuple(named))
    probes = np.concatenate([values, named, [5e-324, -0.0, np.nan, np.inf, -np.inf]])
    expected = [
        grid.invalid if not math.isfinite(value) else named.index(value) if value in named else grid.other
        for value in probes.tolist()
    ]
    assert grid.bins(probes).tolist() == expected
    assert grid.bins(np.resize(probes, 1_500)).tolist() == [expected[row % probes.size] for row in range(1_500)]


def test_binning_leaves_its_input_alone() -> None:
    values = np.array([0.5, np.nan, 2.5] * 1_000)
    before = values.copy()
    GRID.bins(values)
    ValueGrid((0.5,)).bins(values)
    assert np.array_equal(values, before, equal_nan=True)


def test_bins_come_in_the_type_that_bincount_takes() -> None:
    for size in (3, 3_000):
        assert GRID.bins(np.zeros(size)).dtype == np.intp
        assert ValueGrid((0.0,)).bins(np.zeros(size)).dtype == np.intp
    assert CategoryGrid(("a",), NO_RARE).bins_of(["a"]).dtype == np.intp


@pytest.mark.parametrize(
    ("edges", "low", "high", "decision"),
    [
        ((1.0, 1.0), 0.0, 2.0, ()),
        ((2.0, 1.0), 0.0, 3.0, ()),
        ((0.0, 1.0), 0.0, 2.0, ()),
        ((1.0,), 0.0, 0.5, ()),
        ((math.nan,), 0.0, 2.0, ()),
        ((1.0,), -math.inf, 2.0, ()),
        ((1.0,), 0.0, math.inf, ()),
        ((1.0, 2.0), 0.0, 3.0, (1, 0)),
        ((1.0, 2.0), 0.0, 3.0, (2,)),
        ((1.0, 2.0), 0.0, 3.0, (-1,)),
    ],
)
def test_quantile_grid_refuses_what_cannot_have_been_fitted(
    edges: tuple[float, ...], low: float, high: float, decision: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"ascend|indices"):
        QuantileGrid(edges=edges, low=low, high=high, decision_edges=decision)


def test_value_and_category_grids_refuse_what_cannot_have_been_fitted() -> None:
    for values in ((1.0, 1.0), (2.0, 1.0), (math.nan,), (math.inf,)):
        with pytest.raises(ValueError, match="ascend"):
            ValueGrid(values)
    with pytest.raises(ValueError, match="differ"):
        CategoryGrid(("a", "a"), NO_RARE)
    for rare in (np.array([2, 1], dtype=np.uint64), np.array([1, 1], dtype=np.uint64), np.array([1], dtype=np.int64)):
        with pytest.raises(ValueError, match="rare"):
            CategoryGrid(("a",), rare)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_edges_are_the_inverted_cdf_quantiles_by_counting_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.permutation(rng.normal(size=1_000))
    grid = fit_numeric(values)
    assert isinstance(grid, QuantileGrid)
    ordered = sorted(values.tolist())
    # With 1,000 different values the q-quantile by the inverted distribution function is the (1000 q)-th smallest.
    assert grid.edges == tuple(ordered[20 * step - 1] for step in range(1, 50))
    assert (grid.low, grid.high) == (ordered[0], ordered[998])
    assert [bisect_right(ordered, grid.edges[index]) for index in grid.decision_edges] == list(range(100, 1_000, 100))


def test_ties_are_merged_and_the_edges_left_are_all_decision_edges() -> None:
    values = np.concatenate([np.zeros(600), np.full(380, 7.0), np.arange(100.0, 130.0)])
    grid = fit_numeric(values)
    assert isinstance(grid, QuantileGrid)
    assert grid.edges == (7.0, 109.0)
    assert grid.low == 0.0
    assert grid.decision_edges == (0, 1)


def test_decision_edges_are_the_nearest_to_the_tenths_even_with_ties() -> None:
    values = np.concatenate([np.full(250, 0.0), np.linspace(1.0, 2.0, 750)])
    grid = fit_numeric(values)
    assert isinstance(grid, QuantileGrid)
    below = [np.count_nonzero(values < edge) / values.size for edge in grid.edges]
    chosen = [below[index] for index in grid.decision_edges]
    for tenth in np.arange(1, 10) / 10:
        assert min(abs(share - tenth) for share in chosen) == min(abs(share - tenth) for share in below)


@given(columns(st.integers(0, 25).map(float), rows_max=400))
def test_fitted_grids_put_every_baseline_value_into_one_bin_between_guards(values: Floats) -> None:
    grid = fit_numeric(values)
    counts = np.bincount(grid.bins(values), minlength=grid.size)
    assert counts.sum() == values.size
    assert counts[grid.missing] == counts[grid.invalid] == 0
    assert counts[list(grid.foreign)].sum() <= max(0.002 * values.size, 19 * 20)
    assert len(set(grid.labels())) == len(grid.labels())


def test_few_values_are_binned_by_value_and_those_of_few_rows_are_not_named() -> None:
    values = np.concatenate([np.zeros(500), np.ones(480), np.full(20, 2.0), np.full(19, 4_111_111_111_111_111.0)])
    assert fit_numeric(values) == ValueGrid((0.0, 1.0, 2.0))
    assert fit_numeric(np.repeat(np.arange(20.0), 30)) == ValueGrid(tuple(np.arange(20.0).tolist()))
    assert isinstance(fit_numeric(np.repeat(np.arange(21.0), 30)), QuantileGrid)


def test_a_very_small_baseline_has_quantiles_rather_than_nothing() -> None:
    assert isinstance(fit_numeric(np.arange(10.0)), QuantileGrid)


def test_signed_zeros_are_one_value() -> None:
    assert fit_numeric(np.array([0.0, -0.0] * 20)) == ValueGrid((0.0,))


def test_no_values_give_a_grid_that_tells_present_missing_and_invalid_apart() -> None:
    grid = fit_numeric(np.array([]))
    assert grid == ValueGrid(())
    assert grid.bins(np.array([1.0, np.nan])).tolist() == [0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_fitting_refuses_what_is_no_number(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        fit_numeric(np.array([1.0, bad]))


def test_categories_are_ranked_by_rows_then_name_and_the_rare_are_hashes_only() -> None:
    grid = fit_categories(["b", "a", "rare", "c", "gone"], [50, 50, 19, 90, 0])
    assert grid.categories == ("c", "a", "b")
    assert grid.rare.tolist() == [category_hash("rare")]
    assert grid.bins_of(["a", "rare", "gone", "C", ""]).tolist() == [1, 3, 4, 4, 4]
    assert "rare" not in repr(grid)


def test_at_most_fifty_categories_are_named() -> None:
    names = [f"c{index:03}" for index in range(80)]
    grid = fit_categories(names, [1_000 - index for index in range(80)])
    assert grid.categories == tuple(names[:50])
    assert grid.bins_of(names).tolist() == [*range(50), *[grid.other] * 30]
    assert fit_categories(names, [100] * 80, top=3).categories == ("c000", "c001", "c002")


def test_category_fit_refuses_doubled_names_and_unequal_lengths() -> None:
    with pytest.raises(ValueError, match="differ"):
        fit_categories(["a", "a"], [1, 2])
    with pytest.raises(ValueError, match="zip"):
        fit_categories(["a"], [1, 2])


@given(st.lists(st.text(), max_size=30), st.lists(st.text(), max_size=30, unique=True))
def test_category_bins_follow_membership(strings: list[str], known: list[str]) -> None:
    named, rare = known[::2], known[1::2]
    grid = CategoryGrid(tuple(named), np.array(sorted(map(category_hash, rare)), dtype=np.uint64))
    expected = [named.index(text) if text in named else grid.other if text in rare else grid.unseen for text in strings]
    assert grid.bins_of(strings).tolist() == expected


def test_category_hash_is_xxh64_of_utf8_with_seed_zero() -> None:
    # The vector of the empty string in the xxHash specification.
    assert category_hash("") == 0xEF46DB3751D8E999
    assert category_hash("lone \ud800 surrogate") != category_hash("lone  surrogate")


def test_category_grids_are_equal_by_content() -> None:
    rare = np.array([1, 2], dtype=np.uint64)
    assert CategoryGrid(("a",), rare) == CategoryGrid(("a",), rare.copy())
    assert hash(CategoryGrid(("a",), rare)) == hash(CategoryGrid(("a",), rare.copy()))
    assert CategoryGrid(("a",), rare) != CategoryGrid(("a",), NO_RARE)
    assert CategoryGrid(("a",), rare) != CategoryGrid(("b",), rare)
    assert CategoryGrid(("a",), rare) != "a"


def test_labels_take_the_digits_they_need() -> None:
    assert ValueGrid((1.0, 1.0000001)).labels()[:2] == ("1", "1.0000001")
    nearly = (0.1, math.nextafter(0.1, 1.0))
    assert len(set(ValueGrid(nearly).labels())) == 5
