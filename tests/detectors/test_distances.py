"""One contract for every distance that is reported, and an audit that none is left out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kedge.detectors.arrays import Counts, Floats
from kedge.detectors.chi_square import chi_square
from kedge.detectors.compare import Comparison, compare
from kedge.detectors.g_test import g_test
from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid
from kedge.detectors.hellinger import hellinger
from kedge.detectors.js import js_distance, js_divergence
from kedge.detectors.kl import kl
from kedge.detectors.ks import interval_error, ks
from kedge.detectors.merging import sparse_groups
from kedge.detectors.metrics import METRICS, value_of
from kedge.detectors.psi import contributions, psi
from kedge.detectors.reference import Reference
from kedge.detectors.shares import EmptyBins, shares
from kedge.detectors.wasserstein import wasserstein_intervals, wasserstein_values
from tests.detectors.strategies import count_pairs

NOT_DISTANCES = {"ks_error", "detectable_psi", "pipeline_share"}
"""Numbers of a comparison that say something about a distance and are none themselves."""


@dataclass(frozen=True)
class Contract:
    """What must hold of one reported number."""

    least: float
    greatest: float
    same: tuple[float, float]
    """Where it must lie for counts in the same proportions."""


ZERO = (0.0, 1e-6)
SUITE: Mapping[str, Contract] = {
    "psi": Contract(0.0, np.inf, (0.0, 0.01)),
    "psi_debiased": Contract(-np.inf, np.inf, (-np.inf, 0.0)),
    "kl_current_reference": Contract(0.0, np.inf, (0.0, 0.01)),
    "kl_reference_current": Contract(0.0, np.inf, (0.0, 0.01)),
    "js_distance": Contract(0.0, 1.0, (0.0, 0.05)),
    "ks": Contract(0.0, 1.0, ZERO),
    "ks_p_value": Contract(0.0, 1.0, (0.99, 1.0)),
    "chi_square": Contract(0.0, np.inf, ZERO),
    "g_p_value": Contract(0.0, 1.0, (0.95, 1.0)),
    "wasserstein": Contract(0.0, np.inf, ZERO),
    "hellinger": Contract(0.0, 1.0, (0.0, 0.05)),
}

QUANTILES = QuantileGrid(edges=(1.0, 2.0, 3.0, 4.0, 5.0), low=0.0, high=6.0, decision_edges=(1, 3))
VALUES = ValueGrid((0.0, 1.0, 4.0))
CATEGORIES = CategoryGrid(("a", "b", "c"), np.array([], dtype=np.uint64))
GRIDS: tuple[Grid, ...] = (QUANTILES, VALUES, CATEGORIES)


def metrics_of(grid: Grid) -> list[str]:
    return [name for name, metric in METRICS.items() if metric.for_categories or not isinstance(grid, CategoryGrid)]


cases = pytest.mark.parametrize(
    ("grid", "name"),
    [pytest.param(grid, name, id=f"{type(grid).__name__}-{name}") for grid in GRIDS for name in metrics_of(grid)],
)


def test_every_distance_that_is_reported_is_in_the_suite() -> None:
    reported = {field.name for field in fields(Comparison) if field.type == float | None} - NOT_DISTANCES
    assert reported == set(METRICS) == set(SUITE)


def side(grid: Grid) -> st.SearchStrategy[Counts]:
    """Counts over a grid with some row of a named value."""
    counts = hnp.arrays(np.int64, grid.size, elements=st.integers(0, 5_000))
    return counts.filter(lambda drawn: bool(drawn[: grid.size - 4].any()))


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: type(grid).__name__)
@given(data=st.data())
def test_every_distance_is_a_number_in_its_range(grid: Grid, data: st.DataObject) -> None:
    reference = Reference(grid, data.draw(side(grid)), mean=2.0, std=1.5)
    comparison = compare(reference, data.draw(side(grid)), design_effect=1.3)
    for name in metrics_of(grid):
        value = value_of(comparison, name)
        assert value is not None
        assert np.isfinite(value)
        assert SUITE[name].least <= value <= SUITE[name].greatest


@cases
def test_the_same_proportions_are_no_distance(grid: Grid, name: str) -> None:
    counts = np.arange(grid.size, dtype=np.int64) * 100 + 100
    value = value_of(compare(Reference(grid, counts * 100, mean=2.0, std=1.5), counts), name)
    assert value is not None
    least, greatest = SUITE[name].same
    assert least <= value <= greatest


@cases
def test_a_greater_shift_is_never_better(grid: Grid, name: str) -> None:
    counts = np.full(grid.size, 1_000, dtype=np.int64)
    reference = Reference(grid, counts * 10, mean=2.0, std=1.5)
    source = 2 if isinstance(grid, QuantileGrid) else 1  # The bin beside it belongs to another decision bin.
    values = []
    for moved in (0, 100, 200, 400, 800, 1_000):
        current = counts.copy()
        current[source] -= moved
        current[source + 1] += moved
        values.append(value_of(compare(reference, current), name))
    ordered = [value for value in values if value is not None]
    assert len(ordered) == 6
    if not METRICS[name].larger_is_worse:
        ordered.reverse()
    assert ordered == sorted(ordered)
    assert ordered[0] < ordered[-1]


@cases
def test_bins_empty_on_both_sides_change_nothing(grid: Grid, name: str) -> None:
    """The same rows over a grid with one more bin that nobody fills."""
    wider: dict[type, Grid] = {
        QuantileGrid: QuantileGrid(edges=(*QUANTILES.edges, 6.0), low=0.0, high=6.0, decision_edges=(1, 3, 5)),
        ValueGrid: ValueGrid((*VALUES.values, 9.0)),
        CategoryGrid: CategoryGrid((*CATEGORIES.categories, "d"), CATEGORIES.rare),
    }
    place = {QuantileGrid: 7, ValueGrid: 3, CategoryGrid: 3}[type(grid)]
    before = np.arange(grid.size, dtype=np.int64) * 200 + 100
    now = before[::-1] // 20

    def value(over: Grid, widen: Callable[[Counts], Counts]) -> float | None:
        return value_of(compare(Reference(over, widen(before), mean=2.0, std=1.5), widen(now)), name)

    def widen(counts: Counts) -> Counts:
        return np.insert(counts, place, 0)

    assert value(wider[type(grid)], widen) == pytest.approx(value(grid, lambda counts: counts), rel=1e-12)


DIRECTED: Mapping[str, Callable[[Floats, Floats], float]] = {"kl": kl}
SYMMETRIC: Mapping[str, Callable[[Floats, Floats], float]] = {
    "psi": psi,
    "js_divergence": js_divergence,
    "js_distance": js_distance,
    "hellinger": hellinger,
    "ks": ks,
    "interval_error": interval_error,
}


@pytest.mark.parametrize("name", SYMMETRIC)
@given(pair=count_pairs())
def test_symmetric_distances_do_not_ask_who_is_who(name: str, pair: tuple[Counts, Counts]) -> None:
    p, q = shares(*pair)
    assert SYMMETRIC[name](p, q) == pytest.approx(SYMMETRIC[name](q, p), abs=1e-12)


@pytest.mark.parametrize("name", [*SYMMETRIC, *DIRECTED])
@given(pair=count_pairs())
def test_no_distance_from_itself(name: str, pair: tuple[Counts, Counts]) -> None:
    p, _ = shares(*pair)
    function = {**SYMMETRIC, **DIRECTED}[name]
    assert function(p, p) == pytest.approx(float(p.max()) if name == "interval_error" else 0.0, abs=1e-12)


@given(count_pairs())
def test_the_psi_is_the_sum_of_both_divergences_and_of_its_parts(pair: tuple[Counts, Counts]) -> None:
    p, q = shares(*pair)
    assert psi(p, q) == pytest.approx(kl(p, q) + kl(q, p), abs=1e-9)
    assert np.all(contributions(p, q) >= 0)


@given(count_pairs())
def test_smoothed_shares_sum_to_one_and_none_is_zero(pair: tuple[Counts, Counts]) -> None:
    for side_shares in shares(*pair):
        assert side_shares.sum() == pytest.approx(1.0)
        assert np.all(side_shares > 0)


@given(st.data())
def test_ks_on_bins_is_within_its_error_of_ks_on_values(data: st.DataObject) -> None:
    column = st.lists(st.integers(0, 59), min_size=1, max_size=80)
    before, now = data.draw(column), data.draw(column)
    p, q = (np.bincount(rows, minlength=60) / len(rows) for rows in (before, now))
    exact = ks(p, q)
    coarse_p, coarse_q = p.reshape(10, 6).sum(axis=1), q.reshape(10, 6).sum(axis=1)
    binned, error = ks(coarse_p, coarse_q), interval_error(coarse_p, coarse_q)
    assert binned - 1e-12 <= exact <= binned + error + 1e-12
    assert error <= max(coarse_p.max(), coarse_q.max()) + 1e-12


@given(hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 50)))
def test_merged_bins_expect_enough_or_are_one(expected: Floats) -> None:
    groups = sparse_groups(expected)
    totals = np.bincount(groups, weights=expected)
    assert set(groups.tolist()) == set(range(totals.size))
    assert totals.size == 1 or totals.min() >= 5
    # Of well-filled bins at most one is taken, to fill up the small ones.
    assert totals.size >= max(1, int(np.count_nonzero(expected >= 5)) - 1)


def test_sparse_bins_join_the_next_smallest_and_a_rest_the_smallest_group() -> None:
    assert sparse_groups(np.array([1.0, 1.0, 2.0, 1.0, 30.0])).tolist() == [0, 0, 0, 0, 1]
    assert sparse_groups(np.array([4.0, 6.0, 50.0])).tolist() == [0, 0, 1]
    assert sparse_groups(np.array([3.0, 3.0, 4.0])).tolist() == [0, 0, 0]
    assert sparse_groups(np.array([1.0, 1.0])).tolist() == [0, 0]
    assert sparse_groups(np.array([2.0, 2.0, 2.0, 2.5, 2.5, 2.6])).tolist() == [0, 0, 0, 1, 1, 1]


def test_g_says_nothing_with_a_single_group() -> None:
    result = g_test(np.array([1, 1]), np.array([1, 2]))
    assert (result.degrees, result.p_value, result.statistic) == (0, 1.0, 0.0)
    assert chi_square(np.array([7]), np.array([5])).p_value == 1.0


@pytest.mark.parametrize(
    ("reference", "current"), [([0, 0], [1, 1]), ([1, 1], [0, 0]), ([1, -1], [1, 1]), ([1, 1], [1, 1, 1])]
)
@pytest.mark.parametrize("rule", EmptyBins)
def test_shares_refuse_what_has_none(reference: list[int], current: list[int], rule: EmptyBins) -> None:
    with pytest.raises(ValueError, match=r"rows|same bins"):
        shares(np.array(reference), np.array(current), rule)


def test_wasserstein_moves_mass_over_the_gap() -> None:
    whole_shift = wasserstein_values(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert whole_shift == 4.0
    guards = wasserstein_intervals(np.array([0.0, 10.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert guards == 10.0
