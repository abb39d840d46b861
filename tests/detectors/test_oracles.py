"""The distances against SciPy on the same counts: another's code, written from other books."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.spatial import distance

from kedge.detectors.arrays import Counts, Floats
from kedge.detectors.chi_square import chi_square
from kedge.detectors.effect import POWER, detectable_psi
from kedge.detectors.g_test import g_test
from kedge.detectors.hellinger import hellinger
from kedge.detectors.js import js_distance
from kedge.detectors.kl import kl
from kedge.detectors.ks import ks, ks_p_value
from kedge.detectors.merging import sparse_groups
from kedge.detectors.psi import psi
from kedge.detectors.shares import EmptyBins, shares
from kedge.detectors.wasserstein import wasserstein_intervals, wasserstein_values
from tests.detectors.strategies import count_pairs


@given(count_pairs())
def test_information_distances(pair: tuple[Counts, Counts]) -> None:
    p, q = shares(*pair)
    assert kl(q, p) == pytest.approx(stats.entropy(q, p), abs=1e-12)
    assert kl(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-12)
    assert psi(p, q) == pytest.approx(stats.entropy(q, p) + stats.entropy(p, q), rel=1e-9, abs=1e-12)
    assert hellinger(p, q) == pytest.approx(distance.euclidean(np.sqrt(p), np.sqrt(q)) / 2**0.5, abs=1e-12)


@given(count_pairs())
def test_jensen_shannon(pair: tuple[Counts, Counts]) -> None:
    for rule in (EmptyBins.JEFFREYS, EmptyBins.PLAIN):
        p, q = shares(*pair, rule)
        # SciPy's root of a difference near zero may be NaN: compare squares.
        expected = np.nan_to_num(distance.jensenshannon(p, q, base=2)) ** 2
        assert js_distance(p, q) ** 2 == pytest.approx(expected, abs=1e-12)


@given(count_pairs())
def test_plain_divergences_are_infinite_where_scipys_are(pair: tuple[Counts, Counts]) -> None:
    p, q = shares(*pair, EmptyBins.PLAIN)
    assert kl(q, p) == pytest.approx(stats.entropy(q, p), abs=1e-12)
    assert psi(p, q) == pytest.approx(stats.entropy(q, p) + stats.entropy(p, q), rel=1e-9, abs=1e-12)


@given(count_pairs())
def test_chi_square_without_merging(pair: tuple[Counts, Counts]) -> None:
    table = np.stack(pair)
    table = table[:, table.any(axis=0)]
    expected = stats.chi2_contingency(table, correction=False)
    result = chi_square(*pair, expected_min=0)
    assert result.degrees == expected.dof
    assert result.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)
    if table.shape[1] > 1:
        assert result.cramers_v == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-9)


@given(count_pairs())
def test_chi_square_of_merged_bins_is_that_of_the_merged_table(pair: tuple[Counts, Counts]) -> None:
    table = np.stack(pair)
    table = table[:, table.any(axis=0)]
    pooled = table.sum(axis=0) / table.sum()
    groups = sparse_groups(pooled * table.sum(axis=1).min())
    merged = np.stack([np.bincount(groups, weights=row) for row in table])
    expected = stats.chi2_contingency(merged, correction=False)
    assert chi_square(*pair).p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)


@given(count_pairs(), st.sampled_from([1.0, 2.5]))
def test_g_test(pair: tuple[Counts, Counts], design_effect: float) -> None:
    reference, current = pair
    kept = (reference > 0) | (current > 0)
    n0, observed = reference.sum(), current[kept] / design_effect
    p = (reference[kept] + 0.5) / (n0 + kept.sum() / 2)
    groups = sparse_groups(observed.sum() * p)
    grouped, expected = np.bincount(groups, observed), np.bincount(groups, observed.sum() * p)
    statistic = stats.power_divergence(grouped, expected, lambda_="log-likelihood").statistic
    result = g_test(reference, current, design_effect)
    assert result.degrees == grouped.size - 1
    assert result.statistic == pytest.approx(statistic / (1 + observed.sum() / n0), rel=1e-9, abs=1e-9)
    if result.degrees:
        assert result.p_value == pytest.approx(stats.chi2.sf(result.statistic, result.degrees), rel=1e-9, abs=1e-300)
    else:
        assert result.p_value == 1.0


small_values = st.lists(st.integers(0, 8), min_size=2, max_size=200)


@given(small_values, small_values)
def test_ks_and_wasserstein_of_single_values(before: list[int], now: list[int]) -> None:
    p = np.bincount(before, minlength=9) / len(before)
    q = np.bincount(now, minlength=9) / len(now)
    expected = stats.ks_2samp(before, now, method="asymp")
    assert ks(p, q) == pytest.approx(expected.statistic, abs=1e-12)
    positions = np.sqrt(np.arange(9.0))
    assert wasserstein_values(positions, p, q) == pytest.approx(
        stats.wasserstein_distance(positions[before], positions[now]), abs=1e-9
    )


@pytest.mark.parametrize("d", [0.01, 0.05, 0.1, 0.2])
@pytest.mark.parametrize(("n", "n0"), [(200, 1_000), (2_000, 100_000)])
def test_ks_p_value_is_the_limiting_law(d: float, n: int, n0: int) -> None:
    h = n * n0 / (n + n0)
    assert ks_p_value(d, n, n0) == pytest.approx(stats.kstwobign.sf(h**0.5 * d), rel=1e-9, abs=1e-300)
    # The law of samples of this size, for which the limit stands.
    assert ks_p_value(d, n, n0) == pytest.approx(stats.kstwo.sf(d, round(h)), rel=0.25, abs=0.02)


@given(
    # Steps of 1/8: nearer positions are beyond the oracle's interpolation.
    st.lists(st.integers(-800, 800).map(lambda step: step / 8), min_size=2, max_size=8, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=9, max_size=9),
)
def test_wasserstein_over_intervals_is_the_integral(positions_list: list[float], rows: list[tuple[int, int]]) -> None:
    positions = np.array(positions_list)
    table = 1.0 + np.array(rows[: positions.size + 1]).T
    p, q = table / table.sum(axis=1, keepdims=True)
    gaps = np.cumsum(q - p)[:-1]

    def gap(x: float) -> float:
        return float(abs(np.interp(x, positions, gaps)))

    expected = sum(
        integrate.quad(gap, left, right, points=_crossing(left, right, gaps[i : i + 2]))[0]
        for i, (left, right) in enumerate(pairwise(positions_list))
    )
    assert wasserstein_intervals(positions, p, q) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def _crossing(left: float, right: float, ends: Floats) -> list[float] | None:
    """Where the gap is zero inside the interval: the integrand's kink."""
    if ends[0] * ends[1] >= 0:
        return None
    return [left + (right - left) * float(ends[0] / (ends[0] - ends[1]))]


@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("bins", [2, 12, 54])
@pytest.mark.parametrize(("n", "n0"), [(200, 1_000), (1_000, 100_000), (50_000.5, 1e6)])
def test_the_detectable_shift_is_found_with_probability_point_eight(
    threshold: float, bins: int, n: float, n0: float
) -> None:
    delta = detectable_psi(threshold, bins, n, n0)
    assert delta is not None
    h = n * n0 / (n + n0)
    critical = threshold * h + bins - 1
    assert stats.ncx2.sf(critical, bins - 1, delta * h) == pytest.approx(POWER, abs=1e-6)
    assert delta > threshold
