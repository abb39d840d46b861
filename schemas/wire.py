"""Functions that read one primitive Avro type each from bytes that nobody vouches for.

Written here, and not left to fastavro, because of what fastavro makes of hostile bytes: a
negative length reads all the rest, a negative union or enum index counts from the end, a number
of any length overflows in silence, trailing bytes are ignored. Here (and in `kedge.schemas.composite`)
each of them is refused. fastavro writes, and is the oracle of the tests.

Reference: Apache Avro 1.12 specification, "Binary Encoding".
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from kedge.schemas.errors import Reason, UndecodableError

__all__ = [
    "MORE",
    "PRIMITIVE_READS",
    "MalformedError",
    "Read",
    "read_long",
    "read_string",
    "read_whole",
]

# (all bytes, where to begin) to (value, where it ended). IndexError and struct.error mean that
# the bytes ended too early; `read_whole` says so to the caller.
Read = Callable[[bytes, int], tuple[Any, int]]

# A number's byte: seven bits of it, and one that says whether more come.
MORE: Final = 0x80
_SEVEN: Final = 0x7F
_VARINT_SHIFT_MAX: Final = 63
_INT_MIN: Final = -(2**31)
_INT_MAX: Final = 2**31 - 1
_DOUBLE: Final = struct.Struct("<d")
_FLOAT: Final = struct.Struct("<f")


class MalformedError(Exception):
    """The bytes are not what their schema says."""


def read_whole(read: Read, data: bytes, start: int) -> object:
    """Return what `read` makes of `data` from `start` to its very end, or raise `UndecodableError`.

    Causes are cut off: a UnicodeDecodeError holds the payload, and would be printed with the traceback.
    """
    try:
        value, end = read(data, start)
    except (IndexError, struct.error):
        raise UndecodableError(Reason.UNDECODABLE, "ends too early") from None
    except UnicodeDecodeError:
        raise UndecodableError(Reason.UNDECODABLE, "text is not UTF-8") from None
    except MalformedError as error:
        raise UndecodableError(Reason.UNDECODABLE, str(error)) from None
    if end != len(data):
        raise UndecodableError(Reason.UNDECODABLE, f"{len(data) - end} bytes left over")
    return value


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag number of 64 bits."""
    byte = data[at]
    at += 1
    if byte < MORE:
        return (byte >> 1) ^ -(byte & 1), at
    value = byte & _SEVEN
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & _SEVEN) << shift
        if byte < MORE:
            break
        shift += 7
        if shift > _VARINT_SHIFT_MAX:
            raise MalformedError("number of more than 10 bytes")
    if value >> 64:
        raise MalformedError("number past 64 bits")
    return (value >> 1) ^ -(value & 1), at


def _int(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_long(data, at)
    if not _INT_MIN <= value <= _INT_MAX:
        raise MalformedError("int past 32 bits")
    return value, at


def _null(_data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _boolean(data: bytes, at: int) -> tuple[bool, int]:
    byte = data[at]
    if byte > 1:
        raise MalformedError("boolean that is neither 0 nor 1")
    return byte == 1, at + 1


def _double(data: bytes, at: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(data, at)[0], at + 8


def _float(data: bytes, at: int) -> tuple[float, int]:
    return _FLOAT.unpack_from(data, at)[0], at + 4


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_long(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise MalformedError("length past the end")
    return data[at:end], end


def read_string(data: bytes, at: int) -> tuple[str, int]:
    """Read a string in UTF-8."""
    # Nearly every name is shorter than 64 bytes: its length is one byte, read without a call.
    byte = data[at]
    if byte < MORE and not byte & 1:
        size, at = byte >> 1, at + 1
    else:
        size, at = read_long(data, at)
    end = at + size
    if size < 0 or end > len(data):
        raise MalformedError("length past the end")
    return data[at:end].decode(), end


PRIMITIVE_READS: Final[Mapping[str, Read]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": read_long,
    "float": _float,
    "double": _double,
    "bytes": _bytes,
    "string": read_string,
}
