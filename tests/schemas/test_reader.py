"""Resolution of a writer's schema into a reader's: by the specification, and as fastavro reads it."""

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import text_of
from kedge.schemas.errors import UndecodableError
from kedge.schemas.reader import compile_reader
from kedge.schemas.schema import parse_schema
from kedge.schemas.wire import read_whole
from tests.schemas.made import any_record

Json = Any


def encoded(schema: Json, value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def read(writer: Json, reader: Json, data: bytes) -> object:
    compiled = compile_reader(parse_schema(json.dumps(writer)), parse_schema(json.dumps(reader)), {}, {})
    return read_whole(compiled.read, data, 0)


def problems(writer: Json, reader: Json) -> tuple[str, ...]:
    return compile_reader(parse_schema(json.dumps(writer)), parse_schema(json.dumps(reader)), {}, {}).problems


def record(*fields: Mapping[str, Json], name: str = "R") -> Json:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, kind: Json, **more: Json) -> Mapping[str, Json]:
    return {"name": name, "type": kind, **more}


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 4}


@given(any_record())
def test_fastavro_reads_the_same(made: object) -> None:
    codec = Codec()
    name = type(made).__name__
    bare = json.loads(text_of(name), object_hook=lambda node: {k: v for k, v in node.items() if k != "logicalType"})
    data = codec.encode(made)
    theirs = fastavro.schemaless_reader(io.BytesIO(data[10:]), fastavro.parse_schema(bare), None)
    assert json.dumps(theirs, default=repr) == json.dumps(codec.decode_mapping(data, type(made)), default=repr)


@given(st.integers(-(2**63), 2**63 - 1))
def test_longs(number: int) -> None:
    assert read("long", "long", encoded("long", number)) == number


@pytest.mark.parametrize(
    ("writer", "reader", "written", "wanted"),
    [
        ("int", "long", 7, 7),
        ("int", "float", 7, 7.0),
        ("int", "double", 7, 7.0),
        ("long", "float", 7, 7.0),
        ("long", "double", 7, 7.0),
        ("float", "double", 0.5, 0.5),
        ("string", "bytes", "é", "é".encode()),
        ("bytes", "string", "é".encode(), "é"),
        ("int", ["null", "double"], 7, 7.0),
        ("long", ["null", "double", "long"], 7, 7),
        (["null", "long"], ["string", "double", "null"], None, None),
        (["null", "long"], ["string", "double", "null"], 7, 7.0),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}, [1, 2], (1, 2)),
        ({"type": "map", "values": "int"}, {"type": "map", "values": "double"}, {"a": 1}, {"a": 1.0}),
        ({"type": "array", "items": "int"}, ["null", {"type": "array", "items": "long"}], [1], (1,)),
        (ENUM, {**ENUM, "symbols": ["B", "A", "C"]}, "B", "B"),
        (ENUM, {**ENUM, "symbols": ["A", "C"], "default": "C"}, "B", "C"),
        (ENUM, {**ENUM, "name": "other.place.E"}, "A", "A"),
        (FIXED, FIXED, b"abcd", b"abcd"),
        (record(field("a", "int"), field("b", "long")), record(field("b", "long")), {"a": 1, "b": 2}, {"b": 2}),
        (
            record(field("a", "int")),
            record(field("b", ["null", "long"], default=None), field("a", "int")),
            {"a": 1},
            {"b": None, "a": 1},
        ),
        (
            record(field("a", "int")),
            record(field("a", "int"), field("b", {"type": "array", "items": "int"}, default=[])),
            {"a": 1},
            {"a": 1, "b": ()},
        ),
    ],
)
def test_what_can_be_read_as_something_else(writer: Json, reader: Json, written: object, wanted: object) -> None:
    data = encoded(writer, written)
    got = read(writer, reader, data)
    assert got == wanted
    assert type(got) is type(wanted)
    assert problems(writer, reader) == ()


