"""What a batch was collected from, as one chunk of columns."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.hashing import id_hash
from kedge.streams.publisher.columns import (
    ERROR,
    LABEL,
    LATENCY,
    SCORE,
    Chunk,
    Key,
    Numbers,
    Plane,
    Slice,
    Texts,
    concat,
    nulls,
)
from kedge.streams.publisher.row import Row

__all__ = ["chunk_of", "hashes", "numbers_of", "texts_of"]


def hashes(request_ids: Iterable[str], count: int) -> NDArray[np.uint64]:
    """Return the 64-bit hash of each request id, shape (count,)."""
    return np.fromiter(map(id_hash, request_ids), np.uint64, count)


def chunk_of(pieces: Sequence[Row | Slice]) -> Chunk:
    """Return the rows of `pieces`, at least one, in their order."""
    chunks: list[Chunk] = []
    run: list[Row] = []
    for piece in pieces:
        if isinstance(piece, Row):
            run.append(piece)
            continue
        if run:
            chunks.append(_chunk_of_rows(run))
            run = []
        chunks.append(piece.chunk.take(piece.places))
    if run:
        chunks.append(_chunk_of_rows(run))
    return chunks[0] if len(chunks) == 1 else concat(chunks)


def _chunk_of_rows(rows: Sequence[Row]) -> Chunk:
    numbers: dict[Key, Numbers] = {}
    texts: dict[Key, Texts] = {}
    _gather_numbers(numbers, Plane.FEATURE, [row.features.numbers for row in rows])
    _gather_texts(texts, Plane.FEATURE, [row.features.strings for row in rows])
    _gather_numbers(numbers, Plane.CLASS_SCORE, [row.class_scores for row in rows])
    _gather_texts(texts, Plane.SEGMENT, [row.segment for row in rows])
    for key, answers in ((SCORE, [row.score for row in rows]), (LATENCY, [row.latency_ms for row in rows])):
        if any(answer is not None for answer in answers):
            numbers[key] = numbers_of(answers)
    for key, words in ((LABEL, [row.label for row in rows]), (ERROR, [row.error for row in rows])):
        if any(word is not None for word in words):
            texts[key] = texts_of(words)
    probe = np.array([row.probe for row in rows], np.bool_)
    return Chunk(
        timestamps=np.array([row.timestamp for row in rows], np.int64),
        ids=hashes((row.request_id for row in rows), len(rows)),
        probe=probe if probe.any() else None,
        numbers=numbers,
        texts=texts,
    )


def _gather_numbers(columns: dict[Key, Numbers], plane: Plane, rows: Sequence[Mapping[str, float]]) -> None:
    for name in dict.fromkeys(chain.from_iterable(rows)):
        try:
            columns[plane, name] = Numbers(np.array([row[name] for row in rows], np.float64))
        except KeyError:  # a row without it: the slower way, only for the columns that need it
            columns[plane, name] = numbers_of([row.get(name) for row in rows])


def _gather_texts(columns: dict[Key, Texts], plane: Plane, rows: Sequence[Mapping[str, str]]) -> None:
    for name in dict.fromkeys(chain.from_iterable(rows)):
        columns[plane, name] = texts_of([row.get(name) for row in rows])


def numbers_of(values: Sequence[float | None]) -> Numbers:
    """Return a column of floats; None is a null row."""
    present = np.array([value is not None for value in values], np.bool_)
    filled = [0.0 if value is None else value for value in values]
    return Numbers(np.array(filled, np.float64), nulls(present))


def texts_of(values: Sequence[str | None]) -> Texts:
    """Return a column of texts; None is a null row."""
    present = np.array([value is not None for value in values], np.bool_)
    known: dict[str, int] = {}
    codes = [0 if value is None else known.setdefault(value, len(known)) for value in values]
    return Texts(np.array(codes, np.int32), list(known), nulls(present))
