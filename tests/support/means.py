"""What a guard of a test is given from outside: a list of rollbacks, and signatures that anybody can make."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from kedge.streams.core.guard_means import GuardMeans


@dataclass
class ToldRollbacks:
    """What the test says."""

    told: list[tuple[str, int]] = field(default_factory=list)

    def recent(self, now_ms: int) -> tuple[tuple[str, int], ...]:
        return tuple((model, issued) for model, issued in self.told if issued > now_ms - 600_000)


class HashSigner:
    """Signs with a hash: as good as a key wherever nobody forges."""

    key_id = "0123456789abcdef"

    def sign(self, data: bytes) -> bytes:
        return sha256(data).digest()


class HashVerifier:
    """Accepts what `HashSigner` signs."""

    def accepts(self, key_id: str, data: bytes, signature: bytes) -> bool:
        return key_id == HashSigner.key_id and signature == sha256(data).digest()


def guard_means(rollbacks: Sequence[tuple[str, int]] = ()) -> GuardMeans:
    """Return means that need no cluster and no files."""
    return GuardMeans(rollbacks=ToldRollbacks(list(rollbacks)), signer=HashSigner(), verifier=HashVerifier())