@pytest.mark.parametrize(
    ("writer", "reader", "written", "said"),
    [
        ("long", "int", 7, "long cannot be read as int"),
        ("double", "float", 0.5, "double cannot be read as float"),
        ("string", "long", "x", "string cannot be read as long"),
        ("long", ["null", "string"], 7, "long is none of the reader's branches"),
        (["null", "long"], "long", None, "null cannot be read as long"),
        (ENUM, {**ENUM, "symbols": ["A"]}, "B", "symbol that this version does not know"),
        (ENUM, {**ENUM, "name": "Other"}, "A", "E cannot be read as Other"),
        (FIXED, {**FIXED, "size": 5}, b"abcd", "F is something else"),
        (FIXED, {**ENUM, "name": "F"}, b"abcd", "F is something else"),
        (FIXED, record(field("a", "int"), name="F"), b"abcd", "F is something else"),
        (record(field("a", "int")), record(field("b", "int")), {"a": 1}, "b: missing, and the reader has no default"),
        (record(field("a", "int")), record(field("a", "int"), name="S"), {"a": 1}, "R cannot be read as S"),
        ({"type": "array", "items": "int"}, {"type": "map", "values": "int"}, [1], "array cannot be read as map"),
    ],
)
def test_what_cannot_be_read_is_refused_and_counts_as_a_problem(
    writer: Json, reader: Json, written: object, said: str
) -> None:
    assert problems(writer, reader)
    with pytest.raises(UndecodableError, match=said):
        read(writer, reader, encoded(writer, written))


def test_a_branch_that_the_reader_lacks_only_spoils_its_own_values() -> None:
    for reader in (["string", "long"], "long"):
        assert read(["null", "long"], reader, encoded(["null", "long"], 7)) == 7
        assert len(problems(["null", "long"], reader)) == 1


def test_blocks_may_be_many_and_may_say_their_size() -> None:
    array = {"type": "array", "items": "int"}
    assert read(array, array, bytes((2, 14, 3, 4, 2, 4, 0))) == (7, 1, 2)
    for wrong in ((3, 6, 2, 4, 0), (3, 2, 2, 4, 0), (3, 1, 2, 4, 0), (3, 5, 2, 4, 0)):
        with pytest.raises(UndecodableError):
            read(array, array, bytes(wrong))


@pytest.mark.parametrize(
    ("schema", "data", "said"),
    [
        ("boolean", b"\2", "neither 0 nor 1"),
        ("int", encoded("long", 2**31), "int past 32 bits"),
        ("long", b"\xff" * 10 + b"\1", "more than 10 bytes"),
        ("long", b"\xff" * 9 + b"\2", "past 64 bits"),
        ("long", b"\xff", "ends too early"),
        ("double", bytes(7), "ends too early"),
        ("float", bytes(3), "ends too early"),
        ("bytes", b"\1", "past the end"),
        ("string", b"\1", "past the end"),
        ("string", b"\4x", "past the end"),
        ("string", b"\2\xff", "not UTF-8"),
        ("string", b"\6\xed\xa0\x80", "not UTF-8"),
        (FIXED, b"abc", "past the end"),
        (ENUM, b"\1", "without such a symbol"),
        (ENUM, b"\4", "without such a symbol"),
        (["null", "long"], b"\1", "without such a branch"),
        (["null", "long"], b"\4", "without such a branch"),
        ({"type": "map", "values": "int"}, b"\4\2a\2\2a\4\0", "one key twice"),
        ({"type": "map", "values": "int"}, b"\6\2a", "more items than bytes"),
        ("null", b"x", "1 bytes left over"),
    ],
)
def test_broken_values_are_refused(schema: Json, data: bytes, said: str) -> None:
    with pytest.raises(UndecodableError, match=said):
        read(schema, schema, data)


def test_a_number_need_not_be_spelled_in_as_few_bytes_as_it_could() -> None:
    assert read(["null", "long"], ["null", "long"], b"\x82\x00\x82\x80\x00") == 1
    assert read("string", "string", b"\x82\x00x") == "x"


def test_nan_and_infinity_are_numbers_here() -> None:
    for number in (math.nan, math.inf, -math.inf):
        assert repr(read("double", "double", encoded("double", number))) == repr(number)
