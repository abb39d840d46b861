"""What the judge keeps of a model's versions, besides pieces: see `state` for who reads it.

Times are int milliseconds since 1970-01-01 UTC.
"""

from dataclasses import dataclass

from kedge.schemas.records.enums import ControlKind, Role

__all__ = [
    "CoverageHistory",
    "DueWindow",
    "HarmState",
    "HealthyOutcome",
    "HealthyWindow",
    "JudgeStream",
    "JudgeVersions",
    "LabelDay",
    "SequentialState",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmState:
    """The harm test of one measure; it holds for this control, baseline and monitor alone."""

    segment: str
    measure: str
    control: str
    control_kind: ControlKind
    baseline: str
    monitor: str
    through: int
    """End of the last window that it contains."""
    state: tuple[float, ...]
    """As `kedge.detectors.harm` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthyOutcome:
    """One outcome's judged measure in a healthy window."""

    outcome: str
    n: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthyWindow:
    """Counts of a decision window, over all rows, in which the version did no harm and nothing had drifted."""

    window_start: int
    window_end: int
    requests: int
    errors: int
    timed: int
    """Rows with a latency."""
    slow: int
    """Of these, slower than the SLO."""
    outcomes: tuple[HealthyOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialState:
    """One detector on a sequence."""

    detector: str
    signal: str
    monitor: str
    series: tuple[float, ...]
    """Values since it started, oldest first: all that a detector knows."""
    fed_through: int
    """End of the last window whose values it has seen."""
    warm_from: int
    """End of the first window in which it could have alarmed; 0: not yet."""
    alarms: tuple[int, ...]
    """Ends of the decision windows with an alarm, as far back as a report may still be amended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeStream:
    """One version in one role."""

    model: str
    version: str
    role: Role
    began_at: int
    """When it was first seen in this role, without a silence of a day since."""
    last_seen: int
    harms: tuple[HarmState, ...]
    healthy: tuple[HealthyWindow, ...]
    sequences: tuple[SequentialState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWindow:
    """A decision window that was reported and whose outcomes are to come."""

    window_start: int
    window_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageHistory:
    """An outcome's coverage in the last due windows, of the leading primary version, in which it did not stay away.

    Oldest first.
    """

    outcome: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDay:
    """A day of late labels of one version."""

    pane_start: int
    version: str
    revision: int
    """Of its last report; -1: none yet."""
    told_at: int
    """The model's watermark then, or when its first label came."""
    dirty: bool
    """Changed since its last report."""
    over_at: int
    """Watermark from which on no label of it is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVersions:
    """What is known of a model across its versions."""

    model: str
    primary: str
    """The version with the most primary rows in the last decision window; empty: none yet."""
    previous: str
    """The one before it; empty: none."""
    took_over_at: int
    """Start of the first window of `primary`; 0: nothing was before it."""
    due: tuple[DueWindow, ...]
    coverage: tuple[CoverageHistory, ...]
    coverage_monitor: str | None = None
    """Hash of the monitor of those windows; None: no window yet."""
    labels: tuple[LabelDay, ...]
