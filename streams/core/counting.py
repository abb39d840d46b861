"""Rows to counts: bins each signal once for many messages and adds the bins up by cell.

The parts of one (model, version, role, plan) are joined column by column, so that a signal is
binned in one numpy call for all of them; a *group* is a pane, or a pane and a segment's value.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kedge.detectors import latency
from kedge.streams.core.binning import signal_bins
from kedge.streams.core.cells import Cell, Counts
from kedge.streams.core.columns import Columns, Texts
from kedge.streams.core.plan import OTHER_SEGMENT, Plan
from kedge.streams.core.rules import count_rules

__all__ = ["count_groups", "segment_codes"]

Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Grouping:
    """Rows to groups: `codes`, shape (rows,), and each group's segment and pane."""

    codes: Codes
    names: Sequence[tuple[str, int]]

    def sum(self, bins: Codes, size: int) -> Counts:
        """Return counts, shape (groups, size), of one bin a row."""
        if len(self.names) == 1:
            return np.bincount(bins, minlength=size).reshape(1, size)
        flat = np.bincount(self.codes * size + bins, minlength=len(self.names) * size)
        return flat.reshape(len(self.names), size)

    def rows(self, weights: NDArray[np.float64] | None = None) -> Counts:
        """Return rows, or their summed weights, shape (groups,)."""
        return np.bincount(self.codes, weights, minlength=len(self.names)).astype(np.int64)


def count_groups(plan: Plan, parts: Sequence[Columns]) -> Iterator[tuple[str, int, Cell]]:
    """Yield each (segment, pane start) with rows in it and its counts; `parts` are of one stream."""
    groupings = list(_groupings(plan, parts))
    tables = [np.zeros((len(g.names), plan.layout.size), np.int64) for g in groupings]
    for signal in plan.signals:
        bins = signal_bins(signal, parts)
        for grouping, table in zip(groupings, tables, strict=True):
            table[:, signal.where] = grouping.sum(bins, signal.grid.size)
    for where, size, codes in count_rules(plan, parts):
        for grouping, table in zip(groupings, tables, strict=True):
            table[:, where] = grouping.sum(codes, size + 1)[:, :size]
    took = np.concatenate([_latency(part) for part in parts])
    failed = np.concatenate([_failed(part) for part in parts])
    unexpected = np.concatenate([_unexpected(plan, part) for part in parts])
    for grouping, table in zip(groupings, tables, strict=True):
        requests = grouping.rows()
        latencies = grouping.sum(took, latency.SIZE)
        errors = grouping.rows(failed) if failed.any() else requests * 0
        strangers = grouping.rows(unexpected) if unexpected.any() else requests * 0
        for i, (segment, pane) in enumerate(grouping.names):
            if requests[i]:
                yield (
                    segment,
                    pane,
                    Cell(
                        pane_ms=plan.windows.pane_ms,
                        counts=table[i],
                        latency=latencies[i],
                        requests=int(requests[i]),
                        errors=int(errors[i]),
                        unexpected=int(strangers[i]),
                    ),
                )


def _groupings(plan: Plan, parts: Sequence[Columns]) -> Iterator[_Grouping]:
    pane_ms = plan.windows.pane_ms
    timestamps = np.concatenate([part.timestamps for part in parts])
    panes, codes = _panes(timestamps, pane_ms)
    yield _Grouping(codes, [("", pane) for pane in panes])
    for key, values in plan.segments.items():
        names = (*values, OTHER_SEGMENT)
        value_codes = np.concatenate([segment_codes(part, key, values) for part in parts])
        yield _Grouping(
            value_codes * len(panes) + codes,
            [(f"{key}={name}", pane) for name in names for pane in panes],
        )


def _panes(timestamps: NDArray[np.int64], pane_ms: int) -> tuple[list[int], Codes]:
    """The panes with rows in them, and each row's index among them."""
    first = int(timestamps.min()) // pane_ms
    if first == int(timestamps.max()) // pane_ms:
        return [first * pane_ms], np.zeros(timestamps.size, np.intp)
    # unique, not a range: two rows fifty years apart are two panes, not 26 million.
    panes, codes = np.unique(timestamps // pane_ms, return_inverse=True)
    return [int(pane) * pane_ms for pane in panes], codes


def segment_codes(part: Columns, key: str, values: Sequence[str]) -> Codes:
    """Return the index of each row's value in the allow-list; one past it for anything else."""
    texts: Texts | None = part.segments.get(key)
    other = len(values)
    if texts is None:
        return np.full(part.rows, other, np.intp)
    index = {value: i for i, value in enumerate(values)}
    lookup = np.array([index.get(text, other) for text in texts.dictionary], np.intp)
    codes = lookup[texts.codes]
    return codes if texts.valid is None else np.where(texts.valid, codes, other)


def _latency(part: Columns) -> Codes:
    """Bin of each row's latency."""
    if part.latency_ms is None:
        return np.full(part.rows, latency.INVALID, np.intp)
    bins = latency.bins(part.latency_ms.values)
    valid = part.latency_ms.valid
    return bins if valid is None else np.where(valid, bins, latency.INVALID)


def _failed(part: Columns) -> NDArray[np.float64]:
    """1 for each row that was answered with an error."""
    return np.zeros(part.rows) if part.errors is None else part.errors.astype(np.float64)


def _unexpected(plan: Plan, part: Columns) -> NDArray[np.float64]:
    """How many feature values of each row neither baseline nor monitor names."""
    found = np.zeros(part.rows)
    for name in (part.numbers.keys() | part.strings.keys()) - plan.named:
        column = part.numbers.get(name) or part.strings[name]
        found += 1.0 if column.valid is None else column.valid
    return found
