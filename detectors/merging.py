"""Merging sparse bins, so that a χ² law holds for what is left (definitions, G)."""

import numpy as np

from kedge.detectors.arrays import Bins, Floats

EXPECTED_MIN = 5.0
"""Expected rows below which a bin is merged: the usual rule (Cochran, 1954)."""


def sparse_groups(expected: Floats, least: float = EXPECTED_MIN) -> Bins:
    """The group of every bin, shape (B,), such that each group expects ``least`` rows or all are one group.

    The smallest bin is joined with the next smallest until they reach ``least``, then the next group begins; a rest
    that does not reach it joins the smallest group. Depends on ``expected`` alone (ties by position), never on the
    rows observed.

    >>> sparse_groups(np.array([100.0, 2.0, 50.0, 1.0, 4.0])).tolist()
    [2, 0, 1, 0, 0]
    """
    order = np.argsort(expected, kind="stable")
    groups = np.empty(expected.size, dtype=np.intp)
    group, held = 0, 0.0
    for index in order.tolist():
        groups[index] = group
        held += float(expected[index])
        if held >= least:
            group, held = group + 1, 0.0
    # A rest is left only where even the largest bin expects too few: no group is large, but one is the smallest.
    if held > 0 and group > 0:
        totals = np.bincount(groups, weights=expected)[:group]
        groups[groups == group] = int(totals.argmin())
    return groups
