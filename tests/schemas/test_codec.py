"""What is encoded is decoded; what is not a message is refused for a reason of a closed set."""

import json
import traceback
from collections.abc import Mapping
from dataclasses import fields

import pytest
from hypothesis import given

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import text_of
from kedge.schemas.errors import Reason, RegistryUnavailableError, UndecodableError, UnencodableError
from kedge.schemas.fingerprint import crc64
from kedge.schemas.records import RECORDS, Command, Monitor, Prediction, PredictionBatch, Role
from tests.schemas.made import any_record
from tests.schemas.samples import SAMPLES

MONITOR = SAMPLES["Monitor"]
PREDICTION = SAMPLES["Prediction"]


class Shelf:
    """A registry in memory."""

    def __init__(self, schemas: Mapping[int, str] | None = None) -> None:
        self.schemas = dict(schemas or {})
        self.asked: list[int] = []
        self.subjects: list[str] = []

    def schema(self, schema_id: int) -> str:
        """Return what lies there."""
        self.asked.append(schema_id)
        if schema_id not in self.schemas:
            raise UndecodableError(Reason.UNKNOWN_SCHEMA, "not on the shelf")
        return self.schemas[schema_id]

    def schema_id(self, subject: str, schema: str) -> int:
        """Put it there."""
        self.subjects.append(subject)
        number = 1000 + len(self.schemas)
        self.schemas[number] = schema
        return number


def reason(codec: Codec, data: bytes, *expected: type) -> Reason:
    with pytest.raises(UndecodableError) as caught:
        codec.decode(data, expected or tuple(RECORDS.values()))
    return caught.value.reason


@given(any_record())
def test_whatever_is_encoded_is_decoded(record: object) -> None:
    codec = Codec()
    data = codec.encode(record)
    back = codec.decode(data, type(record))
    # NaN is not equal to itself, its bytes are.
    assert repr(back) == repr(record)
    assert codec.encode(back) == data


@given(any_record())
def test_a_mapping_holds_the_same_fields(record: object) -> None:
    codec = Codec()
    mapping = codec.decode_mapping(codec.encode(record), type(record))
    assert list(mapping) == [part.name for part in fields(type(record))]  # type: ignore[arg-type]  # a dataclass


def test_the_parts_of_a_mapping_are_mappings() -> None:
    codec = Codec()
    batch = codec.decode_mapping(codec.encode(SAMPLES["PredictionBatch"]), (Prediction, PredictionBatch))
    assert batch["numbers"]["distance"].keys() == {"values", "validity"}
    assert batch["role"] is Role.PRIMARY
    assert batch["score"]["validity"] == b"\x03"


def test_without_a_registry_a_message_is_a_single_object() -> None:
    data = Codec().encode(MONITOR)
    form = (
        '{"name":"kedge.Monitor","type":"record","fields":[{"name":"model","type":"string"},'
        '{"name":"hash","type":"string"},{"name":"effective_from","type":"long"},{"name":"document","type":"string"},'
        '{"name":"key_id","type":["null","string"]},{"name":"signature","type":["null","bytes"]}]}'
    )
    assert data[:10] == b"\xc3\x01" + crc64(form.encode()).to_bytes(8, "little")


def test_with_a_registry_a_message_has_the_confluent_frame_and_a_subject_by_record() -> None:
    shelf = Shelf()
    data = Codec(shelf).encode(MONITOR)
    assert data[:5] == b"\0" + (1000).to_bytes(4, "big")
    assert shelf.subjects == ["kedge.Monitor"]
    assert json.loads(shelf.schemas[1000]) == json.loads(text_of("Monitor"))


def test_a_reader_takes_both_frames_and_asks_for_an_id_once() -> None:
    shelf = Shelf()
    codec = Codec(shelf)
    framed = codec.encode(MONITOR)
    for data in (framed, framed, Codec().encode(MONITOR)):
        assert codec.decode(data, Monitor) == MONITOR
    assert shelf.asked == [1000]


def test_one_of_several_records_may_be_expected() -> None:
    assert Codec().decode(Codec().encode(PREDICTION), (PredictionBatch, Prediction)) == PREDICTION


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Reason.EMPTY),
        (b"{", Reason.UNKNOWN_SCHEMA),
        (b"\xc3", Reason.UNKNOWN_SCHEMA),
        (b"\xc3\x02" + bytes(20), Reason.UNKNOWN_SCHEMA),
        (b"\xc3\x01", Reason.UNDECODABLE),
        (b"\xc3\x01" + bytes(7), Reason.UNDECODABLE),
        (b"\xc3\x01" + bytes(8), Reason.UNKNOWN_SCHEMA),
        (b"\0\0\0\0", Reason.UNDECODABLE),
        (b"\0\0\0\0\7rest", Reason.UNKNOWN_SCHEMA),
        (bytes(1_048_577), Reason.TOO_LARGE),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, expected: Reason) -> None:
    assert reason(Codec(), data) is expected


