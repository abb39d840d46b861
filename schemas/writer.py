"""Records to Avro bytes; fastavro does the work."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
from fastavro.types import Schema

from kedge.schemas.contracts import text_of

__all__ = ["body_of"]


def body_of(record: object) -> bytes:
    """Return the Avro body of `record`, without any frame.

    A value that does not fit its field raises fastavro's `ValueError`, `TypeError` or
    `OverflowError`: whoever made the record is at fault, not a sender.
    """
    out = BytesIO()
    fastavro.schemaless_writer(out, _parsed(type(record).__name__), _plain(record))
    return out.getvalue()


@cache
def _parsed(name: str) -> Schema:
    return fastavro.parse_schema(json.loads(text_of(name), object_hook=_bare))


def _bare(node: dict[str, object]) -> dict[str, object]:
    """Drop logical types: a timestamp is an int of milliseconds here, never a datetime."""
    return {key: value for key, value in node.items() if key != "logicalType"}


def _plain(value: object) -> object:
    """Return dataclasses as dicts, all the way down; everything else as it is."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    convert = _CONVERTERS.get(kind)
    if convert is None:
        if not is_dataclass(value):
            _AS_THEY_ARE.add(kind)
            return value
        convert = _CONVERTERS[kind] = _record_converter(kind)
    return convert(value)


def _record_converter(cls: type) -> Callable[[Any], object]:
    names = tuple(field.name for field in fields(cls))

    def convert(record: object) -> object:
        values = ((name, getattr(record, name)) for name in names)
        # Nearly all are scalars: asked here, they cost no call.
        return {name: value if type(value) in _AS_THEY_ARE else _plain(value) for name, value in values}

    return convert


def _sequence(values: tuple[object, ...]) -> object:
    return [_plain(value) for value in values]


def _mapping(values: Mapping[str, object]) -> object:
    return {key: _plain(value) for key, value in values.items()}


_AS_THEY_ARE: set[type] = {bool, bytes, float, int, str, type(None)}
"""Types that fastavro takes; enums join them when they are first met."""

_CONVERTERS: dict[type, Callable[[Any], object]] = {
    tuple: _sequence,
    list: _sequence,
    dict: _mapping,
}
