"""Dead letters: where a refused record lay and why, never what it held."""

from collections import Counter

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import keyed_hash
from kedge.schemas.records import DeadLetter
from kedge.streams.core.columns import RefusedError
from kedge.streams.core.instructions import Observation, Write
from kedge.streams.core.record import Record

__all__ = ["DEAD_LETTERS", "DeadLetterWriter"]

DEAD_LETTERS = "dead_letters"

PAYLOAD_BYTES_MAX = 900_000
"""A longer payload is not kept: the letter would be longer than what was refused, and nobody would take it."""


class DeadLetterWriter:
    """Gathers dead letters until they leave with the next checkpoint."""

    def __init__(self, codec: Codec, hash_key: bytes, *, keep_payloads: bool = False) -> None:
        self._codec = codec
        self._hash_key = hash_key
        self._keep_payloads = keep_payloads
        self._waiting: list[Write] = []
        self._reasons: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: Record, error: RefusedError, rows: int) -> None:
        """Add a letter for a record, or for `rows` rows of it."""
        payload = record.value or b""
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            reason=error.reason,
            detail=error.detail,
            rows=rows,
            payload_hash=keyed_hash(self._hash_key, payload),
            payload=payload if self._keep_payloads and len(payload) <= PAYLOAD_BYTES_MAX else None,
        )
        key = f"{record.topic}/{record.partition}".encode()
        self._waiting.append(Write(DEAD_LETTERS, key, self._codec.encode(letter)))
        self._reasons[error.reason] += 1

    def take(self) -> list[Write]:
        """Return what is waiting, once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def drain(self) -> list[Observation]:
        """Return how many letters of each reason since the last call."""
        reasons, self._reasons = self._reasons, Counter()
        return [Observation("dead_letters", {"reason": r}, n) for r, n in reasons.items()]
