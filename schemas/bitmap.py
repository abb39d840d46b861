"""Validity bitmaps: one bit a row, least significant bit first, padded with zeros."""

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.errors import Reason, UndecodableError

__all__ = ["pack_bits", "unpack_bits"]


def pack_bits(bits: NDArray[np.bool_]) -> bytes:
    """Return `bits`, shape (rows,), as ceil(rows / 8) bytes.

    >>> pack_bits(np.array([True, False, True])).hex()
    '05'
    """
    return np.packbits(bits, bitorder="little").tobytes()


def unpack_bits(data: bytes, rows: int) -> NDArray[np.bool_]:
    """Return the bitmap of `rows` rows, shape (rows,); the inverse of `pack_bits`.

    Padding bits are not looked at. Raises `UndecodableError` where the length is not that of
    `rows` rows, before anything of that size is made.

    >>> unpack_bits(bytes([5]), 3).tolist()
    [True, False, True]
    """
    expected = (rows + 7) // 8
    if rows < 0 or len(data) != expected:
        raise UndecodableError(Reason.UNDECODABLE, f"bitmap of {len(data)} bytes, {rows} rows need {expected}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=rows, bitorder="little")
    return bits.view(np.bool_)
