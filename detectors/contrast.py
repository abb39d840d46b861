"""A version beside its control in the same window, on different requests: what both show is the traffic's doing.

Each side is held against its own baseline; the excess, the candidate's debiased PSI less the control's, is a difference
in differences. A shift of the control only counts by its size: whether both moved the same way is asked only where both
baselines have the same bins, so that the two windows can be held against each other.
"""

from dataclasses import dataclass
from enum import StrEnum

from kedge.detectors.arrays import Counts
from kedge.detectors.compare import Comparison, compare
from kedge.detectors.effect import debiased_psi
from kedge.detectors.grids import Grid
from kedge.detectors.policy import FixedPolicy
from kedge.detectors.reference import Reference

_PLAIN = FixedPolicy()


class ContrastCause(StrEnum):
    """Whose doing a shift of the candidate is."""

    NONE = "none"
    """The candidate shows none."""
    TRAFFIC = "traffic"
    """The control shows it too."""
    CANDIDATE = "candidate"
    """The control does not, or much less of it."""
    UNKNOWN = "unknown"
    """One side has too few rows, or no baseline."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version's window of a signal."""

    grid: Grid
    """Of its baseline."""
    counts: Counts
    """Shape (grid.size,), rows a fine bin."""
    compared: Comparison
    """With its own baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalContrast:
    """What two windows say of each other. None: their bins differ, or there are no rows to tell from."""

    psi: float | None = None
    psi_debiased: float | None = None
    kl_candidate_control: float | None = None
    ks: float | None = None
    candidate_psi_debiased: float | None
    control_psi_debiased: float | None
    excess: float | None
    cause: ContrastCause


def contrast(candidate: Side, control: Side, policy: FixedPolicy) -> SignalContrast:
    """The candidate's window beside the control's.

    The cause is asked for in this order: UNKNOWN, a side without a debiased PSI, or with fewer effective rows or
    baseline rows than the policy wants; NONE, the candidate's is below the drift threshold; CANDIDATE, the control's is
    below the warning, or the excess has itself reached the drift threshold and so has, where the bins are the same, the
    PSI of the two windows; else TRAFFIC.

    Args:
        candidate: the version in question.
        control: the version that served beside it.
        policy: its thresholds, where they are on the debiased PSI; else 0.1 and 0.2 are taken.
    """
    ours, theirs = candidate.compared.psi_debiased, control.compared.psi_debiased
    beside = _beside(candidate, control) if candidate.grid == control.grid else None
    apart = None if beside is None else _debiased(beside, candidate, control)
    return SignalContrast(
        psi=None if beside is None else beside.psi,
        psi_debiased=apart,
        kl_candidate_control=None if beside is None else beside.kl_current_reference,
        ks=None if beside is None else beside.ks,
        candidate_psi_debiased=ours,
        control_psi_debiased=theirs,
        excess=None if ours is None or theirs is None else ours - theirs,
        cause=_cause(candidate.compared, control.compared, apart, policy),
    )


def _beside(candidate: Side, control: Side) -> Comparison:
    """The candidate's rows with the control's in the baseline's place."""
    return compare(Reference(control.grid, control.counts), candidate.counts)


def _debiased(beside: Comparison, candidate: Side, control: Side) -> float | None:
    """Both sides are windows here, so that both are worth their effective rows only."""
    if beside.psi is None:
        return None
    return debiased_psi(beside.psi, len(beside.bins), candidate.compared.n_eff, control.compared.n_eff)


def _cause(candidate: Comparison, control: Comparison, apart: float | None, policy: FixedPolicy) -> ContrastCause:
    ours, theirs = candidate.psi_debiased, control.psi_debiased
    rows = min(candidate.n_eff, candidate.n_reference, control.n_eff, control.n_reference)
    if ours is None or theirs is None or rows < policy.n_eff_min:
        return ContrastCause.UNKNOWN
    thresholds = policy if policy.drift_psi is not None else _PLAIN
    if ours < thresholds.drift:
        return ContrastCause.NONE
    # The PSI of a far shift varies by more than a threshold; two windows that are alike have moved alike.
    alike = apart is not None and apart < thresholds.drift
    if theirs < thresholds.warn or (ours - theirs >= thresholds.drift and not alike):
        return ContrastCause.CANDIDATE
    return ContrastCause.TRAFFIC
