"""The two hashes of the contracts."""

import hashlib

import xxhash

__all__ = ["id_hash", "keyed_hash"]


def id_hash(text: str) -> int:
    """Return the 64-bit xxHash (seed 0) of `text` in UTF-8, an int in [0, 2**64).

    Lone surrogates, which UTF-8 has no place for, are hashed as their three bytes: an id that a
    serving node made up must never raise in its request path.

    >>> hex(id_hash("abc"))
    '0x44bc2cf5ad770999'
    """
    return xxhash.xxh64_intdigest(text.encode("utf-8", "surrogatepass"))


def keyed_hash(key: bytes, payload: bytes) -> str:
    """Return 32 hex digits (BLAKE2b, 16 bytes) that only holders of `key` can tie to `payload`.

    A plain hash of a guessable payload would give it away. `key` may be of any length: keys
    longer than BLAKE2b's 64 bytes are hashed first.
    """
    if len(key) > hashlib.blake2b.MAX_KEY_SIZE:
        key = hashlib.blake2b(key).digest()
    return hashlib.blake2b(payload, digest_size=16, key=key).hexdigest()
