"""All that a page is made of, and who knows the monitors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import MonitorSpec
from kedge.streams.console.board import Board, ModelBoard
from kedge.streams.console.situation import Reading, Situation
from kedge.streams.core.catalog import ActiveMonitor
from kedge.streams.core.plan import Plan
from kedge.streams.people.standing import Standing

__all__ = ["Monitors", "Outlook"]


class Monitors(Protocol):
    """The monitors and baselines that the worker goes by (its catalog)."""

    def models(self) -> tuple[str, ...]:
        """Return the models that have a monitor."""

    def spec(self, monitor_hash: str) -> MonitorSpec | None:
        """Return a monitor by its hash."""

    def monitor_at(self, model: str, timestamp: int) -> ActiveMonitor | None:
        """Return the monitor that acts at a time."""

    def plan(self, monitor_hash: str, baseline_hash: str) -> Plan | None:
        """Return a monitor and a baseline put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is known at one moment; `now_ms`: wall clock."""

    environment: str
    board: Board
    monitors: Monitors
    codec: Codec
    reading: Reading
    now_ms: int

    def situations(self) -> Iterator[Situation]:
        """Yield every model that is monitored, or of which something was read, by name."""
        for model in sorted({*self.monitors.models(), *self.board.models}):
            yield self.situation(model)

    def situation(self, model: str) -> Situation:
        """Return one model's."""
        board = self.board.models.get(model) or ModelBoard(model, Standing(model))
        return Situation(board, self._spec(board), self.now_ms, self.reading)

    def knows(self, model: str) -> bool:
        """Whether there is anything to say of a model."""
        return model in self.board.models or model in self.monitors.models()

    def _spec(self, board: ModelBoard) -> MonitorSpec | None:
        """The monitor that the newest report was judged by, or the one that acts now."""
        newest = max(board.streams.values(), key=lambda track: track.last.window_end, default=None)
        found = None if newest is None else self.monitors.spec(newest.monitor)
        if found is not None:
            return found
        active = self.monitors.monitor_at(board.model, self.now_ms)
        return None if active is None else active.spec
