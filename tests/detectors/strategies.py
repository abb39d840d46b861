"""Inputs that several tests draw."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kedge.detectors.arrays import Counts, Floats

finite_floats = st.floats(allow_nan=False, allow_infinity=False)


def count_pairs(bins_max: int = 30, rows_max: int = 10_000) -> st.SearchStrategy[tuple[Counts, Counts]]:
    """Two vectors of counts over the same bins, each with at least one row."""

    def pair(bins: int) -> st.SearchStrategy[tuple[Counts, Counts]]:
        side = hnp.arrays(np.int64, bins, elements=st.integers(0, rows_max)).filter(lambda counts: bool(counts.any()))
        return st.tuples(side, side)

    return st.integers(1, bins_max).flatmap(pair)


def columns(elements: st.SearchStrategy[float], rows_max: int = 60) -> st.SearchStrategy[Floats]:
    """A numeric column."""
    return st.lists(elements, max_size=rows_max).map(lambda values: np.array(values, dtype=np.float64))
