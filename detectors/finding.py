"""What a window's report says of one signal."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kedge.detectors.cause import cause_of
from kedge.detectors.compare import Comparison
from kedge.detectors.policy import Policy
from kedge.detectors.verdict import Cause, Verdict

Kind: TypeAlias = Literal["feature", "score", "label", "confidence", "quality", "sequential"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on one signal, or on the quality rules of one feature, with its evidence."""

    signal: str
    kind: Kind
    verdict: Verdict
    cause: Cause
    reason: str
    """In words, for the one who is woken."""
    comparison: Comparison
    """The numbers; of kind quality only what counting tells."""


def judge(signal: str, kind: Kind, comparison: Comparison, policy: Policy) -> Finding:
    """The finding of one compared signal under a policy.

    >>> from kedge.detectors.policy import FixedPolicy
    >>> judge("age", "feature", Comparison(n=0, n_eff=0.0), FixedPolicy()).reason
    'no data'
    """
    verdict, reason = policy.classify(comparison)
    return Finding(
        signal=signal,
        kind=kind,
        verdict=verdict,
        cause=cause_of(comparison, verdict),
        reason=reason,
        comparison=comparison,
    )
