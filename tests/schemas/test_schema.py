"""Schemas: parsing, lint, fingerprints."""

import json
from typing import Any

import fastavro
import pytest

from kedge.schemas.contracts import current, known, text_of
from kedge.schemas.errors import SchemaError
from kedge.schemas.fingerprint import canonical_form, crc64, fingerprint
from kedge.schemas.lint import DEPTH_MAX, check_schema
from kedge.schemas.reader import compile_reader
from kedge.schemas.schema import parse_schema


def parsed(schema: object) -> Any:
    return parse_schema(json.dumps(schema))


def record(kind: object, **more: object) -> dict[str, object]:
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind}], **more}


def nested(depth: int) -> object:
    kind: object = "long"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return record(kind)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"null"', 0x63DD24E7CC258F8A),
        ('"boolean"', 0x9F42FC78A4D4F764),
        ('"int"', 0x7275D51A3F395C8F),
        ('"long"', 0xD054E14493F41DB7),
        ('"float"', 0x4D7C02CB3EA8D790),
        ('"double"', 0x8E7535C032AB957E),
        ('"bytes"', 0x4FC016DAC3201965),
        ('"string"', 0x8F014872634503C7),
    ],
)
def test_fingerprints_of_primitives_are_the_published_ones(text: str, expected: int) -> None:
    """From the Avro project's interoperability vectors (share/test/data/schema-tests.txt)."""
    assert crc64(text.encode()) == expected
    assert fingerprint(parse_schema(text)) == expected.to_bytes(8, "little")


@pytest.mark.parametrize("name", sorted(current()))
def test_canonical_form_and_fingerprint_are_fastavros_too(name: str) -> None:
    theirs = fastavro.schema.to_parsing_canonical_form(json.loads(text_of(name)))
    assert canonical_form(current()[name]) == theirs
    # fastavro prints the little-endian bytes.
    assert fingerprint(current()[name]).hex() == fastavro.schema.fingerprint(theirs, "CRC-64-AVRO")


def test_the_canonical_form_of_awkward_schemas() -> None:
    awkward = {
        "doc": "dropped",
        "namespace": "a.b",
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "x", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
            {"name": "f", "type": {"type": "fixed", "size": 4, "name": "c.F"}, "doc": "é"},
            {"name": "g", "type": ["null", "c.F"], "aliases": ["h"]},
            {"name": "e", "type": {"name": "E", "type": "enum", "symbols": ["A"]}},
            {"name": "m", "type": {"type": "map", "values": "E"}},
        ],
    }
    assert canonical_form(parsed(awkward)) == fastavro.schema.to_parsing_canonical_form(awkward)


def test_a_fingerprint_names_one_schema() -> None:
    assert len(known()) >= len(current())
    assert all(fingerprint(schema) == key for key, schema in known().items())


@pytest.mark.parametrize("name", sorted(current()))
def test_our_own_schemas_pass_the_lint(name: str) -> None:
    check_schema(current()[name], len(text_of(name)))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (record({"type": "array", "items": "null"}), "null outside a union"),
        (record("null"), "null outside a union"),
        (record({"type": "map", "values": "null"}), "null outside a union"),
        (record({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}), "fixed of zero bytes"),
        (record({"type": "array", "items": {"type": "record", "name": "S", "fields": []}}), "record of zero bytes"),
        (record(["null", {"type": "record", "name": "S", "fields": []}]), "record of zero bytes"),
        (record([]), "union without a branch"),
        (nested(DEPTH_MAX + 1), "nested deeper than 4"),
        ("long", "outermost type must be a record"),
        (["null", record("long")], "outermost type must be a record"),
        ({**record("long"), "fields": [{"name": f"f{i}", "type": "long"} for i in range(1_001)]}, "more than 1000"),
        (record({"type": "enum", "name": "E", "symbols": [f"S{i}" for i in range(1_001)]}), "more than 1000"),
    ],
)
def test_the_lint_refuses(schema: object, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        check_schema(parsed(schema))


def test_the_lint_takes_what_is_just_allowed() -> None:
    check_schema(parsed(nested(DEPTH_MAX)))
    check_schema(parsed(record(["null", "long"])))


def test_the_lint_refuses_long_texts_and_names_every_problem() -> None:
    with pytest.raises(SchemaError) as caught:
        check_schema(parsed(record({"type": "array", "items": "null"})), 70_000)
    assert len(caught.value.problems) == 2


def test_nesting_counts_where_a_type_is_used_and_not_where_it_is_defined() -> None:
    fields = [
        {"name": "a", "type": record("long", name="S")},
        {"name": "b", "type": {"type": "array", "items": {"type": "array", "items": {"type": "array", "items": "S"}}}},
    ]
    check_schema(parsed(record("long", fields=fields)))
    fields[1]["type"] = {"type": "array", "items": fields[1]["type"]}
    with pytest.raises(SchemaError, match="nested deeper"):
        check_schema(parsed(record("long", fields=fields)))


def test_types_used_200_times_at_each_of_four_levels_are_looked_at_once() -> None:
    inner: list[object] = []
    for level in range(4):
        name = f"L{level}"
        below = f"L{level - 1}" if level else "long"
        inner.append({"type": "record", "name": name, "fields": [{"name": f"f{i}", "type": below} for i in range(200)]})
    fields = [{"name": f"r{level}", "type": definition} for level, definition in enumerate(inner)]
    schema = parsed(record("long", fields=fields))
    check_schema(schema)
    assert compile_reader(schema, schema, {}, {}).problems == ()
    other = parsed(record("string", fields=[{"name": "only", "type": "long", "default": None}]))
    assert compile_reader(schema, other, {}, {}).problems == ()
    assert len(repr(schema)) < 100


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON|deep"),
        ('{"type":"array","items":' * 60 + '"long"' + "}" * 60, "nested too deeply"),
        ("7", "neither a name"),
        ("null", "neither a name"),
        ('"nothing"', "unknown type"),
        ("{}", "neither a name"),
        ('{"type":"array"}', "neither a name"),
        ('[["null"],"long"]', "union in a union"),
        ('{"type":"record","fields":[]}', "text expected"),
        ('{"type":"record","name":7,"fields":[]}', "text expected"),
        ('{"type":"record","name":"a b","fields":[]}', "not a name"),
        ('{"type":"record","name":"long","fields":[]}', "not a name"),
        ('{"type":"record","name":"R"}', "without fields"),
        ('{"type":"record","name":"R","fields":[7]}', "no object"),
        ('{"type":"record","name":"R","fields":[{"name":"a b","type":"long"}]}', "name of its own"),
        ('{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"a","type":"long"}]}', "of its own"),
        ('{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}', "a: recursion"),
        ('{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"R"}}]}', "recursion"),
        (
            '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}',
            "two types",
        ),
        ('{"type":"enum","name":"E"}', "without symbols"),
        ('{"type":"enum","name":"E","symbols":[]}', "without symbols"),
        ('{"type":"enum","name":"E","symbols":["A","A"]}', "twice"),
        ('{"type":"enum","name":"E","symbols":["A"],"default":"B"}', "none of its symbols"),
        ('{"type":"enum","name":"E","symbols":[1]}', "text expected"),
        ('{"type":"fixed","name":"F"}', "without a size"),
        ('{"type":"fixed","name":"F","size":-1}', "without a size"),
        ('{"type":"fixed","name":"F","size":true}', "without a size"),
    ],
)
def test_broken_schemas_are_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        parse_schema(text)
