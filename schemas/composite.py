"""Functions that read one composite Avro type each, made of the readers of its parts.

Every item costs at least a byte (`kedge.schemas.lint` sees to it), so a block that declares more items than bytes are
left is refused before its first item is read: neither time nor memory goes beyond the message's size.

Reference: Apache Avro 1.12 specification, "Binary Encoding".
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kedge.schemas.wire import MORE, MalformedError, Read, read_long, read_string

__all__ = [
    "UNKNOWN_SYMBOL",
    "Make",
    "array_reader",
    "enum_reader",
    "fixed_reader",
    "map_reader",
    "record_reader",
    "union_reader",
]

Make = Callable[..., object]

UNKNOWN_SYMBOL: Final = object()
"""Stands in an enum's members where the reader knows no such symbol."""


def _block(data: bytes, at: int) -> tuple[int, int, int]:
    """Return a block's count, where its items begin, and where they must end (-1: not said)."""
    count, at = read_long(data, at)
    end = -1
    if count < 0:
        count = -count
        size, at = read_long(data, at)
        end = at + size
        if size < 0 or end > len(data):
            raise MalformedError("block past the end")
    if count > len(data) - at:
        raise MalformedError("block of more items than bytes")
    return count, at, end


def array_reader(read_item: Read) -> Read:
    """Return a reader of arrays, as tuples."""

    def read_array(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        items: list[Any] = []
        while True:
            count, at, end = _block(data, at)
            if not count:
                return tuple(items), at
            for _ in range(count):
                item, at = read_item(data, at)
                items.append(item)
            if end not in (-1, at):
                raise MalformedError("block of another size than it says")

    return read_array


def map_reader(read_value: Read) -> Read:
    """Return a reader of maps; a key that comes twice is refused."""

    def read_map(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        total = 0
        while True:
            count, at, end = _block(data, at)
            if not count:
                break
            total += count
            for _ in range(count):
                key, at = read_string(data, at)
                values[key], at = read_value(data, at)
            if end not in (-1, at):
                raise MalformedError("block of another size than it says")
        if len(values) != total:
            raise MalformedError("one key twice")
        return values, at

    return read_map


def union_reader(reads: tuple[Read, ...]) -> Read:
    """Return a reader of a union whose branches have these readers, in order."""
    branches = len(reads)

    def read_union(data: bytes, at: int) -> tuple[Any, int]:
        byte = data[at]
        if byte < MORE and not byte & 1:
            index, at = byte >> 1, at + 1
        else:
            index, at = read_long(data, at)
        if not 0 <= index < branches:
            raise MalformedError("union without such a branch")
        return reads[index](data, at)

    return read_union


def enum_reader(members: tuple[object, ...]) -> Read:
    """Return a reader of an enum; `members` stand for the writer's symbols, in order."""

    def read_enum(data: bytes, at: int) -> tuple[Any, int]:
        index, at = read_long(data, at)
        if not 0 <= index < len(members):
            raise MalformedError("enum without such a symbol")
        member = members[index]
        if member is UNKNOWN_SYMBOL:
            raise MalformedError("symbol that this version does not know")
        return member, at

    return read_enum


def fixed_reader(size: int) -> Read:
    """Return a reader of `size` bytes."""

    def read_fixed(data: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise MalformedError("length past the end")
        return data[at:end], end

    return read_fixed


def record_reader(
    fields: tuple[tuple[str | None, Read], ...],
    defaults: Mapping[str, object],
    make: Make | None,
) -> Read:
    """Return a reader of records, made by `make(**fields)`, or dicts where that is None.

    `fields` are in the writer's order, name None: read and thrown away. `defaults` are of the fields that the writer
    does not have.
    """
    same = tuple((name, read) for name, read in fields if name is not None)
    if len(same) == len(fields) and not defaults:
        return _same_record_reader(same, make)

    def read_record(data: bytes, at: int) -> tuple[Any, int]:
        values: dict[str, Any] = {**defaults}
        for name, read in fields:
            value, at = read(data, at)
            if name is not None:
                values[name] = value
        return (values if make is None else make(**values)), at

    return read_record


def _same_record_reader(fields: tuple[tuple[str, Read], ...], make: Make | None) -> Read:
    """The usual case, without the checks that resolution needs: a third less time."""
    if make is None:

        def read_mapping(data: bytes, at: int) -> tuple[Any, int]:
            values: dict[str, Any] = {}
            for name, read in fields:
                values[name], at = read(data, at)
            return values, at

        return read_mapping

    def read_made(data: bytes, at: int) -> tuple[Any, int]:
        values: dict[str, Any] = {}
        for name, read in fields:
            values[name], at = read(data, at)
        return make(**values), at

    return read_made
