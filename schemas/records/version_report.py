"""What judge says of a version beside its control: paired answers, outcomes, errors, latency, and harm."""

from dataclasses import dataclass

from kedge.schemas.records.enums import ControlKind, HarmKind, Role, Verdict

__all__ = ["Contrast", "DisagreementFeature", "Flip", "Harm", "OutcomeSection", "PairSection", "VersionReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """So many pairs had this predicted class from the control and that one from the candidate."""

    control: str
    candidate: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementFeature:
    """How far a feature's values in disagreeing pairs lie from those in agreeing ones."""

    feature: str
    psi_debiased: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSection:
    """Both answers to the same requests; shares in [0, 1], delta = candidate's score less control's."""

    n: int
    """Pairs joined."""
    sampled_share: float
    """Share of requests that took part in the join."""
    unmatched_candidate: int
    unmatched_control: int
    join_rate: float | None = None
    """Share of the candidate's sampled answers that found their control's."""
    disagreements: int
    disagreement_rate: float | None = None
    disagreement_low: float | None = None
    """Wilson interval, 95 %."""
    disagreement_high: float | None = None
    delta_mean: float | None = None
    delta_p05: float | None = None
    delta_p50: float | None = None
    delta_p95: float | None = None
    candidate_error_share: float | None = None
    control_error_share: float | None = None
    latency_ratio: float | None = None
    """Candidate's median latency by the control's."""
    flips: tuple[Flip, ...]
    features: tuple[DisagreementFeature, ...]
    """The features that set disagreeing requests apart, furthest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One signal, unpaired: the candidate's histogram against the control's, and each against its own baseline."""

    signal: str
    kind: str
    psi: float | None = None
    psi_debiased: float | None = None
    kl_candidate_control: float | None = None
    ks: float | None = None
    candidate_psi_debiased: float | None = None
    """Candidate against its own baseline."""
    control_psi_debiased: float | None = None
    """Control against its own baseline."""
    excess: float | None = None
    """Difference in differences: candidate's less control's; what traffic does to both is not in it."""
    cause: str
    """traffic: the control shows the same shift; candidate: it does not; none; unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSection:
    """Measures of one outcome over the window's predictions; None where a measure does not apply."""

    outcome: str
    n: int
    predictions: int
    """Sampled predictions of the window that could be joined."""
    coverage: float | None = None
    """n by predictions."""
    usual_coverage: float | None = None
    """What earlier windows had at this age; None: not learnt."""
    maturity: float | None = None
    """coverage by usual_coverage, at most 1; None: not known."""
    mature: bool
    positive_rate: float | None = None
    accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    ece: float | None = None
    auc: float | None = None
    mae: float | None = None
    rmse: float | None = None
    confusion: tuple[Flip, ...]
    """`control` holds the observed class, `candidate` the predicted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """One measure of the version beside its control, tested for harm and not for change."""

    kind: HarmKind
    measure: str
    """error_rate, slow_rate, divergence_rate, or outcome name and measure: click.positive_rate."""
    higher_is_better: bool
    n: int
    events: int
    rate: float | None = None
    control_n: int
    control_events: int
    control_rate: float | None = None
    change: float | None = None
    """rate by control_rate, less 1."""
    log_evidence: float
    """Natural log of the e-detector after this window."""
    log_threshold: float
    """From here on it is harm."""
    verdict: Verdict
    """DRIFTED: harm is shown."""
    reason: str
    detectable_change: float | None = None
    """Least relative change that one day of this traffic would show."""
    windows_to_detect: float | None = None
    """Decision windows that a change of -10 % (of bad events: +50 %) would take at this traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """One closed window of one version; the control's counts are of the same window, or of its last healthy ones."""

    model: str
    version: str
    role: Role
    segment: str
    """Empty: all rows. Else key=value."""
    control: str
    """Version; empty: none."""
    control_kind: ControlKind
    window_start: int
    """Milliseconds since 1970-01-01 UTC."""
    window_end: int
    """Milliseconds since 1970-01-01 UTC, exclusive."""
    revision: int
    """0 when it closed, 1 when its outcomes are due."""
    final: bool
    outcomes_due: bool
    """The outcomes' delay has passed: they are judged."""
    requests: int
    control_requests: int
    error_share: float | None = None
    control_error_share: float | None = None
    latency_p95_ms: float | None = None
    control_latency_p95_ms: float | None = None
    slow_share: float | None = None
    """Share of requests slower than the SLO."""
    control_slow_share: float | None = None
    traffic_share: float | None = None
    """This version's share of the requests that were served (shadows apart)."""
    expected_share: float | None = None
    """As the monitor says."""
    sample_ratio_p_value: float | None = None
    """Of the traffic share against the expected one."""
    completeness: float
    """0 to 1, the lesser of version and control."""
    n_eff: float
    control_n_eff: float
    largest_sender_share: float | None = None
    """Share of the version's rows that came from one sender; None: not known."""
    senders: int
    """Senders seen, as far as they are told apart."""
    began_at: int
    """When the version was first seen in this role, milliseconds since 1970-01-01 UTC."""
    drifted_share: float | None = None
    """Importance-weighted share of the watched signals that are DRIFTED in this window."""
    pairs: PairSection | None = None
    contrasts: tuple[Contrast, ...]
    outcomes: tuple[OutcomeSection, ...]
    control_outcomes: tuple[OutcomeSection, ...]
    harms: tuple[Harm, ...]
    verdict: Verdict
    """DRIFTED: harm is shown."""
    reason: str
    baseline: str
    monitor: str
