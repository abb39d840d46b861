"""What the pure core knows of keys: somebody signs, and somebody says whether a signature counts."""

from typing import Protocol

__all__ = ["Signer", "Verifier"]


class Signer(Protocol):
    """Signs bytes with one key."""

    @property
    def key_id(self) -> str:
        """Name of the key, 16 hex digits; empty: nothing is signed."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`; empty where nothing is signed."""


class Verifier(Protocol):
    """Knows whose signatures count."""

    def accepts(self, key_id: str, data: bytes, signature: bytes) -> bool:
        """Return whether `signature` is one of `data` by a key of that name that is trusted; never raises."""
