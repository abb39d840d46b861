"""What serving nodes send: one prediction, or a batch of them by column."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kedge.schemas.records.enums import Role

__all__ = [
    "Coded",
    "FeatureValue",
    "Packed",
    "Prediction",
    "PredictionBatch",
    "ShadowAnswer",
]

FeatureValue = bool | int | float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowAnswer:
    """A shadow's answer to the same request, from a node that runs the shadow itself."""

    version: str
    score: float | None = None
    label: str | None = None
    latency_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answer of one model version to one request."""

    event_id: str
    """Unique per event; a repeated one is counted once."""
    request_id: str
    """The Kafka key; joins primary, shadow and outcome."""
    model: str
    version: str
    role: Role
    timestamp: int
    """Event time, milliseconds since 1970-01-01 UTC."""
    segment: Mapping[str, str]
    features: Mapping[str, FeatureValue]
    score: float | None = None
    label: str | None = None
    class_scores: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    error: str | None = None
    """A short code, never free text."""
    probe: bool = False
    """A golden or synthetic request: never counted in windows."""
    shadows: tuple[ShadowAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A column of float64."""

    values: bytes
    """Little-endian float64, one a row; the value of a null row is 0."""
    validity: bytes | None = None
    """Bitmap (`kedge.schemas.bitmap`), 1 = present; None: all present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A column of strings as codes into a dictionary."""

    dictionary: tuple[str, ...]
    codes: bytes
    """Little-endian int32, one a row; the code of a null row is 0."""
    validity: bytes | None = None
    """Bitmap (`kedge.schemas.bitmap`), 1 = present; None: all present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionBatch:
    """Many answers of one (model, version, role), by column, for one partition.

    That the columns are as long as `rows` says is not checked here: whoever counts them does.
    """

    model: str
    version: str
    role: Role
    producer: str
    """Incarnation of the sender: new at every start and after a fork."""
    sequence: int
    """0, 1, … per (producer, model, version, role, partition)."""
    rows_before: int
    """Rows of this stream sent to this partition in all batches before this one."""
    dropped: int
    """Rows of this stream that its sender has had to drop so far, charged to this partition."""
    rows: int
    timestamps: bytes
    """Little-endian int64, milliseconds since 1970-01-01 UTC, one a row."""
    request_ids: bytes
    """Little-endian uint64, `kedge.schemas.hashing.id_hash` of the request id, one a row."""
    numbers: Mapping[str, Packed]
    strings: Mapping[str, Coded]
    segments: Mapping[str, Coded]
    score: Packed | None = None
    label: Coded | None = None
    class_scores: Mapping[str, Packed] = field(default_factory=dict)
    latency_ms: Packed | None = None
    error: Coded | None = None
    probe: bytes | None = None
    """Bitmap, 1 = a probe; None: no row is one."""
