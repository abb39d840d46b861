"""Facts as records of the state topic: appended with each checkpoint, read back whole."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from kedge.schemas.records import AnswerFacts, JoinSegment, OutcomeFacts, Role
from kedge.streams.core.join_facts import Answer, Answering, Fact, JoinPane, Observed

__all__ = ["SEGMENT_FACTS", "facts_of", "segments_of"]

SEGMENT_FACTS: Final = 5_000
"""Facts in one record of the state."""

SEGMENT_BYTES: Final = 500_000
"""About as long it may get; a primary's answer with a thousand features takes two thousand bytes."""

_FACT_BYTES: Final = 60
_CHAR_BYTES: Final = 4

_FAILED, _FOUND = 1, 2
_NO_CLASS = -1

FindAnswering = Callable[[str, str, tuple[str, str]], Answering | None]
"""(version, role, plan's hashes) to whose answers they are; None where the plan was withdrawn."""


def segments_of(pane: JoinPane) -> Iterator[JoinSegment]:
    """Yield what of a pane is not in the state yet, which it is from now on."""
    while pane.written < len(pane.facts) or pane.found:
        yield _segment_of(pane)


def _segment_of(pane: JoinPane) -> JoinSegment:
    fresh = _some(pane)
    answers = defaultdict[Answering, list[Answer]](list)
    outcomes = defaultdict[str, list[Observed]](list)
    for fact in fresh:
        if isinstance(fact, Answer):
            answers[fact.answering].append(fact)
        else:
            outcomes[fact.kind].append(fact)
    ordered: list[Fact] = []
    ordered += [answer for group in answers.values() for answer in group]
    ordered += [outcome for group in outcomes.values() for outcome in group]
    for place, fact in enumerate(ordered, pane.written):
        fact.place = place
    end = pane.written + len(ordered)
    pane.facts[pane.written : end] = ordered
    pane.written = end
    found, pane.found = pane.found, []
    pane.segments += 1
    return JoinSegment(
        model=pane.model,
        pane_start=pane.start,
        over_at=pane.over_at,
        horizon_ms=pane.horizon_ms,
        answers=tuple(_answers(answering, group) for answering, group in answers.items()),
        outcomes=tuple(_outcomes(kind, group) for kind, group in outcomes.items()),
        found=np.array(found, "<u4").tobytes(),
    )


def facts_of(segment: JoinSegment, pane: JoinPane, find: FindAnswering) -> Iterator[Fact]:
    """Yield a segment's facts in their places; marks what earlier ones have been found since."""
    for place in np.frombuffer(segment.found, "<u4").tolist():
        pane.facts[place].found = True
    for answers in segment.answers:
        answering = find(answers.version, answers.role.value, (answers.monitor, answers.baseline))
        if answering is not None:
            yield from _restored_answers(answers, answering, pane)
        else:
            yield from _placeholders(answers, pane)
    for outcomes in segment.outcomes:
        yield from _restored_outcomes(outcomes, pane)


def _some(pane: JoinPane) -> list[Fact]:
    """The next facts to be written, as many as make a record of half a megabyte."""
    size = 0
    some: list[Fact] = []
    for fact in pane.facts[pane.written : pane.written + SEGMENT_FACTS]:
        text = fact.label if isinstance(fact, Answer) else fact.value
        size += _FACT_BYTES + (len(fact.codes) if isinstance(fact, Answer) else 0)
        size += _CHAR_BYTES * len(text) if isinstance(text, str) else 0
        if some and size > SEGMENT_BYTES:
            break
        some.append(fact)
    return some


def _answers(answering: Answering, facts: Sequence[Answer]) -> AnswerFacts:
    labels: dict[str | None, int] = {None: _NO_CLASS}
    for fact in facts:
        labels.setdefault(fact.label, len(labels) - 1)
    return AnswerFacts(
        version=answering.version,
        role=Role(answering.role),
        monitor=answering.plan.hashes[0],
        baseline=answering.plan.hashes[1],
        requests=np.array([fact.request for fact in facts], "<u8").tobytes(),
        timestamps=np.array([fact.timestamp for fact in facts], "<i8").tobytes(),
        marks=np.array([fact.mark for fact in facts], "<i8").tobytes(),
        scores=np.array([fact.score for fact in facts], "<f8").tobytes(),
        latencies_ms=np.array([fact.latency_ms for fact in facts], "<f8").tobytes(),
        flags=bytes(_FAILED * fact.failed | _FOUND * fact.found for fact in facts),
        labels=tuple(label for label in labels if label is not None),
        label_codes=np.array([labels[fact.label] for fact in facts], "<i4").tobytes(),
        codes=b"".join([fact.codes for fact in facts]),
    )


def _restored_answers(answers: AnswerFacts, answering: Answering, pane: JoinPane) -> Iterator[Answer]:
    rows = len(answers.flags)
    width = len(answers.codes) // rows
    labels = (*answers.labels, None)
    columns = zip(
        _column(answers.requests, "<u8"),
        _column(answers.timestamps, "<i8"),
        _column(answers.marks, "<i8"),
        np.frombuffer(answers.scores, "<f8").tolist(),
        np.frombuffer(answers.latencies_ms, "<f8").tolist(),
        _column(answers.label_codes, "<i4"),
        strict=True,
    )
    for i, (request, timestamp, mark, score, latency_ms, label) in enumerate(columns):
        yield Answer(
            pane=pane,
            request=request,
            timestamp=timestamp,
            mark=mark,
            answering=answering,
            score=score,
            latency_ms=latency_ms,
            failed=bool(answers.flags[i] & _FAILED),
            label=labels[label],
            codes=answers.codes[i * width : (i + 1) * width],
            found=bool(answers.flags[i] & _FOUND),
        )


def _placeholders(answers: AnswerFacts, pane: JoinPane) -> Iterator[Observed]:
    """Stand where answers stood whose plan was withdrawn: the facts after them must keep their places."""
    for request in _column(answers.requests, "<u8"):
        yield Observed(pane=pane, request=request, timestamp=pane.start, kind="", value="", found=True)


def _outcomes(kind: str, facts: Sequence[Observed]) -> OutcomeFacts:
    classes: dict[str, int] = {}
    values = [
        classes.setdefault(fact.value, len(classes)) if isinstance(fact.value, str) else fact.value for fact in facts
    ]
    return OutcomeFacts(
        kind=kind,
        requests=np.array([fact.request for fact in facts], "<u8").tobytes(),
        timestamps=np.array([fact.timestamp for fact in facts], "<i8").tobytes(),
        flags=bytes(_FOUND * fact.found for fact in facts),
        values=np.array(values, "<f8").tobytes(),
        classes=tuple(classes),
    )


def _restored_outcomes(outcomes: OutcomeFacts, pane: JoinPane) -> Iterator[Observed]:
    columns = zip(
        _column(outcomes.requests, "<u8"),
        _column(outcomes.timestamps, "<i8"),
        np.frombuffer(outcomes.values, "<f8").tolist(),
        strict=True,
    )
    for i, (request, timestamp, value) in enumerate(columns):
        yield Observed(
            pane=pane,
            request=request,
            timestamp=timestamp,
            kind=outcomes.kind,
            value=outcomes.classes[int(value)] if outcomes.classes else value,
            found=bool(outcomes.flags[i] & _FOUND),
        )


def _column(data: bytes, form: str) -> list[int]:
    column: list[int] = np.frombuffer(data, form).tolist()
    return column
