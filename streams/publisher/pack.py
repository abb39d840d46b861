"""A numbered batch as the record that travels."""

from collections.abc import Mapping
from typing import TypeVar

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.records import Coded, Packed, PredictionBatch, Role
from kedge.streams.publisher.batcher import Batch
from kedge.streams.publisher.columns import ERROR, LABEL, LATENCY, SCORE, Bools, Key, Numbers, Plane, Texts
from kedge.streams.publisher.gather import chunk_of

__all__ = ["record_of"]

C = TypeVar("C")


def record_of(batch: Batch, producer: str) -> PredictionBatch:
    """Return the batch by column; `producer` names this process's life."""
    chunk = chunk_of(batch.pieces)
    numbers = {key: _packed(column) for key, column in chunk.numbers.items()}
    texts = {key: _coded(column) for key, column in chunk.texts.items()}
    return PredictionBatch(
        model=batch.stream.model,
        version=batch.stream.version,
        role=Role(batch.stream.role),
        producer=producer,
        sequence=batch.sequence,
        rows_before=batch.rows_before,
        dropped=batch.dropped,
        rows=chunk.rows,
        timestamps=chunk.timestamps.astype("<i8", copy=False).tobytes(),
        request_ids=chunk.ids.astype("<u8", copy=False).tobytes(),
        numbers=_plane(numbers, Plane.FEATURE),
        strings=_plane(texts, Plane.FEATURE),
        segments=_plane(texts, Plane.SEGMENT),
        score=numbers.get(SCORE),
        label=texts.get(LABEL),
        class_scores=_plane(numbers, Plane.CLASS_SCORE),
        latency_ms=numbers.get(LATENCY),
        error=texts.get(ERROR),
        probe=_bitmap(chunk.probe),
    )


def _plane(columns: Mapping[Key, C], plane: Plane) -> dict[str, C]:
    return {name: column for (own, name), column in columns.items() if own is plane}


def _packed(column: Numbers) -> Packed:
    return Packed(values=column.values.astype("<f8", copy=False).tobytes(), validity=_bitmap(column.present))


def _coded(column: Texts) -> Coded:
    return Coded(
        dictionary=tuple(column.dictionary),
        codes=column.codes.astype("<i4", copy=False).tobytes(),
        validity=_bitmap(column.present),
    )


def _bitmap(mask: Bools | None) -> bytes | None:
    return None if mask is None else pack_bits(mask)
