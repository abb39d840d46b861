"""What tally and judge keep in their state topics; read by the agent that wrote it, and by nobody else.

Times are int milliseconds since 1970-01-01 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kedge.schemas.records.enums import Role

__all__ = [
    "EventIds",
    "Gap",
    "JudgeDetail",
    "JudgeModel",
    "LastSeen",
    "LateSource",
    "LedgerEntry",
    "LiveStream",
    "ModelSource",
    "ModelTime",
    "ProducerState",
    "SourceProgress",
    "TallyDetail",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTime:
    """One model's event time in this partition."""

    model: str
    max_timestamp: int
    watermark: int
    """Largest timestamp so far less the grace."""
    last_appended: int
    """Append time of its last event here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyDetail:
    """The tally's own part of a Position."""

    read_through: int
    """All records appended up to this time are counted."""
    totals: Mapping[str, int]
    """Rows and outcomes by fate since the state began; the fates add up to received."""
    models: tuple[ModelTime, ...]
    outcomes_through: int = 0
    """All outcomes appended up to this time are taken in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Sequences that have not come."""

    first: int
    last: int
    rows: int
    """Rows missing in it still."""
    pane_start: int
    """The pane charged."""
    monitor: str
    baseline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerState:
    """What was seen of one sender's stream in this partition."""

    producer: str
    model: str
    version: str
    role: Role
    high: int
    """Highest sequence seen."""
    rows_through: int
    """Rows of the stream up to and with the highest sequence, counted by the sender."""
    seen: bytes
    """Bitmap of the last sequences: bit i is sequence high - i."""
    dropped: int
    """Last drop count reported."""
    max_timestamp: int
    """Newest event time of the stream, for its expiry."""
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventIds:
    """Ids of single events counted since the checkpoint before, of one model and pane."""

    model: str
    pane_end: int
    hashes: bytes
    """Little-endian uint64, 64-bit xxHash (seed 0) of the event id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProgress:
    """One source partition."""

    source: int
    sources: int
    read_through: int
    at_end: bool
    """Nothing more lay in its log when it last told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeDetail:
    """The judge's own part of a Position."""

    sources: tuple[SourceProgress, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """The model in one source partition."""

    source: int
    max_timestamp: int
    watermark: int
    last_appended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A window reported and not yet final."""

    version: str
    role: Role
    segment: str
    window_start: int
    window_end: int
    revision: int
    dirty: bool
    """Changed since its last report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream:
    """A (version, role) that had data in its last window."""

    version: str
    role: Role
    window_start: int
    """Its last window with data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """When a watched feature last had a value."""

    version: str
    role: Role
    feature: str
    pane_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSource:
    """Requests known of a sealed cell from a source that may still grow."""

    source: int
    cell: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeModel:
    """What the judge knows of one model besides its pieces."""

    model: str
    watermark: int
    """Never goes back."""
    closed_through: int
    """Every window that ends up to here has been reported."""
    sealed_through: int
    """Panes that end up to here take nothing more in."""
    sources: tuple[ModelSource, ...]
    ledger: tuple[LedgerEntry, ...]
    live: tuple[LiveStream, ...]
    fresh: tuple[LastSeen, ...]
    late: tuple[LateSource, ...]
