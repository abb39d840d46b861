"""Count vectors and bitmaps: what is packed is unpacked, as short as can be, and broken bytes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kedge.schemas.bitmap import pack_bits, unpack_bits
from kedge.schemas.errors import UndecodableError
from kedge.schemas.packed import pack_counts, pack_signed, unpack_counts, unpack_signed

Counts = NDArray[np.int64]

numbers = st.one_of(
    st.just(0), st.integers(0, 300), st.integers(0, 2**17), st.integers(0, 2**33), st.integers(0, 2**63 - 1)
)
vectors = st.lists(numbers, max_size=400).map(lambda counts: np.array(counts, np.int64))
sparse = st.dictionaries(st.integers(0, 69_999), numbers, max_size=20)


@given(vectors)
def test_what_is_packed_is_unpacked(counts: Counts) -> None:
    back = unpack_counts(pack_counts(counts), counts.size)
    assert back.dtype == np.int64
    assert back.tolist() == counts.tolist()


@given(st.lists(st.integers(-(2**62), 2**62 - 1), max_size=400).map(lambda sums: np.array(sums, np.int64)))
def test_sums_of_either_sign_are_unpacked(sums: Counts) -> None:
    assert unpack_signed(pack_signed(sums), sums.size).tolist() == sums.tolist()


@given(sparse)
def test_what_is_sparse_is_short(entries: dict[int, int]) -> None:
    counts = np.zeros(70_000, np.int64)
    for place, count in entries.items():
        counts[place] = count
    data = pack_counts(counts)
    assert unpack_counts(data, counts.size).tolist() == counts.tolist()
    assert len(data) <= 1 + 12 * len(entries)


@given(vectors)
def test_one_vector_has_one_form(counts: Counts) -> None:
    data = pack_counts(counts)
    assert pack_counts(unpack_counts(data, counts.size)) == data
    assert pack_counts(np.concatenate([counts, np.zeros(5, np.int64)])) == data


@pytest.mark.parametrize(
    ("counts", "size"),
    [
        (np.zeros(10_000, np.int64), 1),
        (np.full(1_000, 255, np.int64), 1_001),
        (np.full(1_000, 256, np.int64), 2_001),
        (np.full(1_000, 65_536, np.int64), 4_001),
        (np.full(1_000, 2**32, np.int64), 8_001),
        (np.eye(1, 1_000, 999, np.int64)[0], 4),
    ],
)
def test_the_narrowest_numbers_are_taken(counts: Counts, size: int) -> None:
    assert len(pack_counts(counts)) == size


def test_a_negative_count_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        pack_counts(np.array([1, -1]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x20",  # a form that does not exist
        b"\x08\1",  # an index's width in a dense vector
        b"\x01\1",  # half a value
        b"\x00" + bytes(11),  # more counts than there are bins
        b"\x04\1",  # half an entry
        b"\x04\x0a\1",  # index 10 of 10
        b"\x04\2\1\1\1",  # descending
        b"\x04\2\2\1\1",  # one twice
        b"\x1c" + b"\xff" * 16,  # an index past everything
        b"\x03" + b"\xff" * 8,  # a count past int64
    ],
)
def test_broken_counts_are_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        unpack_counts(data, 10)


@given(st.binary(max_size=40), st.integers(0, 50))
def test_any_bytes_are_counts_or_refused(data: bytes, size: int) -> None:
    try:
        counts = unpack_counts(data, size)
    except UndecodableError:
        return
    assert counts.shape == (size,)
    assert (counts >= 0).all()


@given(st.lists(st.booleans(), max_size=100))
def test_bits_come_back(bits: list[bool]) -> None:
    data = pack_bits(np.array(bits, np.bool_))
    assert len(data) == -(-len(bits) // 8)
    assert unpack_bits(data, len(bits)).tolist() == bits


@pytest.mark.parametrize(("size", "rows"), [(0, 1), (1, 0), (1, 9), (2, 8), (0, -1), (13, 10_000_000)])
def test_a_bitmap_of_another_length_is_refused(size: int, rows: int) -> None:
    with pytest.raises(UndecodableError, match="bitmap"):
        unpack_bits(bytes(size), rows)
