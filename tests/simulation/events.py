"""What a simulated sender puts into the log: plain rows, remembered beside the bytes that carry them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Coded, Packed, Prediction, PredictionBatch, Role

AMOUNT: Final = "amount"
KIND: Final = "kind"
REGION: Final = "region"


@dataclass(frozen=True, slots=True)
class Row:
    """One prediction; None: no such value."""

    timestamp: int
    amount: float | None
    kind: str | None
    region: str | None
    failed: bool
    probe: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """What a batch's sequence counts within, besides the partition."""

    producer: str
    model: str
    version: str
    role: Role


@dataclass(frozen=True, slots=True)
class Message:
    """One record of `predictions`: a batch of a stream, or a single event."""

    stream: Stream
    rows: tuple[Row, ...]
    sequence: int = -1
    rows_before: int = 0
    dropped: int = 0
    event_id: str | None = None
    """None: a batch."""


def encoded(message: Message) -> Prediction | PredictionBatch:
    """Return the record that carries the message."""
    stream = message.stream
    if message.event_id is None:
        return _batch(message)
    [row] = message.rows
    return Prediction(
        event_id=message.event_id,
        request_id=message.event_id,
        model=stream.model,
        version=stream.version,
        role=stream.role,
        timestamp=row.timestamp,
        segment={} if row.region is None else {REGION: row.region},
        features={AMOUNT: row.amount, KIND: row.kind},
        error="timeout" if row.failed else None,
        probe=row.probe,
    )


def _batch(message: Message) -> PredictionBatch:
    stream, rows = message.stream, message.rows
    ids = [id_hash(f"{stream}/{message.rows_before + index}") for index in range(len(rows))]
    failed = ["timeout" if row.failed else None for row in rows]
    probes = [row.probe for row in rows]
    return PredictionBatch(
        model=stream.model,
        version=stream.version,
        role=stream.role,
        producer=stream.producer,
        sequence=message.sequence,
        rows_before=message.rows_before,
        dropped=message.dropped,
        rows=len(rows),
        timestamps=np.array([row.timestamp for row in rows], "<i8").tobytes(),
        request_ids=np.array(ids, "<u8").tobytes(),
        numbers={AMOUNT: _packed([row.amount for row in rows])},
        strings={KIND: _coded([row.kind for row in rows])},
        segments={REGION: _coded([row.region for row in rows])},
        error=_coded(failed) if any(failed) else None,
        probe=pack_bits(np.array(probes)) if any(probes) else None,
    )


def _packed(values: Sequence[float | None]) -> Packed:
    valid = [value is not None for value in values]
    return Packed(
        values=np.array([0.0 if value is None else value for value in values], "<f8").tobytes(),
        validity=None if all(valid) else pack_bits(np.array(valid)),
    )


def _coded(values: Sequence[str | None]) -> Coded:
    valid = [value is not None for value in values]
    dictionary = sorted({value for value in values if value is not None})
    codes = [0 if value is None else dictionary.index(value) for value in values]
    return Coded(
        dictionary=tuple(dictionary),
        codes=np.array(codes, "<i4").tobytes(),
        validity=None if all(valid) else pack_bits(np.array(valid)),
    )
