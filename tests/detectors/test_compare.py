"""A comparison counts what it says, explains its PSI, and says nothing where nothing can be said."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kedge.detectors.arrays import Counts
from kedge.detectors.compare import BinShare, Comparison, compare
from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid, fit_numeric
from kedge.detectors.metrics import METRICS, value_of
from kedge.detectors.reference import Reference

QUANTILES = QuantileGrid(edges=(1.0, 2.0, 3.0), low=0.0, high=4.0, decision_edges=(1,))
VALUES = ValueGrid((0.0, 1.0))
CATEGORIES = CategoryGrid(("a", "b"), np.array([7], dtype=np.uint64))
BASE = {
    QUANTILES: [5, 100, 100, 100, 100, 5, 0, 0],
    VALUES: [300, 100, 0, 10, 0],
    CATEGORIES: [300, 100, 20, 0, 10, 0],
}


def reference_of(grid: Grid) -> Reference:
    numeric = not isinstance(grid, CategoryGrid)
    return Reference(grid, np.array(BASE[grid]), mean=2.0 if numeric else None, std=1.0 if numeric else None)


def test_special_bins_are_counted() -> None:
    numbers = compare(reference_of(QUANTILES), np.array([1, 10, 10, 10, 10, 2, 3, 4]), design_effect=2.0)
    assert (numbers.n, numbers.n_eff, numbers.n_reference) == (50, 25.0, 410)
    assert (numbers.missing, numbers.invalid, numbers.out_of_range, numbers.unseen) == (3, 4, 3, 0)
    assert numbers.present == 43
    values = compare(reference_of(VALUES), np.array([10, 10, 5, 3, 4]))
    assert (values.missing, values.invalid, values.out_of_range, values.unseen) == (3, 4, 5, 0)
    categories = compare(reference_of(CATEGORIES), np.array([10, 10, 1, 5, 3, 4]))
    assert (categories.missing, categories.invalid, categories.out_of_range, categories.unseen) == (3, 4, 0, 5)


@pytest.mark.parametrize("grid", BASE, ids=lambda grid: type(grid).__name__)
@given(data=st.data())
def test_the_bins_explain_the_psi(grid: Grid, data: st.DataObject) -> None:
    current = data.draw(hnp.arrays(np.int64, grid.size, elements=st.integers(0, 500)).filter(lambda c: bool(c.any())))
    comparison = compare(reference_of(grid), current)
    assert sum(part.contribution for part in comparison.bins) == pytest.approx(comparison.psi)
    assert sum(part.reference for part in comparison.bins) == pytest.approx(1.0)
    assert sum(part.current for part in comparison.bins) == pytest.approx(1.0)
    assert all(part.reference > 0 or part.current > 0 for part in comparison.bins)
    labels = [part.label for part in comparison.bins]
    assert labels == [label for label in grid.labels() if label in labels]


def test_bins_show_shares_as_counted() -> None:
    bins = compare(reference_of(VALUES), np.array([50, 40, 0, 10, 0])).bins
    assert [(part.label, round(part.reference, 4), part.current) for part in bins] == [
        ("0", 0.7317, 0.5),
        ("1", 0.2439, 0.4),
        ("MISSING", 0.0244, 0.1),
    ]
    assert isinstance(bins[0], BinShare)


@pytest.mark.parametrize(
    ("grid", "current", "mostly_pipeline"),
    [
        (QUANTILES, [0, 100, 100, 100, 100, 0, 300, 0], True),
        (QUANTILES, [0, 100, 100, 100, 100, 0, 0, 300], True),
        (QUANTILES, [200, 100, 100, 100, 100, 0, 0, 0], True),
        (QUANTILES, [5, 190, 190, 10, 10, 5, 0, 0], False),
        (VALUES, [300, 100, 300, 10, 0], True),
        (VALUES, [100, 300, 0, 10, 0], False),
        (CATEGORIES, [300, 100, 20, 300, 10, 0], True),
        (CATEGORIES, [300, 100, 300, 0, 10, 0], False),
        (CATEGORIES, [100, 300, 20, 0, 10, 0], False),
    ],
)
def test_pipeline_share_tells_faults_from_shifts(grid: Grid, current: list[int], mostly_pipeline: bool) -> None:  # noqa: FBT001
    share = compare(reference_of(grid), np.array(current)).pipeline_share
    assert share is not None
    assert (share > 0.5) is mostly_pipeline
    assert 0 <= share <= 1


@pytest.mark.parametrize("grid", BASE, ids=lambda grid: type(grid).__name__)
@pytest.mark.parametrize("empty", ["window", "baseline", "both"])
def test_without_rows_no_distance_is_known(grid: Grid, empty: str) -> None:
    nothing = np.zeros(grid.size, dtype=np.int64)
    some = np.array(BASE[grid])
    reference = Reference(grid, some if empty == "window" else nothing)
    comparison = compare(reference, some if empty == "baseline" else nothing, drift_psi=0.2)
    assert comparison.n == (int(some.sum()) if empty == "baseline" else 0)
    assert all(value_of(comparison, name) is None for name in METRICS)
    assert comparison.detectable_psi is None
    assert comparison.bins == ()


def test_categories_have_no_axis() -> None:
    comparison = compare(reference_of(CATEGORIES), np.array([10, 10, 10, 0, 0, 0]))
    assert comparison.ks is comparison.ks_error is comparison.ks_p_value is comparison.wasserstein is None


@pytest.mark.parametrize("grid", [QUANTILES, VALUES], ids=lambda grid: type(grid).__name__)
@pytest.mark.parametrize("bin_from_end", [1, 2])
def test_a_window_of_faults_alone_has_no_axis_but_a_psi(grid: Grid, bin_from_end: int) -> None:
    current = np.zeros(grid.size, dtype=np.int64)
    current[-bin_from_end] = 500
    comparison = compare(reference_of(grid), current)
    assert comparison.ks is comparison.wasserstein is None
    assert comparison.psi is not None
    assert comparison.psi > 1
    assert comparison.pipeline_share is not None
    assert comparison.pipeline_share > 0.5
    assert comparison.present == 0


def test_the_design_effect_weakens_evidence_and_leaves_the_distance() -> None:
    current = np.array([2, 60, 60, 30, 30, 2, 0, 0])
    plain, clustered = (compare(reference_of(QUANTILES), current, design_effect=deff, drift_psi=0.2) for deff in (1, 5))
    assert plain.psi == clustered.psi
    assert plain.ks == clustered.ks
    for name in ("psi_debiased", "chi_square"):
        assert (value_of(plain, name) or 0) > (value_of(clustered, name) or 0)
    for name in ("g_p_value", "ks_p_value"):
        assert (value_of(plain, name) or 0) < (value_of(clustered, name) or 0)
    assert plain.detectable_psi is not None
    assert clustered.detectable_psi is not None
    assert plain.detectable_psi < clustered.detectable_psi


def test_rows_of_unnamed_values_are_an_error_of_ks() -> None:
    comparison = compare(Reference(VALUES, np.array([80, 20, 0, 0, 0])), np.array([40, 10, 50, 0, 0]))
    assert comparison.ks == 0.0
    assert comparison.ks_error == 0.5


def test_wasserstein_is_in_baseline_deviations_and_zero_without_any() -> None:
    current = np.array([100, 300, 0, 0, 0])
    by_std = {std: compare(Reference(VALUES, np.array([300, 100, 0, 0, 0]), 0.0, std), current) for std in (0.5, 0.0)}
    assert by_std[0.5].wasserstein == pytest.approx(1.0)
    assert by_std[0.0].wasserstein == 0.0
    assert compare(Reference(VALUES, np.array([300, 100, 0, 0, 0])), current).wasserstein is None


def test_a_baseline_at_the_ends_of_the_floats_is_compared_without_a_warning() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, 1.0], 1_000) * rng.uniform(1.0e308, 1.7e308, 1_000)
    grid = fit_numeric(values)
    counts = np.bincount(grid.bins(values), minlength=grid.size)
    with np.errstate(all="raise"):
        comparison = compare(Reference(grid, counts, 0.0, 1e308), counts[::-1].copy(), drift_psi=0.2)
    assert comparison.wasserstein is None
    assert comparison.ks is not None
    for field in fields(Comparison):
        value = getattr(comparison, field.name)
        assert not isinstance(value, float) or np.isfinite(value)


def test_comparing_changes_neither_side() -> None:
    before, now = np.array(BASE[QUANTILES]), np.array(BASE[QUANTILES])[::-1].copy()
    kept = before.copy(), now.copy()
    compare(Reference(QUANTILES, before), now, design_effect=3.0)
    assert np.array_equal(before, kept[0])
    assert np.array_equal(now, kept[1])


def test_counts_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 8 counts"):
        compare(reference_of(QUANTILES), np.zeros(7, dtype=np.int64))
    for counts in (np.zeros(7, dtype=np.int64), np.zeros(8), np.array([-1, 0, 0, 0, 0, 0, 0, 0])):
        with pytest.raises(ValueError, match="non-negative int64"):
            Reference(QUANTILES, counts)  # type: ignore[arg-type]


@given(hnp.arrays(np.int64, QUANTILES.size, elements=st.integers(0, 2**50)))
def test_decision_counts_add_up_exactly(counts: Counts) -> None:
    reference = Reference(QUANTILES, counts)
    expected = [sum(counts[QUANTILES.decision() == group].tolist()) for group in range(6)]
    assert reference.decision_counts.tolist() == expected
    assert reference.n == sum(expected)
