"""Any value of any contract, for property tests: strategies made from the schemas themselves."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from kedge.schemas import records
from kedge.schemas.contracts import current
from kedge.schemas.schema import Array, Enum, Map, Primitive, Record, Schema, Union

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)

_PRIMITIVES: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "bytes": st.binary(max_size=12),
    "string": _TEXT,
}


def any_value(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that fit a schema, records as their dataclasses."""
    match schema:
        case Primitive(name):
            return _PRIMITIVES[name]
        case Enum(name, symbols):
            return st.sampled_from(symbols).map(getattr(records, name.rpartition(".")[2]))
        case Array(items):
            return st.lists(any_value(items), max_size=4).map(tuple)
        case Map(values):
            return st.dictionaries(_TEXT, any_value(values), max_size=4)
        case Union(branches):
            return st.one_of(*map(any_value, branches))
        case Record(_name, fields):
            parts = {field.name: any_value(field.type) for field in fields}
            return st.builds(getattr(records, schema.short_name), **parts)
    raise AssertionError(schema)


def any_record() -> st.SearchStrategy[Any]:
    """Any record that travels on its own."""
    return st.one_of(*map(any_value, current().values()))
