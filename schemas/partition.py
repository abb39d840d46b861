"""The partition of a key as Kafka's Java client computes it (librdkafka: `murmur2_random`).

Joins meet in one partition only if everyone agrees on it, so this is a contract like the records.
Source: `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`, whose published test
vectors the tests hold; MurmurHash2 itself is Austin Appleby's.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["murmur2", "partition_for", "partitions_for"]

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of `data` with Kafka's seed, in [0, 2**32).

    >>> murmur2(b"21") == -973932308 % 2**32
    True
    """
    size = len(data)
    h = (_SEED ^ size) & _MASK
    tail = size & ~3
    for start in range(0, tail, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if size > tail:
        h = (h ^ int.from_bytes(data[tail:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_for(key: bytes, count: int) -> int:
    """Return the partition, in [0, count), of a record with this key among `count` ≥ 1."""
    return (murmur2(key) & _POSITIVE) % count


def partitions_for(keys: Sequence[bytes], count: int) -> NDArray[np.intp]:
    """Return the partition of each key, shape (len(keys),); equal to `partition_for` of each.

    Keys of one length are hashed together, a column of words at a time: request ids of a fleet
    have few lengths.
    """
    places = defaultdict[int, list[int]](list)
    for place, key in enumerate(keys):
        places[len(key)].append(place)
    partitions = np.empty(len(keys), np.intp)
    for size, group in places.items():
        joined = b"".join([keys[place] for place in group])
        hashes = _murmur2_all(np.frombuffer(joined, np.uint8).reshape(len(group), size))
        partitions[group] = (hashes & np.uint32(_POSITIVE)).astype(np.intp) % count
    return partitions


def _murmur2_all(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return murmur2 of each row of `data`, shape (keys, bytes); uint32 arithmetic wraps."""
    keys, size = data.shape
    m = np.uint32(_M)
    h = np.full(keys, (_SEED ^ size) & _MASK, np.uint32)
    tail = size & ~3
    for words in np.ascontiguousarray(data[:, :tail]).view("<u4").T:
        k = words * m
        k ^= k >> np.uint32(24)
        k *= m
        h *= m
        h ^= k
    if size > tail:
        for place in range(tail, size):
            h ^= data[:, place].astype(np.uint32) << np.uint32(8 * (place - tail))
        h *= m
    h ^= h >> np.uint32(13)
    h *= m
    h ^= h >> np.uint32(15)
    return h
