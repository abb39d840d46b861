"""Sums of real numbers as integers keep their error and add up in any order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.fixed import LIMIT, fixed_sum, number

summed = st.lists(st.floats(-1e6, 1e6), max_size=50)


@given(summed)
def test_the_sum_is_within_half_a_unit_a_row(values: list[float]) -> None:
    assert abs(number(fixed_sum(np.array(values))) - math.fsum(values)) <= len(values) * (2.0**-21 + 1e-9)


@given(st.lists(st.floats(allow_nan=False), max_size=50), st.data())
def test_any_split_and_any_order_give_the_same_integers(values: list[float], data: st.DataObject) -> None:
    mixed = np.array(data.draw(st.permutations(values)), dtype=np.float64)
    cut = data.draw(st.integers(0, len(values)))
    parts = fixed_sum(mixed[:cut]) + fixed_sum(mixed[cut:])
    assert parts.tolist() == fixed_sum(np.array(values, dtype=np.float64)).tolist()


@pytest.mark.parametrize(("value", "counted"), [(math.inf, LIMIT), (-math.inf, -LIMIT), (1e300, LIMIT), (LIMIT, LIMIT)])
def test_what_is_beyond_the_limit_counts_as_the_limit(value: float, counted: float) -> None:
    assert number(fixed_sum(np.full(1_000, value))) == 1_000 * counted


def test_neither_part_overflows_in_two_thousand_million_rows() -> None:
    """Of the greatest high part, and of the greatest low one."""
    for value in (LIMIT, -LIMIT, 2.0**12 - 2.0**-20, -(2.0**-20)):
        assert np.all(np.abs(fixed_sum(np.array([value]))) <= 2**63 // 2**31)
