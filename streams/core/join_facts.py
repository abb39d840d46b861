"""What is remembered of a request that is followed: an answer, or what came of it.

A fact is put beside the others of its request and never changes, but for `found`: its other half has come.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.records import Role
from kedge.streams.core.binning import signal_bins
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.counting import segment_codes
from kedge.streams.core.join_layouts import pair_features
from kedge.streams.core.plan import Plan

__all__ = ["CODE", "LABEL_CHARS_MAX", "Answer", "Answering", "Fact", "JoinPane", "Observed", "answers_of", "shadow_of"]

CODE: Final = np.dtype("<u2")

LABEL_CHARS_MAX: Final = 200
"""Of a class that is longer, this much is remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Answering:
    """Whose answers, and by which plan they are counted."""

    version: str
    role: str
    plan: Plan

    @property
    def primary(self) -> bool:
        """Whether these are what the others are compared with."""
        return self.role == Role.PRIMARY


@dataclass(slots=True, eq=False)
class JoinPane:
    """One model's facts of one pane: kept together, and dropped together."""

    model: str
    start: int
    length_ms: int
    over_at: int
    """Watermark from which on nothing is joined to them any more."""
    horizon_ms: int
    facts: "list[Fact]" = field(default_factory=list)
    written: int = 0
    """So many of the facts are in the state; a fact's place there is its index."""
    found: list[int] = field(default_factory=list)
    """Places of those in the state whose other half has come since."""
    segments: int = 0
    """Records of the state."""
    passed_at: int | None = None
    """Append time by which the watermark had come to `over_at`."""


@dataclass(slots=True, eq=False, kw_only=True)
class Answer:
    """One version's answer."""

    pane: JoinPane
    request: int
    timestamp: int
    mark: int
    """The model's watermark when it came."""
    answering: Answering
    score: float
    """NaN: none."""
    latency_ms: float
    """NaN: none."""
    failed: bool
    label: str | None
    codes: bytes
    """As `CODE`: value of each segment key, then (where primary) the bin of each feature."""
    found: bool = False
    place: int = -1


@dataclass(slots=True, eq=False, kw_only=True)
class Observed:
    """What came of a request, of one kind."""

    pane: JoinPane
    request: int
    timestamp: int
    kind: str
    value: float | str
    found: bool = False
    place: int = -1


Fact: TypeAlias = Answer | Observed


def answers_of(
    answering: Answering, columns: Columns, requests: Sequence[int], marks: Sequence[int], panes: Sequence[JoinPane]
) -> Iterator[Answer]:
    """Yield each row's answer; requests, marks and panes are the rows'."""
    codes = _codes(answering, columns)
    scores, latencies = _numbers(columns.score, columns.rows), _numbers(columns.latency_ms, columns.rows)
    failed = [False] * columns.rows if columns.errors is None else columns.errors.tolist()
    labels = _labels(columns)
    for i, timestamp in enumerate(columns.timestamps.tolist()):
        yield Answer(
            pane=panes[i],
            request=requests[i],
            timestamp=timestamp,
            mark=marks[i],
            answering=answering,
            score=scores[i],
            latency_ms=latencies[i],
            failed=failed[i],
            label=labels[i],
            codes=codes[i].tobytes(),
        )


def shadow_of(answer: Answer, answering: Answering, shadow: Mapping[str, Any]) -> Answer:
    """Return a shadow's answer that came decoded inside the event of another's `answer`."""
    segments = len(answering.plan.segments) * CODE.itemsize
    return Answer(
        pane=answer.pane,
        request=answer.request,
        timestamp=answer.timestamp,
        mark=answer.mark,
        answering=answering,
        score=np.nan if shadow["score"] is None else shadow["score"],
        latency_ms=np.nan if shadow["latency_ms"] is None else shadow["latency_ms"],
        failed=shadow["error"] is not None,
        label=None if shadow["label"] is None else shadow["label"][:LABEL_CHARS_MAX],
        codes=answer.codes[:segments],
    )


def _codes(answering: Answering, columns: Columns) -> NDArray[np.uint16]:
    """Shape (rows, keys and features): only the primary's features are looked at when pairs disagree."""
    plan = answering.plan
    found = [segment_codes(columns, key, values) for key, values in plan.segments.items()]
    if answering.primary and plan.monitor.comparison is not None:
        found += [signal_bins(signal, [columns]) for signal in pair_features(plan)]
    if not found:
        return np.zeros((columns.rows, 0), CODE)
    return np.stack(found, axis=1).astype(CODE)


def _numbers(column: Numbers | None, rows: int) -> list[float]:
    if column is None:
        return [float("nan")] * rows
    values: list[float] = (
        column.values if column.valid is None else np.where(column.valid, column.values, np.nan)
    ).tolist()
    return values


def _labels(columns: Columns) -> list[str | None]:
    label = columns.label
    if label is None:
        return [None] * columns.rows
    names: list[str | None] = [label.dictionary[code][:LABEL_CHARS_MAX] for code in label.codes.tolist()]
    if label.valid is None:
        return names
    return [name if valid else None for name, valid in zip(names, label.valid.tolist(), strict=True)]
