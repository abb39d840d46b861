"""What judge says of a closed window."""

from dataclasses import dataclass

from kedge.schemas.records.enums import Cause, FindingKind, Role, Verdict

__all__ = ["Bin", "Finding", "Report", "UnseenShare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One decision bin: shares in [0, 1], and its part of the PSI."""

    label: str
    reference: float
    current: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenShare:
    """A frequent category that the baseline never had."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One signal, or one quality rule, of one window; None where a metric does not apply."""

    signal: str
    kind: FindingKind
    verdict: Verdict
    cause: Cause
    reason: str
    n: int
    n_eff: float
    psi: float | None = None
    psi_debiased: float | None = None
    kl_current_reference: float | None = None
    kl_reference_current: float | None = None
    js_distance: float | None = None
    ks: float | None = None
    ks_error: float | None = None
    ks_p_value: float | None = None
    chi_square: float | None = None
    g_p_value: float | None = None
    wasserstein: float | None = None
    hellinger: float | None = None
    missing: int
    invalid: int
    unseen: int
    out_of_range: int
    detectable_psi: float | None = None
    unseen_categories: tuple[UnseenShare, ...] = ()
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One closed window of one (model, version, role, segment)."""

    model: str
    version: str
    role: Role
    segment: str
    """Empty: all rows. Else key=value."""
    window_start: int
    """Milliseconds since 1970-01-01 UTC."""
    window_end: int
    """Milliseconds since 1970-01-01 UTC, exclusive."""
    revision: int
    """0 when it closed, 1 and up when amended."""
    final: bool
    """No further revision will come."""
    requests: int
    error_share: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    latency_p99_ms: float | None = None
    n: int
    n_eff: float
    design_effect: float
    design_effect_assumed: bool
    """True: 1 for want of anything better."""
    completeness: float
    """0 to 1."""
    verdict: Verdict
    reason: str
    baseline: str
    monitor: str
    findings: tuple[Finding, ...]
