"""Facts that wait for their other half: found by request, dropped by pane.

Two facts are joined when the second comes, whatever the order: which of them are joined hangs on the facts alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import Enum

from kedge.streams.core.join_facts import Answer, Fact, JoinPane, Observed

__all__ = ["Entered", "JoinBuffer", "find", "halves", "same"]


class Entered(Enum):
    """What became of a fact."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    FULL = "no_room"


class JoinBuffer:
    """All facts of a partition; bounded by model."""

    def __init__(self, facts_max: int) -> None:
        self._facts_max = facts_max
        self._requests: dict[str, dict[int, list[Fact]]] = defaultdict(dict)
        self.sizes: Counter[str] = Counter()
        self.panes: dict[tuple[str, int], JoinPane] = {}

    def pane(self, model: str, start: int, over_at: int, horizon_ms: int) -> JoinPane:
        """Return a pane to put facts into."""
        pane = self.panes.get((model, start))
        if pane is None:
            pane = self.panes[model, start] = JoinPane(model, start, over_at - horizon_ms - start, over_at, horizon_ms)
        return pane

    def enter(self, fact: Fact) -> tuple[Entered, list[Fact]]:
        """Put a fact beside the others of its request; returns those that it is joined to.

        A fact that is there already is left out, and so is one for which there is no room.
        """
        model = fact.pane.model
        known = self._requests[model].get(fact.request, [])
        if any(same(fact, other) for other in known):
            return Entered.DUPLICATE, []
        if self.sizes[model] >= self._facts_max:
            return Entered.FULL, []
        fact.pane.facts.append(fact)
        found = [other for other in known if _joined(fact, other)]
        self._put(fact)
        return Entered.KEPT, found

    def load(self, fact: Fact) -> None:
        """Put a restored fact in its place in its pane; what it was joined to is counted already."""
        fact.place = len(fact.pane.facts)
        fact.pane.facts.append(fact)
        self._put(fact)

    def drop(self, pane: JoinPane) -> None:
        """Forget a pane's facts."""
        del self.panes[pane.model, pane.start]
        requests = self._requests[pane.model]
        for fact in pane.facts:
            left = [other for other in requests[fact.request] if other is not fact]
            if left:
                requests[fact.request] = left
            else:
                del requests[fact.request]
        self.sizes[pane.model] -= len(pane.facts)

    def _put(self, fact: Fact) -> None:
        self._requests[fact.pane.model].setdefault(fact.request, []).append(fact)
        self.sizes[fact.pane.model] += 1


def find(fact: Fact) -> bool:
    """Take note that a fact's other half has come; returns whether it is the first."""
    if fact.found:
        return False
    fact.found = True
    if fact.place >= 0:
        fact.pane.found.append(fact.place)
    return True


def halves(fact: Fact, others: list[Fact]) -> Iterator[tuple[Answer, Fact]]:
    """Yield each of the joined as (candidate, control) or (answer, outcome)."""
    for other in others:
        swap = isinstance(fact, Observed) or (isinstance(other, Answer) and fact.answering.primary)
        first, second = (other, fact) if swap else (fact, other)
        if isinstance(first, Answer):
            yield first, second


def same(fact: Fact, other: Fact) -> bool:
    """Return whether one of the two facts is enough."""
    if isinstance(fact, Observed):
        return isinstance(other, Observed) and fact.kind == other.kind
    if isinstance(other, Observed):
        return False
    mine, its = fact.answering, other.answering
    # What is over is as good as dropped: whether it has been by now hangs on how the log was cut.
    return (mine.version, mine.role) == (its.version, its.role) and fact.mark < other.pane.over_at


def _joined(fact: Fact, other: Fact) -> bool:
    if abs(fact.timestamp - other.timestamp) > min(fact.pane.horizon_ms, other.pane.horizon_ms):
        return False
    match fact, other:
        case Answer(), Answer():
            control = fact if fact.answering.primary else other
            return (
                fact.answering.primary != other.answering.primary
                and control.answering.plan.monitor.comparison is not None
                and max(fact.mark, other.mark) < min(fact.pane.over_at, other.pane.over_at)
            )
        case Answer() as answer, Observed() as outcome:
            return _observed(answer, outcome)
        case Observed() as outcome, Answer() as answer:
            return _observed(answer, outcome)
        case _:
            return False


def _observed(answer: Answer, outcome: Observed) -> bool:
    return outcome.kind in answer.answering.plan.monitor.outcomes and answer.mark < outcome.pane.over_at
