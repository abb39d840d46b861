"""What tally tells judge: counts of one source partition, and how far it has counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from kedge.schemas.records.enums import Role

__all__ = ["ModelProgress", "Partial", "Position", "Progress", "SenderRows", "UnseenCategory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenCategory:
    """A category that the baseline never had."""

    signal: int
    """Index of the signal in the plan."""
    hash: int
    """Keyed 64-bit hash of the category, as a signed long."""
    count: int
    name: str | None = None
    """Only where its disclosure rule allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRows:
    """Rows of one sender of batches."""

    hash: int
    """Keyed 64-bit hash of the producer, as a signed long."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Cumulative counts of one source partition for one (model, version, role, segment, plan, pane).

    Replaces its predecessor; never added to it.
    """

    source: int
    model: str
    version: str
    role: Role
    segment: str
    """Empty: all rows. Else key=value."""
    monitor: str
    """Monitor hash."""
    baseline: str
    """Baseline hash; empty: none."""
    pane_start: int
    """Milliseconds since 1970-01-01 UTC."""
    pane_ms: int
    through: int
    """Source offset that these counts include."""
    requests: int
    """Rows counted, probes left out."""
    errors: int
    unexpected: int
    """Feature values that the baseline and monitor do not name."""
    lost: int
    """Rows known to be missing: sequence gaps and reported drops."""
    bins: int
    """Length of the counts vector: the size of the plan's layout."""
    counts: bytes
    """`kedge.schemas.packed` over the plan's layout."""
    latency: bytes
    """`kedge.schemas.packed` over the latency histogram's bins."""
    unseen: tuple[UnseenCategory, ...]
    senders: tuple[SenderRows, ...] = ()
    """All rows only (`segment` empty): the senders with the most rows."""
    flags: int
    """Bit 0: the deduplication bound was passed, so that counts may hold duplicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProgress:
    """One model's event time in one source partition; milliseconds since 1970-01-01 UTC."""

    model: str
    max_timestamp: int
    watermark: int
    """Largest timestamp so far less the grace."""
    last_appended: int
    """Append time of the model's last event here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one source partition has been counted."""

    source: int
    sources: int
    """Partitions of the source topic."""
    read_through: int
    """All records appended up to this time (milliseconds since 1970-01-01 UTC) are counted."""
    at_end: bool
    """Nothing more lay in the log when this was told."""
    models: tuple[ModelProgress, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a partition's state contains, written with every checkpoint."""

    agent: str
    environment: str
    topology: Mapping[str, int]
    """Topic to partition count: a state made for another refuses to start."""
    committed: Mapping[str, int]
    """Input topic to the last offset that the state contains."""
    detail: bytes
    """The agent's own part, encoded by its own record; may be empty."""
