"""Joined facts to counts: for each (segment, pane) one vector, all rows of it at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kedge.detectors.outcomes import OutcomeColumns, OutcomeKind, count_outcomes
from kedge.detectors.pairs import NO_LABEL, PairColumns, PairLayout, count_pairs
from kedge.schemas.records import JoinKind
from kedge.streams.core.join_cells import JoinKey
from kedge.streams.core.join_facts import CODE, Answer, Answering, JoinPane, Observed
from kedge.streams.core.join_layouts import outcome_layout, pair_layout
from kedge.streams.core.plan import OTHER_SEGMENT, Plan

__all__ = ["Counted", "Outcomes", "count_joined", "count_joined_outcomes", "count_own", "count_rows", "segment_names"]

Codes = NDArray[np.uint16]


class Counted(NamedTuple):
    """Counts to be added to a cell."""

    key: JoinKey
    pane_ms: int
    bins: int
    """Length of the whole vector; of `counts` what is left out at its end is 0."""
    counts: NDArray[np.int64]


class Outcomes(NamedTuple):
    """Outcomes of one kind of one (version, role, plan), row by row; `codes` of the segments, shape (rows, keys)."""

    answering: Answering
    kind: str
    observed: Sequence[float | str]
    scores: Sequence[float]
    labels: Sequence[str | None]
    codes: Codes


def count_joined(pairs: Iterable[tuple[Answer, Answer]]) -> Iterator[Counted]:
    """Yield the counts of pairs of (candidate, control), by the control's plan, pane and segments."""
    groups = defaultdict[tuple[Answering, Answering, JoinPane], list[tuple[Answer, Answer]]](list)
    for candidate, control in pairs:
        groups[candidate.answering, control.answering, control.pane].append((candidate, control))
    for (candidates, controls, pane), rows in groups.items():
        plan = controls.plan
        codes = _codes([control for _, control in rows])
        columns = _pair_columns(plan, rows, codes)
        tolerance = plan.monitor.compared.tolerance
        whole = pair_layout(plan)
        # Features come last. Of all rows they are enough: in each segment they would be most of the memory.
        short = PairLayout(whole.labels, ())
        for segment, chosen in _segments(plan, codes):
            key = _key(JoinKind.PAIR, candidates, pane, segment)
            key = key._replace(control=controls.version, monitor=plan.hashes[0], baseline=plan.hashes[1])
            part, layout = (columns, whole) if not segment else (_taken(columns, chosen), short)
            yield Counted(key, plan.windows.pane_ms, whole.size, count_pairs(layout, part, tolerance))


def count_joined_outcomes(joined: Iterable[tuple[Answer, Observed]]) -> Iterator[Counted]:
    """Yield the counts of answers and what came of them, by the answer's plan, pane and segments."""
    groups = defaultdict[tuple[Answering, str, JoinPane], list[tuple[Answer, Observed]]](list)
    for answer, outcome in joined:
        groups[answer.answering, outcome.kind, answer.pane].append((answer, outcome))
    for (answering, kind, pane), rows in groups.items():
        answers = [answer for answer, _ in rows]
        outcomes = Outcomes(
            answering=answering,
            kind=kind,
            observed=[outcome.value for _, outcome in rows],
            scores=[answer.score for answer in answers],
            labels=[answer.label for answer in answers],
            codes=_codes(answers),
        )
        for segment, counts in count_rows(outcomes):
            key = _key(JoinKind.OUTCOME, answering, pane, segment)._replace(outcome=kind)
            yield Counted(key, answering.plan.windows.pane_ms, counts.size, counts)


