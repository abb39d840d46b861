"""Joins what lies in one partition on its requests: answers with answers, and answers with what came of them.

What is joined hangs on the logs alone, not on how they were cut or which of the two was read first: two facts are
joined if they lie within the horizon and the later answer came before the watermark had passed both. An outcome that
comes later than that may still be joined, as long as its answer's pane is held.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns
from kedge.streams.core.instructions import Observation
from kedge.streams.core.join_buffer import Entered, find, halves
from kedge.streams.core.join_cells import JoinCell, JoinKey
from kedge.streams.core.join_choice import Choice
from kedge.streams.core.join_counting import count_joined, count_joined_outcomes, count_own
from kedge.streams.core.join_facts import Answer, Fact, JoinPane, Observed
from kedge.streams.core.join_sampling import is_followed
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.plan import Plan
from kedge.streams.core.tally_state import TallyState

__all__ = ["FATES", "Joins"]

PANES_SPARE: Final = 256
"""Panes that are held past the horizon, at most, while outcomes are read more slowly than predictions."""

FATES: Final = "outcome_"
"""Prefix of what becomes of outcomes, among the tally's totals."""

_CHUNK: Final = 4_096
"""Facts that are joined at a time."""

LastWords = Callable[[JoinKey, JoinCell], bytes]


class Joins:
    """One partition's joins: take what was accepted, `count` once a chunk, then `expire`."""

    def __init__(self, catalog: Catalog, tally: TallyState, state: JoinState) -> None:
        self._tally = tally
        self._state = state
        self._choice = Choice(catalog, state)
        self._noted: Counter[tuple[str, str, str]] = Counter()

    def take_rows(self, plan: Plan, columns: Columns) -> None:
        """Follow some of the rows of a batch that were accepted; the watermark has not moved for them yet."""
        newest = int(columns.timestamps.max()) - plan.windows.grace_ms
        self._choice.take_rows(plan, columns, max(self._tally.watermark(columns.model), newest))

    def take_single(self, plan: Plan, event: Mapping[str, Any]) -> None:
        """Follow a single event that was accepted, or do not; the watermark has not moved for it yet."""
        newest = event["timestamp"] - plan.windows.grace_ms
        self._choice.take_single(plan, event, max(self._tally.watermark(event["model"]), newest))

    def take_outcome(self, outcome: Mapping[str, Any], pane_ms: int, horizon_ms: int) -> str | None:
        """Follow an outcome, or return why not."""
        return self._choice.take_outcome(outcome, pane_ms, horizon_ms)

    def count(self) -> None:
        """Join and count everything that was taken."""
        facts = self._choice.facts()
        for first in range(0, len(facts), _CHUNK):
            self._join(facts[first : first + _CHUNK])

    def expire(self, partial_of: LastWords, *, outcomes_through: int | None) -> None:
        """Drop panes that nothing is joined to any more; `partial_of` makes their cells' last words.

        `outcomes_through`: all outcomes appended up to this time are taken in; None: nobody sends any.
        """
        panes = self._state.buffer.panes.values()
        over = sorted(
            (pane for pane in panes if self._tally.watermark(pane.model) >= pane.over_at),
            key=lambda pane: (pane.over_at, pane.model, pane.start),
        )
        held = Counter(pane.model for pane in over)
        for pane in over:
            if pane.passed_at is None:
                pane.passed_at = self._tally.read_through
            lagging = outcomes_through is not None and outcomes_through < pane.passed_at
            if not lagging or held[pane.model] > PANES_SPARE:
                held[pane.model] -= 1
                self._drop(pane, partial_of)

    def fate(self, model: str, fate: str, rows: int = 1) -> None:
        """Take note of what became of outcomes."""
        self._tally.totals[FATES + fate] += rows
        if fate != "waiting":  # It may be taken back, which no counter of the metrics can be.
            self._noted["outcomes", model, fate] += rows

    def drain(self) -> Iterator[Observation]:
        """Yield what was noted since the last call, and how much is held."""
        for (name, model, fate), rows in self._noted.items():
            yield Observation(name, {"model": model, "fate": fate}, rows)
        self._noted.clear()
        for model, facts in self._state.buffer.sizes.items():
            yield Observation("join_facts", {"model": model}, facts)

    def _join(self, facts: Sequence[Fact]) -> None:
        kept: list[Answer] = []
        pairs: list[tuple[Answer, Answer]] = []
        joined: list[tuple[Answer, Observed]] = []
        for fact in facts:
            entered, others = self._state.buffer.enter(fact)
            self._note(fact, entered)
            if entered is not Entered.KEPT:
                continue
            if isinstance(fact, Answer):
                kept.append(fact)
            for answer, other in halves(fact, others):
                if isinstance(other, Answer):
                    find(answer)
                    find(other)
                    pairs.append((answer, other))
                else:
                    if find(other):
                        self.fate(fact.pane.model, "waiting", -1)
                        self.fate(fact.pane.model, "joined")
                    joined.append((answer, other))
        for counted in (*count_own(kept), *count_joined(pairs), *count_joined_outcomes(joined)):
            self._state.cells.add(*counted)

    def _note(self, fact: Fact, entered: Entered) -> None:
        model = fact.pane.model
        if entered is Entered.FULL:
            self._state.rates_of(model).fill(fact.pane.start)
        if isinstance(fact, Observed):
            self.fate(model, "waiting" if entered is Entered.KEPT else entered.value)
        else:
            self._noted["join_answers", model, entered.value] += 1

    def _drop(self, pane: JoinPane, partial_of: LastWords) -> None:
        unmatched: list[Answer] = []
        for fact in pane.facts:
            if isinstance(fact, Answer):
                unmatched += [fact] * (not fact.found and self._is_followed_around(fact))
            elif not fact.found:
                self.fate(pane.model, "waiting", -1)
                self.fate(pane.model, "unmatched")
        for counted in count_own(unmatched, unmatched=True):
            self._state.cells.add(*counted)
        self._state.buffer.drop(pane)
        self._state.cells.drop(pane.model, pane.start, partial_of)
        self._state.dropped.append(pane)
        rates = self._state.rates_of(pane.model)
        rates.dropped_through = max(rates.dropped_through, pane.over_at)
        rates.forget(pane.start - 2 * pane.horizon_ms)

    def _is_followed_around(self, fact: Answer) -> bool:
        """Whether its other half would have been followed, whatever pane it had come in."""
        first = fact.timestamp - fact.pane.horizon_ms - fact.pane.length_ms
        rate = self._state.rates_of(fact.pane.model).greatest(first, fact.timestamp + fact.pane.horizon_ms)
        return is_followed(fact.request, rate)
