"""What a model was trained on, frozen; and the monitor file that watches it."""

from dataclasses import dataclass

from kedge.schemas.records.enums import GridKind, SignalKind

__all__ = ["Baseline", "Monitor", "Provenance", "SegmentCounts", "SignalBaseline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the reference rows came from."""

    dataset: str
    rows: int
    created_at: int
    """Milliseconds since 1970-01-01 UTC."""
    git_commit: str | None = None
    mlflow_run: str | None = None
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalBaseline:
    """One signal's frozen grid."""

    name: str
    kind: SignalKind
    grid: GridKind
    edges: tuple[float, ...]
    """QUANTILES: fine interior edges, ascending. VALUES: the distinct values, ascending.
    CATEGORIES: empty."""
    low: float | None = None
    """0.1 % quantile; QUANTILES only."""
    high: float | None = None
    """99.9 % quantile; QUANTILES only."""
    decision_edges: tuple[int, ...]
    """QUANTILES: indices into edges of the decision bins' edges. Else empty."""
    categories: tuple[str, ...]
    """CATEGORIES: the named ones, most frequent first. Else empty."""
    rare: bytes
    """CATEGORIES: sorted little-endian uint64 `id_hash`es of the categories known but not named."""
    mean: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCounts:
    """The reference rows of one segment, counted over every signal's bins in order."""

    segment: str
    """Empty: all rows. Else key=value."""
    rows: int
    counts: bytes
    """`kedge.schemas.packed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the model was trained on, frozen."""

    model: str
    version: str
    """Empty: every version without a baseline of its own."""
    hash: str
    """First 16 hex digits of the SHA-256 of this record with hash empty and effective_from 0."""
    effective_from: int
    """Milliseconds since 1970-01-01 UTC."""
    provenance: Provenance
    signals: tuple[SignalBaseline, ...]
    counts: tuple[SegmentCounts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One parsed monitor file, as published."""

    model: str
    hash: str
    """First 16 hex digits of the SHA-256 of the document."""
    effective_from: int
    """Milliseconds since 1970-01-01 UTC."""
    document: str
    """The monitor file as canonical JSON, defaults left out."""
    key_id: str | None = None
    """Whose signature this is; None: unsigned."""
    signature: bytes | None = None
