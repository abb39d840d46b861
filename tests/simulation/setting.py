"""The simulated deployment: two watched models and one that nobody watches, two signals, one segment key.

On the way beta is given another baseline, with other bins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np

from tests.simulation.events import Row

ENVIRONMENT: Final = "sim"
START_MS: Final = 1_760_000_000_000
CHANGE_MS: Final = START_MS + 880_000
FOREVER_MS: Final = 1 << 60
FUTURE_MS: Final = 300_000
PANE_MS: Final = 30_000
LATENESS_MS: Final = 120_000
UNWATCHED: Final = "nobodys"

FINE_EDGES: Final = (10.0, 20.0, 30.0, 40.0)
COARSE_EDGES: Final = (20.0, 40.0)
LOW: Final = 0.0
HIGH: Final = 100.0
NAMED: Final = ("card", "cash")
RARE: Final = "cheque"
KIND_BINS: Final = len(NAMED) + 4
"""The named, OTHER, UNSEEN, MISSING, INVALID."""
SEGMENT_VALUES: Final = ("eu", "us")
SEGMENT_MIN: Final = 20
"""Requests below which a segment's window goes into `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How one model is watched between two event times."""

    model: str
    since: int
    until: int
    pane_ms: int
    length_ms: int
    hop_ms: int
    grace_ms: int
    lateness_ms: int
    horizon_ms: int
    """How long answers and outcomes of one request wait for each other."""
    edges: tuple[float, ...] = FINE_EDGES

    @property
    def amount_bins(self) -> int:
        """below, between the edges, above, MISSING, INVALID."""
        return len(self.edges) + 5

    @property
    def bins(self) -> int:
        """Length of the vector of counts: amount's bins, then kind's."""
        return self.amount_bins + KIND_BINS

    def pane(self, timestamp: int) -> int:
        """Return the start of the pane that holds `timestamp`."""
        return timestamp - timestamp % self.pane_ms

    def over_at(self, timestamp: int) -> int:
        """Return the watermark from which on nothing is joined to an answer or outcome of this time."""
        return self.pane(timestamp) + self.pane_ms + self.horizon_ms

    def windows(self, pane: int) -> Iterator[tuple[int, int]]:
        """Yield start and end of the windows that hold a pane; none crosses a change."""
        first = pane + self.pane_ms - self.length_ms
        for start in range(first + -first % self.hop_ms, pane + 1, self.hop_ms):
            if start >= self.since and start + self.length_ms <= self.until:
                yield start, start + self.length_ms

    def bins_of(self, row: Row) -> tuple[int, int]:
        """Return the places of a row's two values in the vector of counts."""
        return self._amount_bin(row.amount), self.amount_bins + _kind_bin(row.kind)

    def _amount_bin(self, amount: float | None) -> int:
        if amount is None:
            return self.amount_bins - 2
        if not isfinite(amount):
            return self.amount_bins - 1
        if amount < LOW:
            return 0
        if amount > HIGH:
            return self.amount_bins - 3
        return 1 + int(np.searchsorted(self.edges, amount, side="right"))


WATCHED: Final = (
    Watched(
        model="alpha",
        since=0,
        until=FOREVER_MS,
        pane_ms=PANE_MS,
        length_ms=2 * PANE_MS,
        hop_ms=PANE_MS,
        grace_ms=10_000,
        lateness_ms=LATENESS_MS,
        horizon_ms=LATENESS_MS // 2,
    ),
    Watched(
        model="beta",
        since=0,
        until=CHANGE_MS,
        pane_ms=2 * PANE_MS,
        length_ms=2 * PANE_MS,
        hop_ms=2 * PANE_MS,
        grace_ms=0,
        lateness_ms=LATENESS_MS // 2,
        horizon_ms=LATENESS_MS // 2,
    ),
    Watched(
        model="beta",
        since=CHANGE_MS,
        until=FOREVER_MS,
        pane_ms=2 * PANE_MS,
        length_ms=2 * PANE_MS,
        hop_ms=2 * PANE_MS,
        grace_ms=0,
        lateness_ms=LATENESS_MS // 2,
        horizon_ms=LATENESS_MS // 2,
        edges=COARSE_EDGES,
    ),
)
MODELS: Final = ("alpha", "beta")
TOLERANCE: Final = 0.1


def watched_at(model: str, timestamp: int) -> Watched | None:
    """Return how a model is watched at an event time; None: nobody watches it."""
    return next((w for w in WATCHED if w.model == model and w.since <= timestamp < w.until), None)


def watched_since(model: str, timestamp: int) -> int:
    """Return since when a model is watched as it is at an event time."""
    watched = watched_at(model, timestamp)
    return 0 if watched is None else watched.since


def segments_of(row: Row) -> tuple[str, ...]:
    """Return the segments that a row counts in: all rows, and its region."""
    region = row.region if row.region in SEGMENT_VALUES else "other"
    return ("", f"region={region}")


def _kind_bin(kind: str | None) -> int:
    if kind is None:
        return KIND_BINS - 2
    if kind in NAMED:
        return NAMED.index(kind)
    return len(NAMED) + (kind != RARE)
