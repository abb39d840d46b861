"""Which of the accepted rows are followed: chosen by numpy as they are accepted, made into facts once a chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import numpy as np

from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Role
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.columns import Columns, columns_of_singles
from kedge.streams.core.join_facts import (
    LABEL_CHARS_MAX,
    Answer,
    Answering,
    Fact,
    JoinPane,
    Observed,
    answers_of,
    shadow_of,
)
from kedge.streams.core.join_sampling import NEVER, followed, is_followed
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.panes import pane_start
from kedge.streams.core.plan import Plan

__all__ = ["Choice"]

SHADOWS_MAX: Final = 8
"""Shadow answers of one event that are followed."""

VERSIONS_MAX: Final = 32
"""Versions of one model with live joined counts in one partition; shadows' names are as free as any text."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one batch that are followed."""

    order: int
    plan: Plan
    columns: Columns
    mark: int


@dataclass(frozen=True, slots=True)
class _Single:
    """A single event that is followed."""

    order: int
    event: Mapping[str, Any]
    mark: int


class Choice:
    """Takes rows as they come; hands facts out in the order in which their records came."""

    def __init__(self, catalog: Catalog, state: JoinState) -> None:
        self._catalog = catalog
        self._state = state
        self._order = 0
        self._rows: list[_Rows] = []
        self._singles: dict[tuple[str, str, str, Plan], list[_Single]] = {}
        self._outcomes: list[tuple[int, Fact]] = []

    def take_rows(self, plan: Plan, columns: Columns, mark: int) -> None:
        """Choose among rows of one batch; `mark`: the watermark that they have come to."""
        requests = columns.requests
        if requests is None:
            return
        pane_ms = plan.windows.pane_ms
        panes, codes = np.unique(columns.timestamps // pane_ms, return_inverse=True)
        rows = np.bincount(codes).tolist()
        rates = [
            self._rate(columns.model, plan, pane * pane_ms, mark, count)
            for pane, count in zip(panes.tolist(), rows, strict=True)
        ]
        chosen = followed(requests, np.array(rates, np.int64)[codes])
        if chosen.any():
            self._rows.append(_Rows(self._next(), plan, columns.take(chosen), mark))

    def take_single(self, plan: Plan, event: Mapping[str, Any], mark: int) -> None:
        """Choose a single event, or do not; its shadows go with it."""
        start = pane_start(event["timestamp"], plan.windows.pane_ms)
        rate = self._rate(event["model"], plan, start, mark, 1 + len(event["shadows"]))
        if is_followed(id_hash(event["request_id"]), rate):
            key = (event["model"], event["version"], event["role"], plan)
            self._singles.setdefault(key, []).append(_Single(self._next(), event, mark))

    def take_outcome(self, outcome: Mapping[str, Any], pane_ms: int, horizon_ms: int) -> str | None:
        """Choose an outcome, or return why not."""
        model, timestamp, request = outcome["model"], outcome["timestamp"], id_hash(outcome["request_id"])
        start = pane_start(timestamp, pane_ms)
        over_at = start + pane_ms + horizon_ms
        rates = self._state.rates_of(model)
        if over_at <= rates.dropped_through:
            return "late"
        # The lowest rate of any pane that its answer may lie in: whatever answer is followed finds it here.
        if not is_followed(request, rates.least(start - horizon_ms - pane_ms, timestamp + horizon_ms)):
            return "unsampled"
        pane = self._state.buffer.pane(model, start, over_at, horizon_ms)
        value = outcome["observed"]
        value = value[:LABEL_CHARS_MAX] if isinstance(value, str) else value
        fact = Observed(pane=pane, request=request, timestamp=timestamp, kind=outcome["kind"], value=value)
        self._outcomes.append((self._next(), fact))
        return None

    def facts(self) -> Sequence[Fact]:
        """Return what was chosen since the last call, in order."""
        if not self._order:
            return ()
        facts = list(self._outcomes)
        for rows in self._rows:
            facts += self._of_rows(rows)
        for (model, version, role, plan), singles in self._singles.items():
            facts += self._of_singles(model, self._state.answering(version, role, plan), singles)
        self._order, self._rows, self._singles, self._outcomes = 0, [], {}, []
        return [fact for _, fact in sorted(facts, key=itemgetter(0))]

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _rate(self, model: str, plan: Plan, start: int, mark: int, rows: int) -> int:
        """The pane's rate; never, where it is over by the time that these rows are counted."""
        pane_ms, horizon_ms = plan.windows.pane_ms, plan.monitor.compared.join_horizon_ms
        if mark >= start + pane_ms + horizon_ms:
            return NEVER
        return self._state.rates_of(model).add(start, rows, panes=horizon_ms // pane_ms + 2)

    def _pane(self, model: str, timestamp: int, plan: Plan) -> JoinPane:
        pane_ms, horizon_ms = plan.windows.pane_ms, plan.monitor.compared.join_horizon_ms
        start = pane_start(timestamp, pane_ms)
        return self._state.buffer.pane(model, start, start + pane_ms + horizon_ms, horizon_ms)

    def _of_rows(self, rows: _Rows) -> list[tuple[int, Fact]]:
        columns = rows.columns
        requests = [] if columns.requests is None else columns.requests.tolist()
        panes = [self._pane(columns.model, timestamp, rows.plan) for timestamp in columns.timestamps.tolist()]
        answering = self._state.answering(columns.version, columns.role, rows.plan)
        answers = answers_of(answering, columns, requests, [rows.mark] * columns.rows, panes)
        return [(rows.order, answer) for answer in answers]

    def _of_singles(self, model: str, answering: Answering, singles: Sequence[_Single]) -> list[tuple[int, Fact]]:
        answers = answers_of(
            answering,
            columns_of_singles([single.event for single in singles]),
            [id_hash(single.event["request_id"]) for single in singles],
            [single.mark for single in singles],
            [self._pane(model, single.event["timestamp"], answering.plan) for single in singles],
        )
        facts: list[tuple[int, Fact]] = []
        for answer, single in zip(answers, singles, strict=True):
            facts.append((single.order, answer))
            facts += [(single.order, shadow) for shadow in self._shadows(model, answer, single.event)]
        return facts

    def _shadows(self, model: str, answer: Answer, event: Mapping[str, Any]) -> list[Answer]:
        shadows = []
        for shadow in event["shadows"][:SHADOWS_MAX]:
            plan = self._catalog.plan_at(model, shadow["version"], event["timestamp"])
            if plan is not None and self._state.version_fits(model, shadow["version"], VERSIONS_MAX):
                shadowing = self._state.answering(shadow["version"], Role.SHADOW.value, plan)
                shadows.append(shadow_of(answer, shadowing, shadow))
        return shadows
