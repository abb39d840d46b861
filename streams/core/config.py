"""What every core is told from outside."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CoreConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreConfig:
    """One core's place in the deployment."""

    environment: str
    partition: int
    topology: Mapping[str, int]
    """Logical topic to partition count; a state made for another refuses to start."""
    hash_key: bytes
    """Ties hashes of what is not told to this deployment."""
    keep_payloads: bool = False
    """Dead letters hold what was refused."""
