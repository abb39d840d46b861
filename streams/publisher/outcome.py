"""What came of a prediction, as the queue holds it."""

from collections.abc import Mapping
from math import isfinite
from typing import Final, NamedTuple

import numpy as np

from kedge.schemas.records import Outcome
from kedge.streams.publisher.admission import Admission, Refusal, RefusedError, moment, name_of, request_id
from kedge.streams.publisher.row import utf8_bytes_max
from kedge.streams.publisher.values import label, number, plain

__all__ = ["OutcomeRow", "Told", "outcome_row"]

_BYTES: Final = 900
"""Memory of one, without its texts."""
_TEXT_BYTES: Final = 150


class OutcomeRow(NamedTuple):
    """One outcome; it stands in the queue among the predictions, and is numbered by nobody."""

    record: Outcome
    cost: int
    """Bytes of memory that the queue needs for it, about."""

    @property
    def rows(self) -> int:
        """One."""
        return 1

    @property
    def stream(self) -> None:
        """None: no batch says that it was dropped, only `stats` does."""
        return None

    def head(self, _rows: int) -> "OutcomeRow":
        """Return the outcome: one is all there is."""
        return self


class Told(NamedTuple):
    """The arguments of a call as they were given."""

    request_id: object
    model: object
    observed: object
    kind: object
    version: object
    score: object
    label: object
    predicted_at: object
    timestamp: object
    segment: object


def outcome_row(admission: Admission, told: Told, now_ms: int) -> OutcomeRow:
    """Return what can be sent of it; raises `RefusedError`."""
    score = number(told.score)
    record = Outcome(
        request_id=request_id(told.request_id),
        model=name_of(told.model, Refusal.STREAM),
        kind=name_of(told.kind, Refusal.KIND),
        timestamp=now_ms if told.timestamp is None else moment(told.timestamp),
        observed=_observed(told.observed),
        version=None if told.version is None else name_of(told.version, Refusal.STREAM),
        score=score if score is not None and isfinite(score) else None,
        label=label(told.label),
        predicted_at=None if told.predicted_at is None else moment(told.predicted_at),
        segment=admission.segment(told.segment),
    )
    return OutcomeRow(record, _BYTES + _weight(record.segment) + utf8_bytes_max(record.request_id))


def _observed(given: object) -> float | str:
    """A number (true is 1), or a class."""
    if isinstance(given, bool | np.bool_):
        return float(given)
    clean = plain(given)
    if clean is None or (isinstance(clean, float) and not isfinite(clean)):
        raise RefusedError(Refusal.OBSERVED)
    return clean


def _weight(segment: Mapping[str, str]) -> int:
    return sum(_TEXT_BYTES + utf8_bytes_max(value) for value in segment.values())
