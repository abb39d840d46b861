"""Which requests are followed: by a hash of their id, so that every answer and outcome of one is, or none.

The rate of a pane is fixed when its first answer comes, from the traffic of the pane before. A request that is
followed at one rate is followed at every lower one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.records import JoinRates, PaneRate

__all__ = ["NEVER", "ModelRates", "followed", "is_followed"]

_FILL: Final = 3
"""Facts that a followed answer is likely to bring: itself, another version's, an outcome."""

NEVER: Final = 64
"""A rate at which no request is followed."""

_MIX: Final = 0x9E3779B97F4A7C15
"""Odd, by Knuth: bits that something else chose requests by do not choose these."""
_MASK: Final = 2**64 - 1


@dataclass(slots=True)
class _Traffic:
    rate: int
    rows: int = 0
    full: bool = False


class ModelRates:
    """One model's panes: at which rate each is sampled.

    >>> rates = ModelRates(facts_max=6)
    >>> rates.add(0, 10, panes=1), rates.add(60_000, 1, panes=1)
    (0, 3)
    """

    def __init__(self, facts_max: int) -> None:
        self._facts_max = facts_max
        self._panes: dict[int, _Traffic] = {}
        self.dropped_through = 0
        """Panes that were over at this watermark have been dropped."""

    def add(self, pane: int, rows: int, *, panes: int) -> int:
        """Take note of answers in a pane; returns its rate. `panes`: how many are held at a time."""
        traffic = self._panes.get(pane)
        if traffic is None:
            traffic = self._panes[pane] = _Traffic(self._rate(pane, panes))
        traffic.rows += rows
        return traffic.rate

    def fill(self, pane: int) -> None:
        """Take note that a fact of the pane was left out."""
        self._panes.setdefault(pane, _Traffic(0)).full = True

    def least(self, first_ms: int, last_ms: int) -> int:
        """Return the lowest rate of the panes that begin in a time; 0 where none is known."""
        return min((t.rate for start, t in self._panes.items() if first_ms <= start <= last_ms), default=0)

    def greatest(self, first_ms: int, last_ms: int) -> int:
        """Return the highest rate of these panes; `NEVER` where one had no room."""
        near = (t for start, t in self._panes.items() if first_ms <= start <= last_ms)
        return max((NEVER if t.full else t.rate for t in near), default=0)

    def forget(self, before_ms: int) -> None:
        """Forget panes that begin earlier, but the newest: the next takes its rate from that."""
        newest = max(self._panes, default=0)
        self._panes = {start: t for start, t in self._panes.items() if start >= before_ms or start == newest}

    def record(self, model: str) -> JoinRates:
        """Return the rates as their record."""
        panes = (
            PaneRate(pane_start=start, rate=t.rate, rows=t.rows, full=t.full)
            for start, t in sorted(self._panes.items())
        )
        return JoinRates(model=model, dropped_through=self.dropped_through, panes=tuple(panes))

    def load(self, record: JoinRates) -> None:
        """Take the rates of a record over."""
        self.dropped_through = record.dropped_through
        self._panes = {p.pane_start: _Traffic(p.rate, p.rows, p.full) for p in record.panes}

    def _rate(self, pane: int, panes: int) -> int:
        before = max((start for start in self._panes if start < pane), default=None)
        if before is None:
            return 0
        room = max(1, self._facts_max // (_FILL * panes))
        return max(0, -(-self._panes[before].rows // room) - 1).bit_length()


def followed(requests: NDArray[np.uint64], rates: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which requests are followed, each at its own rate; shapes (rows,)."""
    shift = np.clip(64 - rates, 1, 63).astype(np.uint64)
    chosen = requests * np.uint64(_MIX) >> shift == 0
    return np.asarray((rates == 0) | (chosen & (rates < NEVER)))


def is_followed(request: int, rate: int) -> bool:
    """Return whether one request is."""
    return rate == 0 or (rate < NEVER and (request * _MIX & _MASK) >> (64 - rate) == 0)
