"""Hashes and partitions agree with the published values and with one another."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.schemas.hashing import id_hash, keyed_hash
from kedge.schemas.partition import murmur2, partition_for, partitions_for

# From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
KAFKA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", KAFKA)
def test_murmur2_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == KAFKA[key] % 2**32


@pytest.mark.parametrize("key", KAFKA)
def test_a_partition_is_the_positive_hash_modulo_the_count(key: bytes) -> None:
    assert partition_for(key, 7) == (KAFKA[key] & 0x7FFFFFFF) % 7


@given(st.lists(st.binary(max_size=20), max_size=50), st.integers(1, 1_000))
def test_many_keys_go_where_each_of_them_goes(keys: list[bytes], count: int) -> None:
    partitions = partitions_for(keys, count)
    assert partitions.dtype == np.intp
    assert partitions.tolist() == [partition_for(key, count) for key in keys]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0xEF46DB3751D8E999), ("a", 0xD24EC4F1A98C6E5B), ("abc", 0x44BC2CF5AD770999)],
)
def test_ids_are_hashed_by_xxhash64(text: str, expected: int) -> None:
    """Published values of XXH64 with seed 0."""
    assert id_hash(text) == expected


@given(st.text(st.characters(categories=("Cs", "Ll", "So"))))
def test_any_text_has_a_hash_even_one_that_utf_8_cannot_hold(text: str) -> None:
    assert 0 <= id_hash(text) < 2**64
    assert id_hash(text) != id_hash(text + "\ud800")


def test_a_keyed_hash_needs_the_key() -> None:
    assert keyed_hash(b"k", b"payload") != keyed_hash(b"l", b"payload")
    assert keyed_hash(b"k", b"payload") != keyed_hash(b"", b"payload")
    assert len(keyed_hash(b"k", b"payload")) == 32


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_a_key_may_be_of_any_length(key: bytes, payload: bytes) -> None:
    short = key if len(key) <= 64 else hashlib.blake2b(key).digest()
    assert keyed_hash(key, payload) == hashlib.blake2b(payload, digest_size=16, key=short).hexdigest()
