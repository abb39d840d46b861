"""The digest of a model's state that each journal entry has: over the digests of its records, which are kept."""

from hashlib import sha256

from kedge.streams.core.guarding.history import StreamKey

__all__ = ["StateDigest"]


class StateDigest:
    """SHA-256 over the SHA-256 of the message of `GuardModel`, then of each `GuardStream` in order of its key.

    Digests are 32 bytes each, one behind the other. The order is that of (version, role, segment) as strings, by code
    point, so that it does not matter in which order streams came or changed. A message is the record as it lies in the
    state topic, its frame included; a stream without a record has no part in it.

    >>> digest = StateDigest()
    >>> digest.put_model(b"model")
    >>> _ = digest.put(StreamKey("v2", "CANARY", ""), b"two"), digest.put(StreamKey("v1", "PRIMARY", ""), b"one")
    >>> parts = [sha256(message).digest() for message in (b"model", b"one", b"two")]
    >>> digest.hex() == sha256(b"".join(parts)).hexdigest()
    True
    """

    def __init__(self) -> None:
        """Nothing is recorded."""
        self._model = b""
        self._streams: dict[StreamKey, bytes] = {}
        self._order: list[StreamKey] = []

    def put_model(self, message: bytes) -> None:
        """Note the model's record."""
        self._model = sha256(message).digest()

    def put(self, key: StreamKey, message: bytes | None) -> bool:
        """Note a stream's record; None: it has none any more. Returns whether it is another than before."""
        before = self._streams.get(key)
        after = None if message is None else sha256(message).digest()
        if after == before:
            return False
        if after is None:
            del self._streams[key]
        else:
            self._streams[key] = after
        if before is None or after is None:
            self._order = sorted(self._streams)
        return True

    def hex(self) -> str:
        """Return the digest."""
        return sha256(b"".join((self._model, *(self._streams[key] for key in self._order)))).hexdigest()
