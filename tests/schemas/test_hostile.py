"""Bytes that nobody vouches for: only ever `UndecodableError`, never time or memory beyond the message's size."""

import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.schemas.codec import MESSAGE_BYTES_MAX, Codec
from kedge.schemas.contracts import current
from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import RECORDS, PredictionBatch
from kedge.schemas.schema import Record
from tests.schemas.golden import path_of, read
from tests.schemas.made import any_record

CODEC = Codec()
ALL = tuple(RECORDS.values())
# 10 million, minus one (as a length or a count), a length that overflows an address, the least number.
NUMBERS = (10_000_000, -1, 2**40, 2**62, -(2**62), -(2**63))
NEVER_ENDING = (b"\xff" * 9, b"\x80" * 30)


def varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes((*out, zigzag))


def survives(data: bytes) -> None:
    """Decoding ends well or in `UndecodableError`, and both ways of decoding agree which."""
    ends = []
    for decode in (CODEC.decode, CODEC.decode_mapping):
        try:
            decode(data, ALL)
            ends.append("")
        except UndecodableError as error:
            ends.append(error.detail)
    assert ends[0] == ends[1]


def mutations(data: bytes) -> Iterator[bytes]:
    for at in range(10, len(data)):
        yield data[:at]
        for byte in (0x00, 0x7F, 0xFF, data[at] ^ 1, data[at] ^ 2):
            yield data[:at] + bytes((byte,)) + data[at + 1 :]
        for number in (*map(varint, NUMBERS), *NEVER_ENDING):
            yield data[:at] + number + data[at + 1 :]


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    survives(data)


@given(st.sampled_from(list(current().values())), st.binary(max_size=200))
def test_any_body_in_a_good_frame(schema: Record, body: bytes) -> None:
    survives(read(path_of(schema))[:10] + body)


@given(any_record(), st.data())
def test_a_good_message_with_a_splice_in_it(record: object, data: st.DataObject) -> None:
    message = CODEC.encode(record)
    at = data.draw(st.integers(10, len(message)))
    upto = data.draw(st.integers(at, len(message)))
    survives(message[:at] + data.draw(st.binary(max_size=12)) + message[upto:])


@pytest.mark.parametrize("name", sorted(current()))
def test_every_mutation_of_golden_bytes_costs_little(name: str) -> None:
    good = read(path_of(current()[name]))
    survives(good)
    tracemalloc.start()
    worst = 0.0
    for data in mutations(good):
        one = time.process_time()
        survives(data)
        worst = max(worst, time.process_time() - one)
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
    assert worst < 0.2


def test_a_batch_of_ten_million_rows_in_a_hundred_bytes() -> None:
    head = read(path_of(current()["PredictionBatch"]))[:10]
    start = b"\2m\2v\0\2p" + b"\0\0\0" + varint(10_000_000)
    lengths = varint(80_000_000)
    for body in (
        start + lengths,  # timestamps
        start + b"\0\0" + lengths + b"\2x" + lengths,  # numbers: a block of 80 million columns
        start + b"\0\0" + b"\0" + lengths,  # strings: the same
        start + b"\0\0" + b"\0" + b"\2\2x" + lengths,  # a dictionary of 80 million entries
        start + b"\0\0" + b"\0" + b"\1" + lengths,  # a block of 80 million bytes
    ):
        refused_cheaply(head + body)
    # A number of rows is only a number: whoever makes arrays of it compares it with the columns first.
    batch = CODEC.decode(head + start + b"\0\0" + b"\0\0\0" + b"\0\0\0\0\0\0", PredictionBatch)
    assert batch.rows == 10_000_000


def refused_cheaply(data: bytes) -> None:
    assert len(data) < 100
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(UndecodableError):
        CODEC.decode(data, ALL)
    took = time.process_time() - begin
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000
    assert took < 0.05


SIZE = MESSAGE_BYTES_MAX // 4
FULLEST = {
    "dictionary entries": (
        "PredictionBatch",
        b"\2m\2v\0\2p" + bytes(6) + b"\0" + b"\2\0" + varint(SIZE) + bytes(SIZE) + b"\0" + bytes(2) + b"\0" + bytes(7),
    ),
    "baseline segments": ("Baseline", bytes(11) + varint(SIZE // 3) + bytes(SIZE // 3 * 3) + b"\0"),
    "shadow answers": (
        "Prediction",
        b"\2e\2r\2m\2v\0\0\0\0" + bytes(6) + varint(SIZE // 5) + bytes(SIZE // 5 * 5) + b"\0",
    ),
}


@pytest.mark.parametrize("what", FULLEST)
def test_the_fullest_messages_cost_in_proportion(what: str) -> None:
    """As many values as a message of its size can hold."""
    name, body = FULLEST[what]
    data = read(path_of(current()[name]))[:10] + body
    tracemalloc.start()
    CODEC.decode(data, ALL)
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * len(data)
