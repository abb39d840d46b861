"""What a guard is given from outside, beside its records."""

from dataclasses import dataclass

from kedge.streams.core.rollbacks import Rollbacks
from kedge.streams.core.trusting import Signer, Verifier

__all__ = ["GuardMeans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardMeans:
    """The same for all guards of a process.

    Args:
        rollbacks: what other guards, and this one, have commanded of late.
        signer: signs the commands.
        verifier: says whose overrides count.
    """

    rollbacks: Rollbacks
    signer: Signer
    verifier: Verifier
