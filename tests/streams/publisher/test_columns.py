"""What goes in by row or by column comes out of the record, value for value."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kedge.schemas.codec import Codec
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import PredictionBatch
from kedge.streams.publisher.admission import Admission
from kedge.streams.publisher.batcher import Batch
from kedge.streams.publisher.bulk import Bulk, Given, bulk_of
from kedge.streams.publisher.columns import Slice
from kedge.streams.publisher.pack import record_of
from kedge.streams.publisher.row import Row
from tests.streams.publisher.given import STREAMS, answers, rows
from tests.streams.publisher.readback import STREAM, make_row, read_back


def message(*pieces: Row | Slice) -> PredictionBatch:
    """The record of a batch of these, through Avro and back."""
    batch = Batch(
        stream=STREAM,
        partition=0,
        sequence=3,
        rows_before=10,
        dropped=2,
        rows=sum(piece.rows for piece in pieces),
        cost=0,
        pieces=pieces,
    )
    codec = Codec()
    return codec.decode(codec.encode(record_of(batch, "abc")), PredictionBatch)


def expected(row: Row) -> dict[str, Any]:
    """What the record must say of a row."""
    return {
        "timestamp": row.timestamp,
        "id": id_hash(row.request_id),
        "probe": row.probe,
        "numbers": dict(row.features.numbers),
        "strings": dict(row.features.strings),
        "segments": dict(row.segment),
        "class_scores": dict(row.class_scores),
        "score": row.score,
        "label": row.label,
        "latency_ms": row.latency_ms,
        "error": row.error,
    }


def bulk(keys: list[str], columns: list[dict[str, Any]]) -> Bulk:
    """The same answers by column."""

    def column(name: str) -> list[Any]:
        return [answer[name] for answer in columns]

    def by_name(name: str) -> dict[str, list[Any]]:
        known = dict.fromkeys(key for answer in columns for key in answer[name])
        return {key: [answer[name].get(key) for answer in columns] for key in known}

    maps = {name: by_name(name) for name in ("features", "class_scores", "segment")}
    rest = {name: column(name) for name in ("score", "label", "latency_ms", "error", "timestamp", "probe")}
    return bulk_of(Admission(), STREAM, Given(request_ids=keys, **maps, **rest), 0)


def slice_of(whole: Bulk, places: list[int]) -> Slice:
    chunk = whole.chunk()
    return Slice(chunk, np.array(places, np.intp), chunk.names, whole.text, whole.cost)


keyed = st.lists(st.tuples(st.text("abc", min_size=1, max_size=4), answers()), min_size=1, max_size=12)


@given(st.lists(rows(), min_size=1, max_size=12))
def test_rows_come_out_as_they_went_in(given_rows: list[Row]) -> None:
    assert read_back(message(*given_rows)) == [expected(row) for row in given_rows]


@given(keyed, st.data())
def test_columns_come_out_as_the_same_rows_would(
    given_rows: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    whole = bulk([key for key, _ in given_rows], [answer for _, answer in given_rows])
    places = data.draw(st.lists(st.integers(0, len(given_rows) - 1), min_size=1, unique=True))
    found = read_back(message(slice_of(whole, places)))
    assert found == [expected(make_row(given_rows[place][0], **given_rows[place][1])) for place in places]


@given(st.lists(st.one_of(rows(), keyed), min_size=1, max_size=5))
def test_rows_and_columns_share_a_batch(parts: list[Row | list[tuple[str, dict[str, Any]]]]) -> None:
    pieces: list[Row | Slice] = []
    wanted = []
    for part in parts:
        if isinstance(part, Row):
            pieces.append(part)
            wanted.append(expected(part))
        else:
            whole = bulk([key for key, _ in part], [answer for _, answer in part])
            pieces.append(slice_of(whole, list(range(len(part)))))
            wanted += [expected(make_row(key, **answer)) for key, answer in part]
    assert read_back(message(*pieces)) == wanted


def test_the_record_says_where_it_belongs() -> None:
    record = message(make_row(stream=STREAMS[0]))
    assert (record.model, record.version, record.role) == ("delay", "7", "PRIMARY")
    assert (record.producer, record.sequence, record.rows_before, record.dropped, record.rows) == ("abc", 3, 10, 2, 1)


def test_a_slice_carries_no_more_dictionary_than_it_needs() -> None:
    whole = bulk_of(
        Admission(), STREAM, Given(request_ids=["a", "b", "c"], features={"carrier": ["UA", "AA", "DL"]}), 0
    )
    assert message(slice_of(whole, [1])).strings["carrier"].dictionary == ("AA",)


def test_whole_columns_have_no_masks() -> None:
    rows_given = [make_row(features={"a": 1.0, "b": text}, score=0.5) for text in "xy"]
    record = message(*rows_given)
    assert record.numbers["a"].validity is None
    assert record.strings["b"].validity is None
    assert record.score is not None
    assert record.score.validity is None
    assert record.probe is None