def test_a_record_of_another_kind_is_refused() -> None:
    assert reason(Codec(), Codec().encode(MONITOR), Prediction, PredictionBatch) is Reason.WRONG_RECORD
    assert reason(Codec(), Codec().encode(MONITOR), Command) is Reason.WRONG_RECORD


def test_bytes_left_over_or_missing_are_refused() -> None:
    data = Codec().encode(MONITOR)
    assert reason(Codec(), data + b"\0") is Reason.UNDECODABLE
    assert reason(Codec(), data[:-1]) is Reason.UNDECODABLE


def test_an_unknown_id_is_asked_for_each_time_as_it_may_be_registered_yet() -> None:
    shelf = Shelf()
    codec = Codec(shelf)
    data = b"\0\0\0\0\7" + Codec().encode(MONITOR)[10:]
    assert reason(codec, data) is Reason.UNKNOWN_SCHEMA
    shelf.schemas[7] = text_of("Monitor")
    assert codec.decode(data, Monitor) == MONITOR


@pytest.mark.parametrize(
    "schema",
    [
        "",
        "not json",
        "[" * 50_000,
        '"long"',
        '{"type":"record","name":"Monitor","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}',
        '{"type":"record","name":"Monitor","fields":[{"name":"a","type":["null","Monitor"]}]}',
        '{"type":"record","name":"Stranger","fields":[{"name":"a","type":"long"}]}',
        '{"type":"record","name":"Packed","fields":[{"name":"values","type":"bytes"}]}',
    ],
)
def test_a_schema_from_outside_that_fails_the_lint_is_refused_and_not_fetched_again(schema: str) -> None:
    shelf = Shelf({7: schema})
    codec = Codec(shelf)
    assert reason(codec, b"\0\0\0\0\7\0") is Reason.REFUSED_SCHEMA
    assert reason(codec, b"\0\0\0\0\7\0") is Reason.REFUSED_SCHEMA
    assert shelf.asked == [7]


def test_a_newer_and_an_older_writer_are_read() -> None:
    """A field that the reader lacks is passed over, one that the writer lacks has its default."""
    newer = json.loads(text_of("Prediction"))
    newer["fields"] = [field for field in newer["fields"] if field["name"] not in ("score", "shadows", "probe")]
    newer["fields"].insert(3, {"name": "trace", "type": {"type": "array", "items": "string"}})
    shelf = Shelf({7: json.dumps(newer)})
    message = bytearray(b"\0\0\0\0\7")
    for text in ("e", "r", "m"):
        message += bytes((2,)) + text.encode()
    message += bytes((4, 2)) + b"x" + bytes((2,)) + b"y" + b"\0"  # trace: x, y
    message += bytes((2,)) + b"v"
    message += bytes((0, 2))  # PRIMARY, 1 ms
    message += b"\0\0"  # segment, features
    message += b"\0\0\0\0"  # label null, class_scores, latency_ms null, error null
    assert Codec(shelf).decode(bytes(message), Prediction) == Prediction(
        event_id="e",
        request_id="r",
        model="m",
        version="v",
        role=Role.PRIMARY,
        timestamp=1,
        segment={},
        features={},
    )


def test_a_registry_that_does_not_answer_is_not_the_messages_fault() -> None:
    class Silent(Shelf):
        def schema(self, schema_id: int) -> str:
            raise RegistryUnavailableError(str(schema_id))

    with pytest.raises(RegistryUnavailableError):
        Codec(Silent()).decode(b"\0\0\0\0\7\0", Monitor)


def test_nothing_is_written_that_a_reader_would_refuse_for_its_size() -> None:
    size = len(Codec().encode(MONITOR))
    assert Codec(bytes_max=size).encode(MONITOR)
    with pytest.raises(UnencodableError, match=f"Monitor of {size} bytes"):
        Codec(bytes_max=size - 1).encode(MONITOR)
    assert reason(Codec(bytes_max=size - 1), Codec().encode(MONITOR)) is Reason.TOO_LARGE


def test_details_hold_no_value_of_the_payload() -> None:
    planted = "jane@example.com"
    data = bytearray(Codec().encode(Monitor(model=planted, hash="", effective_from=0, document="")))
    data[12] = 0xFF  # inside the text: no UTF-8 any more
    with pytest.raises(UndecodableError) as caught:
        Codec().decode(bytes(data), Monitor)
    printed = "".join(traceback.format_exception(caught.value))
    assert "ane" not in printed
    assert "UnicodeDecodeError" not in printed  # it holds the bytes
