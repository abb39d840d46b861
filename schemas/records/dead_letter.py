"""What could not be counted, and why."""

from dataclasses import dataclass

__all__ = ["DeadLetter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record, or rows of one, that could not be counted."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """When it was appended, milliseconds since 1970-01-01 UTC."""
    reason: str
    """One of a closed set."""
    detail: str
    """What was wrong, without any value of the payload."""
    rows: int
    """Rows refused; 0: the whole record could not be read."""
    payload_hash: str
    """`kedge.schemas.hashing.keyed_hash` of the payload."""
    payload: bytes | None = None
    """Only where the operator has asked for it."""
