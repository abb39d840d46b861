"""One record of `predictions` to rows, or to the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.partition import partition_for
from kedge.schemas.records import Prediction, PredictionBatch
from kedge.streams.core.columns import Columns, RefusedError, check_single, columns_of_batch
from kedge.streams.core.record import Record

__all__ = ["FUTURE_MS_MAX", "Batch", "Single", "check_partition", "countable", "decoded", "read"]

MESSAGE_BYTES_MAX: Final = 1_048_576
FUTURE_MS_MAX: Final = 5 * 60_000
"""A row this far past its append time is quarantined: one wrong clock must not close windows."""

VERSION_CHARS_MAX: Final = 200
PRODUCER_CHARS_MAX: Final = 200
"""It stands in the key of a state record."""

COUNT_MAX: Final = 1 << 40
"""Batches, or rows, that one sender may speak of: sums of what is made up must stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A readable batch: its columns, and its place in its sender's stream."""

    columns: Columns
    producer: str
    sequence: int
    rows_before: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Single:
    """A readable single event, still as decoded."""

    event: Mapping[str, Any]


def decoded(record: Record, codec: Codec, kinds: tuple[type, ...]) -> Mapping[str, Any]:
    """Return the fields of a sender's record; raises `RefusedError` where it is empty, too long or none of `kinds`."""
    value = record.value
    if not value:
        raise RefusedError("empty", "a record without a value")
    if len(value) > MESSAGE_BYTES_MAX:
        raise RefusedError("too_large", f"{len(value)} bytes, {MESSAGE_BYTES_MAX} allowed")
    try:
        return codec.decode_mapping(value, kinds)
    except UndecodableError as error:
        raise RefusedError(error.reason, error.detail) from error


def read(record: Record, codec: Codec, partitions: int) -> Batch | Single:
    """Return what the record holds; raises `RefusedError` for whatever must not be counted."""
    fields = decoded(record, codec, (PredictionBatch, Prediction))
    if len(fields["version"]) > VERSION_CHARS_MAX:
        raise RefusedError("version_too_long", f"more than {VERSION_CHARS_MAX} characters")
    if "sequence" in fields:
        return _batch(fields)
    check_single(fields)
    check_partition(record, fields["request_id"], partitions)
    return Single(fields)


def countable(columns: Columns, appended_ms: int) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Return which rows have a possible time; None: all of them."""
    first, last = int(columns.timestamps.min()), int(columns.timestamps.max())
    if first > 0 and last <= appended_ms + FUTURE_MS_MAX:
        return None
    return (columns.timestamps > 0) & (columns.timestamps <= appended_ms + FUTURE_MS_MAX)


def _batch(fields: Mapping[str, Any]) -> Batch:
    columns = columns_of_batch(fields)
    sequence, before, dropped = fields["sequence"], fields["rows_before"], fields["dropped"]
    if not 0 <= min(sequence, before, dropped) <= max(sequence, before, dropped) <= COUNT_MAX:
        raise RefusedError("sequence_range", f"sequence, rows_before or dropped is not in 0 to {COUNT_MAX}")
    if len(fields["producer"]) > PRODUCER_CHARS_MAX:
        raise RefusedError("producer_too_long", f"more than {PRODUCER_CHARS_MAX} characters")
    return Batch(columns, fields["producer"], sequence, before, dropped)


def check_partition(record: Record, request_id: str, partitions: int) -> None:
    """Raise `RefusedError` unless the record lies where its request's others do."""
    # librdkafka's default partitioner is CRC32: a join by request would miss silently.
    if partition_for(request_id.encode(), partitions) != record.partition:
        raise RefusedError("wrong_partition", "request_id does not hash (murmur2) to this partition")
