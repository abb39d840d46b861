"""What guard keeps of one model in its state topic; read by guard, and by nobody else.

Times are int milliseconds since 1970-01-01 UTC: of windows event time, of everything else wall time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kedge.schemas.records.alert import HarmEvidence, Note
from kedge.schemas.records.command import Command
from kedge.schemas.records.enums import Action, Role
from kedge.schemas.records.people import Override

__all__ = [
    "EndedOrder",
    "GuardModel",
    "GuardOrder",
    "GuardStream",
    "KpiState",
    "OpenIncident",
    "Rehearsal",
    "SeenOverride",
    "SignalHistory",
    "Standby",
    "VersionStanding",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalHistory:
    """Verdicts of a signal, or of a rule for a rollback, in its last decision windows."""

    kind: str
    signal: str
    verdicts: str
    """A letter for each of the stream's windows: S stable, W warning, D drifted, a dot where there is none."""
    under: int
    """Index of what its counter is of; another starts it anew."""
    counts_from: int
    """Windows that start before count for nothing any more."""
    began: int | None = None
    """Start of the first breaching window of the present run."""
    held: bool
    """It is of the open incident; it may have no window any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStream:
    """What is kept of one stream of a model: a version in a role, all rows or a segment."""

    model: str
    version: str
    role: Role
    segment: str
    windows: tuple[int, ...]
    """Starts of the decision windows that any signal was judged in, ascending."""
    unders: tuple[str, ...]
    """Baseline, monitor and control that counters are of."""
    signals: tuple[SignalHistory, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """The model's one open incident."""

    incident: str
    opened_at: int
    subject: str
    """drift, or rollback: something asks for one."""
    severity: str
    """The gravest that was told."""
    told_window: int
    """The newest window that an alert was sent for."""
    version: str
    role: Role
    segment: str
    window_start: int
    window_end: int
    harms: tuple[HarmEvidence, ...]
    vetoes: tuple[Note, ...]
    """Every veto, as it was answered last."""
    told: str
    """Vetoes that people were told of, one a line, each with the version it stood for."""
    command_id: str | None = None
    """What the incident led to."""
    frozen: bool
    """A freeze was decided."""
    route: str
    """Empty: none was decided; withheld, advised, sent, failed, or done."""
    candidate: str
    """The version that traffic was taken from; empty: none."""
    target: str
    """Where it was led; empty: nowhere."""
    acked_at: int | None = None
    """When the rollback was acknowledged."""
    watch_from: int
    """Start of the first window that may lie after the acknowledgement."""
    contained: bool
    breaching: tuple[int, ...]
    """Windows after the acknowledgement that were still in breach."""
    healthy: tuple[int, ...]
    """Windows after the acknowledgement in which the safe path was healthy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOrder:
    """The one open command of a model."""

    command: Command
    forced: bool
    """A person asked for it."""
    staged: bool
    """Decided; it leaves once the overrides that lay there by then have been read."""
    actuators: tuple[str, ...]
    """Who must all acknowledge; empty: any one."""
    acked_by: tuple[str, ...] = ()
    sent_at: int | None = None
    sends: int
    resend_at: int
    escalated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedOrder:
    """A command that has ended, for acknowledgements that come late."""

    command_id: str
    incident: str
    action: Action
    sequence: int
    drill: bool
    end: str
    """acked, nacked, expired or superseded."""
    corrected: str
    """What a late acknowledgement said instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStanding:
    """How a version, in a role, did in its last decision windows, all rows."""

    version: str
    role: Role
    window_end: int
    """Of its newest window."""
    requests: int
    judged_end: int | None = None
    """Of its newest judged window."""
    verdict: str
    """Of that one; empty: none was judged."""
    pipeline: bool
    """Something in it drifted, or broke a quality rule, for a cause that lies upstream."""
    broken: bool
    """A quality rule was broken in it."""
    healthy_end: int | None = None
    """Of its newest judged window that had not drifted."""
    under: str
    """Baseline and monitor."""
    changed_at: int | None = None
    """Start of the first window under them; None: there were no others before."""
    outcomes_since: int | None = None
    """Start of the first of the mature windows without harm that reach until now; None: there is none."""
    changes: Mapping[str, float] = field(default_factory=dict)
    """Segment to the last relative change of its outcome against the champion."""
    promotion: str
    """The criteria as they were told last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """What an actuator's last heartbeat said."""

    actuator_id: str
    versions: tuple[str, ...]
    observed_version: str
    seen_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOverride:
    """An override that was taken in: it counts once."""

    override_id: str
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The drill that is running."""

    override_id: str
    fault: str
    incident: str
    actor: str
    began_at: int
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiState:
    """What was last known of an outcome."""

    outcome: str
    window_end: int
    worse: bool
    """Than its control's, as far as the harm test goes."""
    mature: bool
    miscalibrated: bool | None = None
    """The score still ranks, and only its level is off: a threshold would do; None: not known."""
    missing_from: int | None = None
    """Start of the first of the windows, up to the newest, whose outcomes stay away; None: they come."""
    missed: float
    """Outcomes that should have come in those windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardModel:
    """One model's guard, without the history of its streams (`GuardStream`)."""

    model: str
    state: str
    since: int
    """When the guard first knew of the model."""
    journal_sequence: int
    command_sequence: int
    cleared_through: int
    """Windows that end up to here belong to a resolved incident."""
    incident: OpenIncident | None = None
    order: GuardOrder | None = None
    ended: tuple[EndedOrder, ...]
    """The last ones, oldest first."""
    attempts: Mapping[str, int]
    """Incident, action and target to the commands made of them, as long as one of the incident is known."""
    standings: tuple[VersionStanding, ...]
    kpis: tuple[KpiState, ...]
    holds: tuple[Override, ...]
    """Overrides in force that hold automation, one of an action."""
    seen: tuple[SeenOverride, ...]
    standbys: tuple[Standby, ...]
    rollbacks: tuple[int, ...]
    """When traffic was led away in the last 24 h, drills apart."""
    freeze_expires_at: int | None = None
    frozen_by: str
    """Incident that is over, with a rollback in it: its freeze stands until a person resumes; empty: none."""
    failed: str | None = None
    """Why nothing is done automatically any more, until people release it."""
    reported_at: int | None = None
    """When the last report of a decision window came."""
    newest_window: int
    """Start of the newest decision window reported; 0: none."""
    least_lag_ms: int | None = None
    """Least time from a window's end to its first report: event time may be another day's."""
    poor_windows: int
    """Windows in a row that were too incomplete, or too old when they came."""
    blind: str | None = None
    """Why sensing is degraded; None: it is not."""
    cooldown: int
    """Decision windows left to wait."""
    drill: Rehearsal | None = None
    drilled_at: int | None = None
    """When the last good drill ended."""
    overdue_told_at: int | None = None
    retrain_asked_at: int | None = None
    retrain_told: str
    """The answers as they were told last."""
