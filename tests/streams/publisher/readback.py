"""Rows in, and rows out again by the Avro contract's own words: struct and loops, no code of the publisher's."""

import struct
from collections.abc import Mapping
from typing import Any

from kedge.schemas.records import Coded, Packed, PredictionBatch
from kedge.streams.publisher.admission import Admission, moment, request_id
from kedge.streams.publisher.row import Row, Stream, text_bytes
from kedge.streams.publisher.values import code, label, number

STREAM = Stream("delay", "7", "PRIMARY")


def make_row(
    key: str = "r", *, stream: Stream = STREAM, features: Mapping[str, object] | None = None, **more: object
) -> Row:
    """A row as `Publisher.log` makes it."""
    admission = Admission()
    values = admission.features({} if features is None else features)
    words = admission.segment(more.get("segment"))
    name, fault = label(more.get("label")), code(more.get("error"))
    return Row(
        stream,
        request_id(key),
        moment(more.get("timestamp", 1_700_000_000_000)),
        values,
        number(more.get("score")),
        name,
        admission.class_scores(more.get("class_scores")),
        number(more.get("latency_ms")),
        fault,
        words,
        bool(more.get("probe", False)),
        text_bytes(values, words, name, fault),
    )


def read_back(batch: PredictionBatch) -> list[dict[str, Any]]:
    """The batch's rows; a null stands for nothing and is left out."""
    planes = ("numbers", "strings", "segments", "class_scores")
    stamps = struct.unpack(f"<{batch.rows}q", batch.timestamps)
    ids = struct.unpack(f"<{batch.rows}Q", batch.request_ids)
    rows: list[dict[str, Any]] = [
        {"timestamp": stamp, "id": one, "probe": False, **{plane: {} for plane in planes}}
        for stamp, one in zip(stamps, ids, strict=True)
    ]
    for plane in planes:
        for name, column in getattr(batch, plane).items():
            for row, value in zip(rows, _values(column, batch.rows), strict=True):
                if value is not None:
                    row[plane][name] = value
    for name in ("score", "label", "latency_ms", "error"):
        column = getattr(batch, name)
        for row, value in zip(rows, _values(column, batch.rows) if column else [None] * batch.rows, strict=True):
            row[name] = value
    if batch.probe is not None:
        for place, row in enumerate(rows):
            row["probe"] = _bit(batch.probe, place)
    return rows


def _values(column: Packed | Coded, rows: int) -> list[float | str | None]:
    values: list[float | str]
    if isinstance(column, Packed):
        values = list(struct.unpack(f"<{rows}d", column.values))
    else:
        codes = struct.unpack(f"<{rows}i", column.codes)
        values = [column.dictionary[code] if code < len(column.dictionary) else "" for code in codes]
    there = [column.validity is None or _bit(column.validity, place) for place in range(rows)]
    return [value if present else None for value, present in zip(values, there, strict=True)]


def _bit(bitmap: bytes, place: int) -> bool:
    return bool(bitmap[place // 8] >> place % 8 & 1)
