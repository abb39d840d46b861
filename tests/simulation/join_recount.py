"""A plain recount of what belongs together: every answer and outcome of a request against every other, at the end.

Which of them may be joined is what the two logs say; it has nothing of buffers, segments or chunks. Of an outcome that
came after the predictions had gone past the horizon the logs do not say whether it was joined: it may have been.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import NamedTuple

from kedge.schemas.partition import partition_for
from kedge.schemas.records import Role
from tests.simulation.events import CLICK, THIRD, Message, Row, Told, request_of
from tests.simulation.setting import FUTURE_MS, MODELS, TOLERANCE, Watched, segments_of, watched_at

FOREVER = 1 << 62


class JoinPlace(NamedTuple):
    """What a joined cell counts, but for the source partition; `kind` PAIR or OUTCOME."""

    kind: str
    model: str
    version: str
    control: str
    role: str
    segment: str
    pane: int


@dataclass(eq=False, slots=True)
class Answer:
    """One answer that was counted."""

    model: str
    version: str
    role: Role
    request: str
    row: Row
    mark: int
    """The watermark that it had come to."""
    paired: bool = False

    watched: Watched = field(init=False)
    over_at: int = field(init=False)
    """The watermark from which on nothing is joined to it."""

    def __post_init__(self) -> None:
        watched = watched_at(self.model, self.row.timestamp)
        assert watched is not None
        self.watched, self.over_at = watched, watched.over_at(self.row.timestamp)


@dataclass(slots=True)
class Joins:
    """One partition's answers and outcomes as they came; `count` them when all have."""

    number: int
    partitions: int
    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[tuple[str, str], tuple[int, Told]] = field(default_factory=dict)
    """The first of each request, with its append time."""
    passed: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """(append time, watermark after it) of each model."""
    fates: Counter[str] = field(default_factory=Counter)
    dead_letters: int = 0

    def answer(self, message: Message, index: int, mark: int) -> None:
        """Take an answer that was counted, and the shadow's inside it."""
        row, stream = message.rows[index], message.stream
        request = request_of(message, index)
        self._take(Answer(stream.model, stream.version, stream.role, request, row, mark))
        if row.shadow is not None:
            inside = replace(row, score=row.shadow, failed=False)
            self._take(Answer(stream.model, THIRD, Role.SHADOW, request, inside, mark))

    def move(self, model: str, appended: int, mark: int) -> None:
        """Take note of where a model's watermark stands after a record."""
        self.passed[model].append((appended, mark))

    def outcome(self, told: Told, appended: int) -> None:
        """Take an outcome, whatever it is worth."""
        self.fates["received"] += 1
        if partition_for(told.request.encode(), self.partitions) != self.number:
            self.fates["refused"] += 1
            self.dead_letters += 1
        elif told.model not in MODELS:
            self.fates["unmonitored"] += 1
        elif not 0 < told.timestamp <= appended + FUTURE_MS:
            self.fates["quarantined"] += 1
            self.dead_letters += 1
        elif told.kind != CLICK:
            self.fates["unexpected"] += 1
        else:
            self.outcomes.setdefault((told.model, told.request), (appended, told))

    def count(self) -> Iterator[tuple[JoinPlace, str, int]]:
        """Yield (place, slot, number)."""
        for answers in self.answers.values():
            for answer in answers:
                yield from self._own(answer)
            for candidate in answers:
                for control in answers:
                    if control.role is Role.PRIMARY is not candidate.role and _meet(candidate, control):
                        yield from _pair(candidate, control)
            for answer in answers:
                if not answer.paired and self._passed_at(answer.model, answer.over_at) < FOREVER:
                    slot = "unmatched_control" if answer.role is Role.PRIMARY else "unmatched_candidate"
                    yield from _in_segments("PAIR", answer, answer, "", slot)

    def _take(self, answer: Answer) -> None:
        if answer.mark >= answer.over_at:
            return
        known = self.answers[answer.model, answer.request]
        same = [other for other in known if (other.version, other.role) == (answer.version, answer.role)]
        if all(answer.mark >= other.over_at for other in same):
            known.append(answer)

    def _own(self, answer: Answer) -> Iterator[tuple[JoinPlace, str, int]]:
        slot = "controls" if answer.role is Role.PRIMARY else "candidates"
        yield from _in_segments("PAIR", answer, answer, "", slot)
        yield from _in_segments("OUTCOME", answer, answer, "", "predictions")
        if (answer.model, answer.request) not in self.outcomes:
            return
        appended, told = self.outcomes[answer.model, answer.request]
        watched = watched_at(told.model, told.timestamp)
        assert watched is not None
        horizon = min(watched.horizon_ms, answer.watched.horizon_ms)
        over_at = watched.over_at(told.timestamp)
        if abs(told.timestamp - answer.row.timestamp) <= horizon and answer.mark < over_at:
            in_time = min(self._passed_at(told.model, over_at), self._passed_at(told.model, answer.over_at))
            slot = "clicks" if told.observed else "no clicks"
            yield from _in_segments("OUTCOME", answer, answer, "", f"{slot} at most")
            if appended < in_time:
                yield from _in_segments("OUTCOME", answer, answer, "", f"{slot} at least")

    def _passed_at(self, model: str, mark: int) -> int:
        """When the model's watermark had come so far."""
        passed = self.passed[model]
        place = bisect_left(passed, mark, key=itemgetter(1))
        return passed[place][0] if place < len(passed) else FOREVER


def _meet(candidate: Answer, control: Answer) -> bool:
    horizon = min(candidate.watched.horizon_ms, control.watched.horizon_ms)
    if abs(candidate.row.timestamp - control.row.timestamp) > horizon:
        return False
    return max(candidate.mark, control.mark) < min(candidate.over_at, control.over_at)


def _pair(candidate: Answer, control: Answer) -> Iterator[tuple[JoinPlace, str, int]]:
    candidate.paired = control.paired = True
    apart = abs(candidate.row.score - control.row.score) > TOLERANCE
    yield from _in_segments("PAIR", candidate, control, control.version, "pairs")
    if apart or candidate.row.failed != control.row.failed:
        yield from _in_segments("PAIR", candidate, control, control.version, "disagreements")


def _in_segments(
    kind: str, answer: Answer, where: Answer, control: str, slot: str
) -> Iterator[tuple[JoinPlace, str, int]]:
    pane = where.watched.pane(where.row.timestamp)
    for segment in segments_of(where.row):
        yield JoinPlace(kind, answer.model, answer.version, control, answer.role.value, segment, pane), slot, 1
