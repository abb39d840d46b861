"""What guard tells people."""

from dataclasses import dataclass

from kedge.schemas.records.enums import AlertEvent, Role, Severity

__all__ = ["Alert", "Evidence", "EvidenceBin", "HarmEvidence", "Note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBin:
    """One decision bin: shares in [0, 1], and its part of the PSI."""

    label: str
    reference: float
    current: float
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One drifted signal. Kind, verdict and cause are plain text, so that old alerts stay readable."""

    signal: str
    kind: str
    verdict: str
    cause: str
    reason: str
    psi_debiased: float | None = None
    bins: tuple[EvidenceBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmEvidence:
    """One measure of the candidate beside its control."""

    measure: str
    version: str
    control: str
    rate: float | None = None
    control_rate: float | None = None
    change: float | None = None
    n: int
    control_n: int
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A veto, a criterion or a question, by name, and what it was decided by."""

    name: str
    result: str
    """Vetoes: stands or clear. Criteria: pass, fail or unknown."""
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A step in the life of an incident; times in milliseconds since 1970-01-01 UTC."""

    alert_id: str
    environment: str
    model: str
    incident: str
    event: AlertEvent
    subject: str
    """What it is about, and which runbook: drift, rollback, command_unacked, action_failed, contained,
    sensing_degraded, promotion, retrain, drill, drill_overdue, hold."""
    state: str
    """The model's state after the decision."""
    drill: bool = False
    severity: Severity
    timestamp: int
    version: str
    role: Role
    segment: str
    window_start: int
    window_end: int
    summary: str
    signals: tuple[Evidence, ...]
    harms: tuple[HarmEvidence, ...] = ()
    vetoes: tuple[Note, ...] = ()
    """Every veto that was asked, with its evidence."""
    criteria: tuple[Note, ...] = ()
    """Of a promotion, or a retraining's questions."""
    owner: str
    escalation: tuple[str, ...]
    runbook_url: str | None = None
    command_id: str | None = None
    """The command that this incident led to."""
    freeze_stands_until: int | None = None
    """RESOLVED only: the freeze stays until then, or until it is resumed; None: no freeze stands."""
