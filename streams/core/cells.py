"""The unit of counting: one (model, version, role, segment, plan, pane) and its integer vectors."""

import json
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kedge.detectors import latency
from kedge.schemas.packed import pack_counts, unpack_counts
from kedge.schemas.records import Partial, Role, SenderRows, UnseenCategory

__all__ = ["DUPLICATES_POSSIBLE", "UNSEEN_MAX", "Cell", "CellKey", "Counts"]

Counts = NDArray[np.int64]

DUPLICATES_POSSIBLE: Final = 1
"""Flag of a cell counted while the deduplication bound was passed."""

UNSEEN_MAX: Final = 64
"""Unseen categories followed one by one in a cell; the bin counts all of them."""


class CellKey(NamedTuple):
    """What a cell counts. `segment` empty: all rows, else key=value; `baseline` empty: none."""

    model: str
    version: str
    role: str
    segment: str
    monitor: str
    baseline: str
    pane_start: int

    def encode(self) -> bytes:
        """Return the key as it stands in state topics: JSON, because versions are free text."""
        return json.dumps(self, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "CellKey":
        """Return the key; the inverse of `encode`."""
        return cls(*json.loads(data))

    @classmethod
    def of(cls, partial: Partial) -> "CellKey":
        """Return the key of the cell that a partial counts."""
        return cls(
            partial.model, partial.version, partial.role.value, partial.segment,
            partial.monitor, partial.baseline, partial.pane_start,
        )  # fmt: skip


@dataclass(slots=True)
class Unseen:
    """How often an unseen category came; its name only once it may be told."""

    count: int = 0
    name: str | None = None


@dataclass(slots=True)
class Cell:
    """Counts of one cell; merging two is adding them up."""

    pane_ms: int
    counts: Counts
    latency: Counts = field(default_factory=lambda: np.zeros(latency.SIZE, np.int64))
    requests: int = 0
    errors: int = 0
    unexpected: int = 0
    lost: int = 0
    flags: int = 0
    unseen: dict[tuple[int, int], Unseen] = field(default_factory=dict)
    senders: dict[int, int] = field(default_factory=dict)
    """Rows by hash of the sender, of those with the most."""

    @classmethod
    def empty(cls, pane_ms: int, bins: int) -> "Cell":
        """Return the identity of `merge`."""
        return cls(pane_ms, np.zeros(bins, np.int64))

    def merge(self, other: "Cell") -> None:
        """Add another cell of the same plan to this one."""
        self.counts += other.counts
        self.latency += other.latency
        self.requests += other.requests
        self.errors += other.errors
        self.unexpected += other.unexpected
        self.lost += other.lost
        self.flags |= other.flags
        for key, unseen in other.unseen.items():
            mine = self.unseen.setdefault(key, Unseen())
            mine.count += unseen.count
            mine.name = mine.name or unseen.name
        for sender, rows in other.senders.items():
            self.senders[sender] = self.senders.get(sender, 0) + rows

    def partial(self, key: CellKey, source: int, through: int) -> Partial:
        """Return the cell as the record that state and `partials` hold."""
        return Partial(
            source=source,
            model=key.model,
            version=key.version,
            role=Role(key.role),
            segment=key.segment,
            monitor=key.monitor,
            baseline=key.baseline,
            pane_start=key.pane_start,
            pane_ms=self.pane_ms,
            through=through,
            requests=self.requests,
            errors=self.errors,
            unexpected=self.unexpected,
            lost=self.lost,
            bins=self.counts.size,
            counts=pack_counts(self.counts),
            latency=pack_counts(self.latency),
            unseen=tuple(
                UnseenCategory(signal=signal, hash=hashed, count=u.count, name=u.name)
                for (signal, hashed), u in self.unseen.items()
            ),
            senders=tuple(
                SenderRows(hash=sender, rows=rows)
                for sender, rows in sorted(self.senders.items(), key=lambda item: (-item[1], item[0]))
            ),
            flags=self.flags,
        )

    @classmethod
    def of(cls, partial: Partial) -> "Cell":
        """Return the cell of a partial; the inverse of `partial`."""
        return cls(
            pane_ms=partial.pane_ms,
            counts=unpack_counts(partial.counts, partial.bins),
            latency=unpack_counts(partial.latency, latency.SIZE),
            requests=partial.requests,
            errors=partial.errors,
            unexpected=partial.unexpected,
            lost=partial.lost,
            flags=partial.flags,
            unseen={(u.signal, u.hash): Unseen(u.count, u.name) for u in partial.unseen},
            senders={sender.hash: sender.rows for sender in partial.senders},
        )
