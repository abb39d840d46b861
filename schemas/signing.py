"""The bytes of a record that its Ed25519 signature is over.

They are made of values and not of the record's Avro, so that a reader with another version of the schema, or without
Avro, checks the same ones:

* `kedge-<record>-v1` in ASCII, the record's name in lower case;
* then every field in the schema's order, except `signature`: its length as 4 bytes, big endian, and so many bytes.

Text is UTF-8, an integer its decimal digits, a boolean `true` or `false`, an enum its symbol. A field that may be null
is the one byte 00 if it is, else the byte 01 and its value. A list is its count, as an integer, then each item, all of
them with their lengths. Nothing else can be signed: a float has no one text.

`key_id` is part of the bytes: nobody can pass a signature off as another key's. Fields that are added to a signed
record need a new number in place of `v1`.
"""

from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from types import NoneType
from typing import Final, get_args, get_type_hints

from kedge.schemas.records import Command, Monitor, Override

__all__ = ["signed_bytes"]

_UNSIGNED: Final = "signature"
_NULL: Final = b"\x00"
_PRESENT: Final = b"\x01"


def signed_bytes(record: Command | Override | Monitor) -> bytes:
    r"""Return what the signature of `record` is, or is to be, over; `key_id` must be in it already.

    Raises:
        TypeError: the record has a field that has no canonical bytes.

    >>> signed_bytes(Monitor(model="fraud", hash="ab", effective_from=0, document="{}", key_id="07"))[:25]
    b'kedge-monitor-v1\x00\x00\x00\x05fraud'
    """
    tag = f"kedge-{type(record).__name__.lower()}-v1".encode()
    optional = _optional(type(record))
    pieces = (
        piece
        for part in fields(record)
        if part.name != _UNSIGNED
        for piece in _pieces(getattr(record, part.name), optional=part.name in optional)
    )
    return tag + b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)


def _pieces(value: object, *, optional: bool) -> Iterator[bytes]:
    if isinstance(value, tuple):
        yield _text(len(value))
        yield from map(_text, value)
    elif not optional:
        yield _text(value)
    else:
        yield _NULL if value is None else _PRESENT + _text(value)


def _text(value: object) -> bytes:
    match value:
        case bool():
            return b"true" if value else b"false"
        case StrEnum() | str() | int():
            return str(value).encode()
    raise TypeError(f"{type(value).__name__} has no canonical bytes")


def _optional(cls: type[object]) -> frozenset[str]:
    """Return the fields that may be None."""
    return frozenset(name for name, hint in get_type_hints(cls).items() if NoneType in get_args(hint))
