"""Latency quantiles keep their bound, and counts merge."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors import latency
from kedge.detectors.arrays import Counts

LEAST, GREATEST = 2.0**-10, 2.0**22
in_range = st.floats(LEAST, math.nextafter(GREATEST, 0.0))


def counts_of(values: list[float]) -> Counts:
    return np.bincount(latency.bins(np.array(values, dtype=np.float64)), minlength=latency.SIZE)


@given(st.lists(in_range, min_size=1), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_one_sixty_fourth_of_the_exact_one(values: list[float], q: float) -> None:
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
    found = latency.quantile(counts_of(values), q)
    assert found is not None
    assert abs(found - exact) <= exact / 64


@given(st.lists(st.floats()), st.lists(st.floats()))
def test_counts_of_all_rows_are_the_sum_of_counts_of_parts(left: list[float], right: list[float]) -> None:
    assert np.array_equal(counts_of(left + right), counts_of(left) + counts_of(right))


@given(st.lists(in_range, min_size=2))
def test_bins_ascend_with_the_value(values: list[float]) -> None:
    assert np.all(np.diff(latency.bins(np.sort(np.array(values)))) >= 0)


@pytest.mark.parametrize("bad", [-1.0, -1e-300, math.nan, math.inf, -math.inf])
def test_what_is_no_latency_goes_into_the_last_bin_and_out_of_quantiles(bad: float) -> None:
    assert latency.bins(np.array([bad])).tolist() == [latency.INVALID]
    assert latency.quantile(counts_of([bad]), 0.5) is None
    assert latency.quantile(counts_of([bad, 8.0]), 0.5) == pytest.approx(8.0, rel=1 / 64)


def test_values_past_the_ends_count_as_the_ends() -> None:
    assert latency.bins(np.array([0.0, -0.0, 1e-9, 1e-300])).tolist() == [0, 0, 0, 0]
    assert latency.bins(np.array([GREATEST, 1e12, 1e308])).tolist() == [latency.INVALID - 1] * 3


def test_nothing_has_no_quantile_and_nonsense_is_refused() -> None:
    empty = np.zeros(latency.SIZE, dtype=np.int64)
    assert latency.quantile(empty, 0.5) is None
    for counts, q in ((empty[:-1], 0.5), (empty, 1.1), (empty, -0.1), (empty, math.nan)):
        with pytest.raises(ValueError, match="expected"):
            latency.quantile(counts, q)
