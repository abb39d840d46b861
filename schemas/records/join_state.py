"""What the tally keeps of requests that it follows: facts in packed segments, and the rates at which they are sampled.

Times are int milliseconds since 1970-01-01 UTC; arrays of numbers are little-endian, one value a fact.
"""

from dataclasses import dataclass

from kedge.schemas.records.enums import Role

__all__ = ["AnswerFacts", "JoinRates", "JoinSegment", "OutcomeFacts", "PaneRate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """Answers of one version in one role, counted by one plan."""

    version: str
    role: Role
    monitor: str
    baseline: str
    requests: bytes
    """uint64, hash of the request id."""
    timestamps: bytes
    """int64."""
    marks: bytes
    """int64, the model's watermark when the answer came."""
    scores: bytes
    """float64, NaN: none."""
    latencies_ms: bytes
    """float64, NaN: none."""
    flags: bytes
    """uint8: 1 failed, 2 its other half was found when this was written."""
    labels: tuple[str, ...]
    label_codes: bytes
    """int32 into the labels, -1: none."""
    codes: bytes
    """uint16, a row a fact: value of each segment key, then (of the primary's answers) the bin of each feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFacts:
    """Outcomes of one kind."""

    kind: str
    requests: bytes
    """uint64, hash of the request id."""
    timestamps: bytes
    """int64."""
    flags: bytes
    """uint8: 2 an answer was found when this was written."""
    values: bytes
    """float64: the number observed, or the place among `classes` of the class observed."""
    classes: tuple[str, ...]
    """Empty: numbers were observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinSegment:
    """Facts of one model and pane that came between two checkpoints."""

    model: str
    pane_start: int
    over_at: int
    """Watermark from which on nothing more is joined to the pane's facts."""
    horizon_ms: int
    answers: tuple[AnswerFacts, ...]
    outcomes: tuple[OutcomeFacts, ...]
    found: bytes
    """uint32: facts of earlier segments whose other half has come since, by their place in the pane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneRate:
    """How one pane's requests are sampled."""

    pane_start: int
    rate: int
    """One request of 2^rate is followed."""
    rows: int
    """Answers that came, followed or not."""
    full: bool
    """Facts were left out because there was no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRates:
    """How one model's requests are sampled."""

    model: str
    dropped_through: int
    """Panes that were over at this watermark have been dropped."""
    panes: tuple[PaneRate, ...]
