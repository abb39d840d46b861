"""Joined counts by (kind, outcome, model, version, control, role, segment, plan, pane), and what of them is new."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.packed import pack_signed, unpack_signed
from kedge.schemas.records import JoinKind, JoinPartial, Role

__all__ = ["JoinCell", "JoinCells", "JoinKey"]

Counts = NDArray[np.int64]


class JoinKey(NamedTuple):
    """What a cell counts; the fields are those of `JoinPartial`."""

    kind: str
    outcome: str
    model: str
    version: str
    control: str
    role: str
    segment: str
    monitor: str
    baseline: str
    pane_start: int

    def encode(self) -> bytes:
        """Return the key as it stands in the state topic."""
        return json.dumps(self, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "JoinKey":
        """Return the key; the inverse of `encode`."""
        return cls(*json.loads(data))


@dataclass(slots=True)
class JoinCell:
    """Counts of one cell; two of the same key are added up."""

    pane_ms: int
    bins: int
    counts: Counts
    """What is left out at the end is 0: most cells have no use for a layout's last and longest parts."""
    flags: int = 0

    def add(self, counts: Counts) -> None:
        """Add counts."""
        if counts.size > self.counts.size:
            self.counts = np.concatenate((self.counts, np.zeros(counts.size - self.counts.size, np.int64)))
        self.counts[: counts.size] += counts

    def partial(self, key: JoinKey, source: int, through: int) -> JoinPartial:
        """Return the cell as the record that state and `partials` hold."""
        return JoinPartial(
            source=source,
            kind=JoinKind(key.kind),
            outcome=key.outcome,
            model=key.model,
            version=key.version,
            control=key.control,
            role=Role(key.role),
            segment=key.segment,
            monitor=key.monitor,
            baseline=key.baseline,
            pane_start=key.pane_start,
            pane_ms=self.pane_ms,
            through=through,
            bins=self.bins,
            counts=pack_signed(self.counts),
            flags=self.flags,
        )

    @classmethod
    def of(cls, partial: JoinPartial) -> "JoinCell":
        """Return the cell of a partial; the inverse of `partial`. `UndecodableError` for counts that do not fit."""
        counts = unpack_signed(partial.counts, partial.bins)
        return cls(partial.pane_ms, partial.bins, np.trim_zeros(counts, "b"), partial.flags)


class JoinCells:
    """All live cells; those of a (kind, model, pane) go together."""

    def __init__(self) -> None:
        self.cells: dict[JoinKey, JoinCell] = {}
        self.dirty: set[JoinKey] = set()
        self.gone: dict[JoinKey, bytes | None] = {}
        """Dropped since the last snapshot; with its partial where that was not told yet."""
        self._panes: dict[tuple[bool, str, int], set[JoinKey]] = {}

    def add(self, key: JoinKey, pane_ms: int, bins: int, counts: Counts) -> JoinCell:
        """Add counts to a cell of `bins` counters; returns it."""
        cell = self.cells.get(key)
        if cell is None:
            cell = self.load(key, JoinCell(pane_ms, bins, np.zeros(0, np.int64)))
        cell.add(counts)
        self.dirty.add(key)
        return cell

    def load(self, key: JoinKey, cell: JoinCell) -> JoinCell:
        """Enter a new or restored cell."""
        self.cells[key] = cell
        self._panes.setdefault(_place(key), set()).add(key)
        return cell

    def versions(self, model: str) -> set[str]:
        """Return the versions that the model's live cells are of."""
        found = ((name, keys) for (_, name, _), keys in self._panes.items())
        return {key.version for name, keys in found if name == model for key in keys}

    def drop(
        self, model: str, start: int, partial_of: Callable[[JoinKey, JoinCell], bytes], *, labels: bool = False
    ) -> None:
        """Drop a pane's cells; `partial_of` makes a cell's last words."""
        for key in sorted(self._panes.pop((labels, model, start), ())):
            cell = self.cells.pop(key)
            self.gone[key] = partial_of(key, cell) if key in self.dirty else None
            self.dirty.discard(key)

    def told(self) -> None:
        """A snapshot has taken everything that is new."""
        self.dirty, self.gone = set(), {}

    def changed(self) -> Iterator[tuple[JoinKey, JoinCell]]:
        """Yield the cells that have changed since the last snapshot."""
        for key in sorted(self.dirty):
            yield key, self.cells[key]


def _place(key: JoinKey) -> tuple[bool, str, int]:
    return key.kind == JoinKind.LABEL, key.model, key.pane_start