def count_rows(outcomes: Outcomes) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield the counts of each segment that outcomes lie in."""
    plan = outcomes.answering.plan
    layout = outcome_layout(plan.monitor.outcomes[outcomes.kind])
    index = {name: float(i) for i, name in enumerate(layout.names)}
    other = float(len(layout.names))
    observed = np.array([index.get(v, other) if isinstance(v, str) else v for v in outcomes.observed], np.float64)
    if layout.kind is OutcomeKind.NUMERIC:
        labels = np.full(observed.size, NO_LABEL, np.int16)
    else:
        labels = _label_codes(layout.names, outcomes.labels)
    scores = np.array(outcomes.scores, np.float64)
    for segment, chosen in _segments(plan, outcomes.codes):
        columns = OutcomeColumns(observed=observed[chosen], score=scores[chosen], label=labels[chosen])
        yield segment, count_outcomes(layout, columns)


def count_own(answers: Iterable[Answer], *, unmatched: bool = False) -> Iterator[Counted]:
    """Yield what is counted of answers that are followed; `unmatched`: whose other half has not come in time."""
    groups = defaultdict[tuple[Answering, JoinPane], list[Answer]](list)
    for answer in answers:
        groups[answer.answering, answer.pane].append(answer)
    for (answering, pane), rows in groups.items():
        plan = answering.plan
        for segment, chosen in _segments(plan, _codes(rows)):
            number = int(np.count_nonzero(chosen))
            if plan.monitor.comparison is not None:
                layout = pair_layout(plan)
                own = (layout.candidates, layout.controls)
                slot = ((layout.unmatched_candidate, layout.unmatched_control) if unmatched else own)[answering.primary]
                key = _key(JoinKind.PAIR, answering, pane, segment)
                yield Counted(key, plan.windows.pane_ms, layout.size, _one(slot, number))
            for kind, spec in () if unmatched else plan.monitor.outcomes.items():
                outcome = outcome_layout(spec)
                key = _key(JoinKind.OUTCOME, answering, pane, segment)._replace(outcome=kind)
                yield Counted(key, plan.windows.pane_ms, outcome.size, _one(outcome.predictions, number))


def segment_names(plan: Plan) -> Iterator[tuple[int, int, str]]:
    """Yield each segment of a plan: its key's place, its value's code, and its name."""
    for place, (key, values) in enumerate(plan.segments.items()):
        for code, value in enumerate((*values, OTHER_SEGMENT)):
            yield place, code, f"{key}={value}"


def _segments(plan: Plan, codes: Codes) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """All rows, then each segment with rows in it and which these are."""
    yield "", np.ones(len(codes), np.bool_)
    for place, code, name in segment_names(plan):
        chosen = codes[:, place] == code
        if chosen.any():
            yield name, chosen


def _key(kind: JoinKind, answering: Answering, pane: JoinPane, segment: str) -> JoinKey:
    hashes = answering.plan.hashes
    return JoinKey(kind.value, "", pane.model, answering.version, "", answering.role, segment, *hashes, pane.start)


def _codes(answers: Sequence[Answer]) -> Codes:
    return np.frombuffer(b"".join([answer.codes for answer in answers]), CODE).reshape(len(answers), -1)


def _one(slot: int, number: int) -> NDArray[np.int64]:
    counts = np.zeros(slot + 1, np.int64)
    counts[slot] = number
    return counts


def _label_codes(names: Sequence[str], labels: Iterable[str | None]) -> NDArray[np.int16]:
    index: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    index[None] = NO_LABEL
    return np.array([index.get(label, len(names)) for label in labels], np.int16)


def _pair_columns(plan: Plan, rows: Sequence[tuple[Answer, Answer]], codes: Codes) -> PairColumns:
    candidates, controls = [first for first, _ in rows], [second for _, second in rows]
    names = pair_layout(plan).labels
    return PairColumns(
        candidate_score=np.array([answer.score for answer in candidates], np.float64),
        control_score=np.array([answer.score for answer in controls], np.float64),
        candidate_label=_label_codes(names, [answer.label for answer in candidates]),
        control_label=_label_codes(names, [answer.label for answer in controls]),
        candidate_failed=np.array([answer.failed for answer in candidates]),
        control_failed=np.array([answer.failed for answer in controls]),
        candidate_latency_ms=np.array([answer.latency_ms for answer in candidates], np.float64),
        control_latency_ms=np.array([answer.latency_ms for answer in controls], np.float64),
        bins=codes[:, len(plan.segments) :],
    )


def _taken(columns: PairColumns, rows: NDArray[np.bool_]) -> PairColumns:
    """Some rows, without their features."""
    return PairColumns(
        candidate_score=columns.candidate_score[rows],
        control_score=columns.control_score[rows],
        candidate_label=columns.candidate_label[rows],
        control_label=columns.control_label[rows],
        candidate_failed=columns.candidate_failed[rows],
        control_failed=columns.control_failed[rows],
        candidate_latency_ms=columns.candidate_latency_ms[rows],
        control_latency_ms=columns.control_latency_ms[rows],
        bins=columns.bins[rows, :0],
    )
