"""Numbers that others have published, or that the definitions fix; none was made by this code.

Each expected value stands in the project's definitions; where it came from another tool, the test says how that tool
was met: a distance is only defined together with its rule for empty bins.
"""

import numpy as np
import pytest
from scipy import stats

from kedge.detectors.arrays import Floats
from kedge.detectors.chi_square import chi_square
from kedge.detectors.hellinger import hellinger
from kedge.detectors.js import js_distance, js_divergence
from kedge.detectors.kl import kl
from kedge.detectors.ks import ks
from kedge.detectors.psi import psi
from kedge.detectors.shares import EmptyBins, shares

P = np.array([0.85, 0.05, 0.05, 0.05])
Q = np.full(4, 0.25)


def test_psi_and_both_divergences_of_plain_shares() -> None:
    p, q = shares(P, Q, EmptyBins.PLAIN)
    assert psi(p, q) == pytest.approx(1.699928, abs=5e-7)
    assert kl(q, p) == pytest.approx(0.901135, abs=5e-7)
    assert kl(p, q) == pytest.approx(0.798793, abs=5e-7)


def test_chi_square_drops_the_cell_that_is_empty_on_both_sides() -> None:
    result = chi_square(np.array([1, 2, 0, 5]), np.array([3, 4, 0, 2]), expected_min=0)
    assert result.statistic == pytest.approx(2.9036, abs=5e-5)
    assert result.p_value == pytest.approx(0.2341, abs=5e-5)
    assert result.degrees == 2


def test_js_divergence_is_one_for_disjoint_supports_and_zero_for_equal_shares() -> None:
    p, q = shares(np.array([1, 2, 0, 0]), np.array([0, 0, 3, 1]), EmptyBins.PLAIN)
    assert js_divergence(p, q) == pytest.approx(1.0, abs=1e-15)
    assert js_distance(p, q) == pytest.approx(1.0, abs=1e-15)
    assert js_divergence(P, P) == 0.0


def histograms_of_the_fixture() -> tuple[Floats, Floats]:
    """Ten equal bins over N(1, 1) and N(5, 2), 100 rows each, each sample drawn from legacy seed 31 afresh."""
    before = np.random.RandomState(31).normal(1, 1, 100)
    now = np.random.RandomState(31).normal(5, 2, 100)
    edges = np.histogram_bin_edges(np.concatenate([before, now]), bins=10)
    return np.histogram(before, edges)[0] / 100, np.histogram(now, edges)[0] / 100


def test_psi_with_the_least_float_in_empty_bins() -> None:
    assert psi(*shares(*histograms_of_the_fixture(), EmptyBins.FLOAT_MIN)) == pytest.approx(461.20379435, abs=1e-8)


def test_hellinger_of_plain_shares_with_empty_bins() -> None:
    assert hellinger(*shares(*histograms_of_the_fixture(), EmptyBins.PLAIN)) == pytest.approx(0.74509099, abs=1e-8)


def test_jeffreys_turns_the_same_samples_into_an_ordinary_number() -> None:
    p, q = (share * 100 for share in histograms_of_the_fixture())
    assert 1 < psi(*shares(p, q, EmptyBins.JEFFREYS)) < 10


def test_chi_square_against_expected_counts_is_the_limit_of_an_endless_reference() -> None:
    expected = np.array([16, 18, 16, 14, 12, 12])
    observed = np.array([16, 16, 16, 16, 16, 8])
    result = chi_square(expected * 1e9, observed, expected_min=0)
    assert result.p_value == pytest.approx(0.67309, abs=5e-6)
    assert hellinger(*shares(expected, observed, EmptyBins.PLAIN)) == pytest.approx(0.06812, abs=1e-5)


@pytest.mark.parametrize(
    ("psi_value", "kl_value", "ks_value", "js_value"), [(0.1, 0.05, 0.126, 0.134), (0.2, 0.10, 0.177, 0.190)]
)
def test_thresholds_agree_for_a_shift_of_a_normal_mean(
    psi_value: float, kl_value: float, ks_value: float, js_value: float
) -> None:
    # Between N(0, 1) and N(d, 1) the PSI is d².
    edges = np.linspace(-6, 7, 2_000)
    p = np.diff(stats.norm.cdf(edges))
    q = np.diff(stats.norm.cdf(edges, loc=psi_value**0.5))
    assert psi(p, q) == pytest.approx(psi_value, rel=1e-3)
    assert kl(q, p) == pytest.approx(kl_value, rel=1e-3)
    assert kl(p, q) == pytest.approx(kl_value, rel=1e-3)
    assert ks(p, q) == pytest.approx(ks_value, abs=5e-4)
    # The definitions give the JS distance to second order: √(PSI / (8 ln 2)).
    assert js_distance(p, q) == pytest.approx(js_value, abs=3e-3)


def test_jeffreys_shares_by_hand() -> None:
    # Four bins of which one is empty on both sides: B = 3, so (c + 1/2) / (n + 3/2).
    p, q = shares(np.array([3, 1, 0, 0]), np.array([1, 1, 2, 0]))
    assert p.tolist() == pytest.approx([3.5 / 5.5, 1.5 / 5.5, 0.5 / 5.5])
    assert q.tolist() == pytest.approx([1.5 / 5.5, 1.5 / 5.5, 2.5 / 5.5])
