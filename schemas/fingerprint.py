"""The name that a schema has on the wire: CRC-64-AVRO of its Parsing Canonical Form.

Reference: Apache Avro 1.12 specification, "Parsing Canonical Form" and "Schema Fingerprints".
"""

import json
from typing import Final

from kedge.schemas.schema import (
    Array,
    Enum,
    Fixed,
    Map,
    Primitive,
    Record,
    Schema,
    Union,
)

__all__ = ["canonical_form", "crc64", "fingerprint"]

_EMPTY: Final = 0xC15D213AA4D7A795


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_EMPTY if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE: Final = _table()


def crc64(data: bytes) -> int:
    """Return the 64-bit Rabin fingerprint of `data`, in [0, 2**64).

    >>> hex(crc64(b'"int"'))
    '0x7275d51a3f395c8f'
    """
    value = _EMPTY
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def fingerprint(schema: Schema) -> bytes:
    """Return the 8 bytes that stand for `schema` in a single-object message, little-endian."""
    return crc64(canonical_form(schema).encode()).to_bytes(8, "little")


def canonical_form(schema: Schema) -> str:
    """Return the Parsing Canonical Form: the parts that decide the bytes, in one spelling."""
    return json.dumps(_plain(schema, set()), separators=(",", ":"), ensure_ascii=False)


def _plain(schema: Schema, seen: set[str]) -> object:
    match schema:
        case Primitive(name):
            return name
        case Array(items):
            return {"type": "array", "items": _plain(items, seen)}
        case Map(values):
            return {"type": "map", "values": _plain(values, seen)}
        case Union(branches):
            return [_plain(branch, seen) for branch in branches]
        case _:
            return _named(schema, seen)


def _named(schema: Fixed | Enum | Record, seen: set[str]) -> object:
    if schema.name in seen:
        return schema.name
    seen.add(schema.name)
    match schema:
        case Fixed(name, size):
            return {"name": name, "type": "fixed", "size": size}
        case Enum(name, symbols):
            return {"name": name, "type": "enum", "symbols": list(symbols)}
        case Record(name, fields):
            parts = [{"name": field.name, "type": _plain(field.type, seen)} for field in fields]
            return {"name": name, "type": "record", "fields": parts}
