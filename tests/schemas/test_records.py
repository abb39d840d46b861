"""Every dataclass is its schema, field for field: names, order, types, defaults."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import pytest

from kedge.schemas import records
from kedge.schemas.contracts import current
from kedge.schemas.schema import NO_DEFAULT, Array, Enum, Map, Primitive, Record, Schema, Union

_PYTHON: Mapping[str, object] = {
    "null": type(None),
    "boolean": bool,
    "int": int,
    "long": int,
    "double": float,
    "bytes": bytes,
    "string": str,
}


def _python_type(schema: Schema) -> object:
    match schema:
        case Primitive(name):
            return _PYTHON[name]
        case Enum(name) | Record(name):
            return getattr(records, name.rpartition(".")[2])
        case Array(items):
            return tuple[_python_type(items), ...]  # type: ignore[misc]  # made at run time, to be compared
        case Map(values):
            return Mapping[str, _python_type(values)]  # type: ignore[misc]  # the same
        case Union(branches):
            return frozenset(map(_python_type, branches))
    raise AssertionError(schema)


def _declared(hint: object) -> object:
    """A hint with its unions as sets, so that their order does not matter."""
    if isinstance(hint, types.UnionType):
        return frozenset(map(_declared, typing.get_args(hint)))
    if typing.get_origin(hint) is Mapping:
        return Mapping[str, _declared(typing.get_args(hint)[1])]  # type: ignore[misc]  # as above
    return hint


def _named_types(schema: Schema) -> list[Record | Enum]:
    match schema:
        case Enum():
            return [schema]
        case Array(inner) | Map(inner):
            return _named_types(inner)
        case Union(branches):
            return [named for branch in branches for named in _named_types(branch)]
        case Record(_name, parts):
            return [schema, *(named for part in parts for named in _named_types(part.type))]
    return []


_RECORDS = [named for schema in current().values() for named in _named_types(schema) if isinstance(named, Record)]
_ENUMS = [named for schema in current().values() for named in _named_types(schema) if isinstance(named, Enum)]


def _default(part: Field[Any]) -> object:
    if part.default_factory is not MISSING:
        return part.default_factory()
    return NO_DEFAULT if part.default is MISSING else part.default


@pytest.mark.parametrize("schema", _RECORDS, ids=lambda schema: schema.short_name)
def test_a_dataclass_has_the_fields_of_its_schema(schema: Record) -> None:
    cls = getattr(records, schema.short_name)
    hints = typing.get_type_hints(cls)
    assert [part.name for part in fields(cls)] == [part.name for part in schema.fields]
    for part in schema.fields:
        assert _declared(hints[part.name]) == _python_type(part.type), part.name


@pytest.mark.parametrize("schema", _RECORDS, ids=lambda schema: schema.short_name)
def test_a_dataclass_has_the_defaults_of_its_schema(schema: Record) -> None:
    cls = getattr(records, schema.short_name)
    assert {part.name: _default(part) for part in fields(cls)} == {
        part.name: () if part.default == [] else part.default for part in schema.fields
    }


@pytest.mark.parametrize("schema", _ENUMS, ids=lambda schema: schema.name)
def test_an_enum_has_the_symbols_of_its_schema_in_order(schema: Enum) -> None:
    assert tuple(getattr(records, schema.name.rpartition(".")[2])) == schema.symbols


def test_every_record_on_the_wire_has_a_schema_and_every_dataclass_is_part_of_one() -> None:
    assert set(records.RECORDS) == set(current())
    dataclasses = {name for name in records.__all__ if is_dataclass(getattr(records, name))}
    assert dataclasses == {schema.short_name for schema in _RECORDS}


def test_defaults_are_simple_enough_for_the_reader() -> None:
    """A reader fills defaults in without converting them: bytes, records or enums would come out wrong."""
    defaults = [part.default for schema in _RECORDS for part in schema.fields if part.default is not NO_DEFAULT]
    assert all(default in (None, True, False, {}, []) for default in defaults)
