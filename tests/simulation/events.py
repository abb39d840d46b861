"""What a simulated sender puts into the log: plain rows, remembered beside the bytes that carry them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Coded, Outcome, Packed, Prediction, PredictionBatch, Role, ShadowAnswer

AMOUNT: Final = "amount"
KIND: Final = "kind"
REGION: Final = "region"
CLICK: Final = "click"
THIRD: Final = "v3"


@dataclass(frozen=True, slots=True)
class Row:
    """One prediction; None: no such value."""

    timestamp: int
    amount: float | None
    kind: str | None
    region: str | None
    failed: bool
    probe: bool
    request: str = ""
    """Shared by the answers to it; empty: nobody else answers."""
    score: float = 0.5
    shadow: float | None = None
    """Score of a third version's answer inside the event; single events only."""


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


@dataclass(frozen=True, slots=True)
class Told:
    """One record of `outcomes`."""

    request: str
    model: str
    kind: str
    timestamp: int
    observed: float


def request_of(message: Message, index: int) -> str:
    """Return the id of the request that a row answers."""
    if message.rows[index].request:
        return message.rows[index].request
    return message.event_id or f"{message.stream}/{message.rows_before + index}"


def encoded(message: Message | Told) -> Prediction | PredictionBatch | Outcome:
    """Return the record that carries the message."""
    if isinstance(message, Told):
        return Outcome(
            request_id=message.request,
            model=message.model,
            kind=message.kind,
            timestamp=message.timestamp,
            observed=message.observed,
        )
    stream = message.stream
    if message.event_id is None:
        return _batch(message)
    [row] = message.rows
    return Prediction(
        event_id=message.event_id,
        request_id=request_of(message, 0),
        model=stream.model,
        version=stream.version,
        role=stream.role,
        timestamp=row.timestamp,
        segment={} if row.region is None else {REGION: row.region},
        features={AMOUNT: row.amount, KIND: row.kind},
        score=row.score,
        error="timeout" if row.failed else None,
        probe=row.probe,
        shadows=() if row.shadow is None else (ShadowAnswer(version=THIRD, score=row.shadow),),
    )


def _batch(message: Message) -> PredictionBatch:
    stream, rows = message.stream, message.rows
    ids = [id_hash(request_of(message, index)) for index in range(len(rows))]
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
        score=_packed([row.score for row in rows]),
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
