"""Everything that a tally joins, behind one door: it is given what was accepted, and told when a chunk is over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dead_letters import DeadLetterWriter
from kedge.streams.core.instructions import Observation
from kedge.streams.core.join import Joins
from kedge.streams.core.join_labels import Labels
from kedge.streams.core.join_outcomes import OUTCOMES, OutcomeIntake, Parts
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.join_store import JoinStore
from kedge.streams.core.plan import Plan
from kedge.streams.core.record import Record
from kedge.streams.core.tally_state import TallyState

__all__ = ["TallyJoins"]

CLOCK_ERROR_MS: Final = 60_000
"""How far the clock of whoever asked for a log's end may be ahead of the broker's."""


class TallyJoins:
    """One partition's joins, labels and outcomes."""

    def __init__(
        self, config: CoreConfig, catalog: Catalog, codec: Codec, tally: TallyState, letters: DeadLetterWriter
    ) -> None:
        self._tally = tally
        self._reads_outcomes = OUTCOMES in config.topology
        self._state = state = JoinState()
        self.store = JoinStore(config, tally, state, codec)
        self._joins = Joins(catalog, tally, state)
        self._labels = Labels(tally, state)
        parts = Parts(tally, state, self._joins, self._labels, config.topology.get(OUTCOMES, 1))
        self._outcomes = OutcomeIntake(catalog, codec, letters, parts)

    def take_rows(self, plan: Plan, columns: Columns) -> None:
        """Take rows of a batch that were accepted; the watermark has not moved for them yet."""
        if plan.monitor.joins:
            self._joins.take_rows(plan, columns)

    def take_single(self, plan: Plan, event: Mapping[str, Any]) -> None:
        """Take a single event that was accepted; the watermark has not moved for it yet."""
        if plan.monitor.joins:
            self._joins.take_single(plan, event)

    def take_outcomes(self, records: Sequence[Record]) -> None:
        """Take records of `outcomes`."""
        for record in records:
            self._outcomes.take(record)
            self._tally.outcomes_through = max(self._tally.outcomes_through, record.timestamp)

    def take_told(self, outcomes: Iterable[Mapping[str, Any]]) -> None:
        """Take outcomes that were read from a file."""
        for outcome in outcomes:
            self._outcomes.take_told(outcome)

    def stand(self, ends: Mapping[str, int], now_ms: int) -> None:
        """Take note of where the logs ended at `now_ms`."""
        if self._tally.committed.get(OUTCOMES, -1) + 1 >= ends.get(OUTCOMES, 0):
            self._tally.outcomes_through = max(self._tally.outcomes_through, now_ms - CLOCK_ERROR_MS)
        self._expire()

    def count(self) -> None:
        """Join and count what was taken, and drop what waits no more."""
        self._joins.count()
        self._labels.count()
        self._state.counted()
        self._expire()

    def drain(self) -> Iterator[Observation]:
        """Yield the observations since the last call."""
        return self._joins.drain()

    def _expire(self) -> None:
        through = self._tally.outcomes_through if self._reads_outcomes else None
        self._joins.expire(self.store.partial, outcomes_through=through)
        self._labels.expire(self.store.partial)
