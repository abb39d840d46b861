"""Triage before blame: where a shift seems to come from (design, section 5)."""

from kedge.detectors.compare import Comparison
from kedge.detectors.verdict import Cause, Verdict

PIPELINE_SHARE = 0.5
"""Share of the PSI past which what does not belong explains it."""


def cause_of(comparison: Comparison, verdict: Verdict) -> Cause:
    """The cause of a warning or drift; NONE for any other verdict.

    PIPELINE if missing, invalid, unseen and out-of-range bins explain more than half of the PSI, else DISTRIBUTION.
    UNKNOWN where the bins differ by no more than chance would make them, so that there is nothing to attribute: the
    verdict then rests on another distance.
    """
    if verdict < Verdict.WARNING:
        return Cause.NONE
    if comparison.pipeline_share is None or comparison.psi_debiased is None or comparison.psi_debiased <= 0:
        return Cause.UNKNOWN
    return Cause.PIPELINE if comparison.pipeline_share > PIPELINE_SHARE else Cause.DISTRIBUTION
