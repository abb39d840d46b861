"""A version beside its control: what the traffic does to both is not the candidate's fault."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kedge.detectors.arrays import Counts
from kedge.detectors.compare import compare
from kedge.detectors.contrast import ContrastCause, Side, contrast
from kedge.detectors.grids import CategoryGrid, Grid, ValueGrid, fit_categories
from kedge.detectors.policy import FixedPolicy
from kedge.detectors.reference import Reference

POLICY = FixedPolicy()
COLOURS = fit_categories(["red", "green", "blue"], [5_000, 3_000, 2_000])
USUAL = (5_000, 3_000, 2_000)


def side(*rows: int, usual: tuple[int, ...] = USUAL, grid: Grid = COLOURS, design_effect: float = 1.0) -> Side:
    reference = Reference(grid, _counts(grid, usual))
    counts = _counts(grid, rows)
    return Side(grid, counts, compare(reference, counts, design_effect=design_effect))


def _counts(grid: Grid, rows: tuple[int, ...]) -> Counts:
    counts = np.zeros(grid.size, dtype=np.int64)
    counts[: len(rows)] = rows
    return counts


@pytest.mark.parametrize(
    ("candidate", "control", "cause"),
    [
        ((500, 300, 200), (5_000, 3_000, 2_000), ContrastCause.NONE),
        ((500, 300, 200), (2_000, 3_000, 5_000), ContrastCause.NONE),
        ((200, 300, 500), (5_000, 3_000, 2_000), ContrastCause.CANDIDATE),
        ((200, 300, 500), (2_000, 3_000, 5_000), ContrastCause.TRAFFIC),
        ((200, 300, 500), (2_300, 3_000, 4_700), ContrastCause.TRAFFIC),
        ((300, 300, 400), (3_850, 3_000, 3_150), ContrastCause.CANDIDATE),  # 0.24; the control's 0.08 is no warning
        ((10, 90, 900), (3_500, 3_000, 3_500), ContrastCause.CANDIDATE),  # far more than the control's 0.14
        ((5, 45, 950), (200, 700, 9_100), ContrastCause.TRAFFIC),  # 0.4 more than the control's 3.2, and yet alike
        ((20, 30, 50), (5_000, 3_000, 2_000), ContrastCause.UNKNOWN),  # 100 rows
        ((200, 300, 500), (20, 30, 50), ContrastCause.UNKNOWN),
        ((200, 300, 500), (), ContrastCause.UNKNOWN),
    ],
)
def test_whose_doing_a_shift_is(candidate: tuple[int, ...], control: tuple[int, ...], cause: ContrastCause) -> None:
    assert contrast(side(*candidate), side(*control), POLICY).cause is cause


def test_the_excess_is_what_the_traffic_does_not_explain() -> None:
    found = contrast(side(200, 300, 500), side(5_000, 3_000, 2_000), POLICY)
    assert found.candidate_psi_debiased == side(200, 300, 500).compared.psi_debiased
    assert found.excess is not None
    assert found.candidate_psi_debiased is not None
    assert found.control_psi_debiased is not None
    assert found.excess == found.candidate_psi_debiased - found.control_psi_debiased
    same = contrast(side(2_000, 3_000, 5_000), side(2_000, 3_000, 5_000), POLICY)
    assert same.excess == pytest.approx(0)


def test_a_side_without_a_baseline_of_its_own_makes_the_cause_unknown() -> None:
    found = contrast(side(200, 300, 500, usual=()), side(5_000, 3_000, 2_000), POLICY)
    assert (found.cause, found.excess) == (ContrastCause.UNKNOWN, None)
    few = contrast(side(200, 300, 500, usual=(50, 30, 20)), side(5_000, 3_000, 2_000), POLICY)
    assert few.cause is ContrastCause.UNKNOWN
    assert found.psi is not None  # their windows can be compared all the same


def test_windows_over_different_bins_are_not_compared_but_each_with_its_own_baseline() -> None:
    shades = fit_categories(["dark", "light"], [5_000, 5_000])
    found = contrast(side(200, 300, 500), side(9_000, 1_000, usual=(5_000, 5_000), grid=shades), POLICY)
    assert found.psi is found.psi_debiased is found.kl_candidate_control is found.ks is None
    assert found.excess is not None
    assert found.cause is ContrastCause.TRAFFIC
    assert isinstance(shades, CategoryGrid)


three = st.tuples(st.integers(1, 2_000), st.integers(1, 2_000), st.integers(1, 2_000))


@given(
    rows=st.tuples(three, three),
    design_effect=st.floats(1, 9),
)
def test_windows_over_the_same_bins_are_held_against_each_other(
    rows: tuple[tuple[int, int, int], tuple[int, int, int]], design_effect: float
) -> None:
    grid = ValueGrid((0.0, 1.0, 2.0))
    candidate, control = (side(*counts, grid=grid, design_effect=design_effect) for counts in rows)
    found = contrast(candidate, control, POLICY)
    q, p = ((np.array(counts) + 0.5) / (sum(counts) + 1.5) for counts in rows)
    assert found.psi == pytest.approx(stats.entropy(q, p) + stats.entropy(p, q), abs=1e-9)
    assert found.kl_candidate_control == pytest.approx(stats.entropy(q, p), abs=1e-9)
    ours, theirs = (np.repeat(np.arange(3), counts) for counts in rows)
    assert found.ks == pytest.approx(stats.ks_2samp(ours, theirs, method="asymp").statistic, abs=1e-9)
    bias = 2 * design_effect * (1 / sum(rows[0]) + 1 / sum(rows[1]))
    assert found.psi_debiased == pytest.approx((found.psi or 0) - bias, abs=1e-9)


def test_thresholds_are_the_policys_where_they_are_on_the_debiased_psi() -> None:
    candidate, control = side(400, 300, 300), side(5_000, 3_000, 2_000)  # a debiased PSI of 0.06
    assert contrast(candidate, control, POLICY).cause is ContrastCause.NONE
    strict = dataclasses.replace(POLICY, warn=0.01, drift=0.05)
    assert contrast(candidate, control, strict).cause is ContrastCause.CANDIDATE
    other = FixedPolicy(metric="js_distance", warn=0.01, drift=0.02)
    assert contrast(candidate, control, other).cause is ContrastCause.NONE
    assert contrast(side(200, 300, 500), control, other).cause is ContrastCause.CANDIDATE
