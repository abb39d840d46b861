"""What the judge keeps of a model's versions: as data, and what follows from it alone."""

from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final

from kedge.schemas.records import (
    CoverageHistory,
    DueWindow,
    HarmState,
    HealthyOutcome,
    HealthyWindow,
    JudgeStream,
    JudgeVersions,
    LabelDay,
    Role,
    SequentialState,
)

__all__ = ["COVERAGES_MAX", "COVERAGES_MIN", "DAY_MS", "HEALTHY_MAX", "ModelVersions", "VersionStream"]

DAY_MS: Final = 24 * 3_600_000

HEALTHY_MS: Final = 7 * DAY_MS
"""Event time for which healthy windows, and a version that was seen no more, are remembered."""

HEALTHY_MAX: Final = 12
"""Healthy windows that are kept of a primary version."""

COVERAGES_MAX: Final = 50
"""Due windows that the usual coverage of an outcome is the median of …"""

COVERAGES_MIN: Final = 3
"""… and with fewer than which it is not known."""


@dataclass(slots=True)
class VersionStream:
    """One version in one role."""

    model: str
    version: str
    role: str
    began_at: int
    last_seen: int
    harms: dict[tuple[str, str], HarmState] = field(default_factory=dict)
    """By segment and measure."""
    healthy: dict[int, HealthyWindow] = field(default_factory=dict)
    """By start, ascending."""
    sequences: dict[tuple[str, str], SequentialState] = field(default_factory=dict)
    """By detector and signal."""

    def see(self, pane_start: int) -> bool:
        """Take note of rows in a pane; returns whether that changed anything.

        After a silence of a day it is a rollout of its own: what was held against the last one does not count.
        """
        if pane_start > self.last_seen + DAY_MS:
            self.began_at, self.last_seen = pane_start, pane_start
            self.harms, self.sequences = {}, {}
            return True
        began, last = min(self.began_at, pane_start), max(self.last_seen, pane_start)
        changed = (began, last) != (self.began_at, self.last_seen)
        self.began_at, self.last_seen = began, last
        return changed

    def is_gone(self, time: int) -> bool:
        """Return whether it is so long ago that nobody goes back to it."""
        return self.last_seen + HEALTHY_MS < time

    def keep_healthy(self, window: HealthyWindow) -> None:
        """Remember a healthy window, and no more of the oldest than may be."""
        kept = {**self.healthy, window.window_start: window}
        starts = [start for start in sorted(kept) if start + HEALTHY_MS > window.window_start][-HEALTHY_MAX:]
        self.healthy = {start: kept[start] for start in starts}

    def keep_outcomes(self, start: int, outcomes: tuple[HealthyOutcome, ...]) -> None:
        """Add what came of a healthy window, if it is still remembered."""
        if start in self.healthy:
            self.healthy[start] = replace(self.healthy[start], outcomes=outcomes)

    def recent_healthy(self, start: int) -> list[HealthyWindow]:
        """Return the healthy windows before `start` that are not too old to compare with."""
        return [w for w in self.healthy.values() if w.window_end <= start < w.window_start + HEALTHY_MS]

    def record(self) -> JudgeStream:
        """Return it as the state's record."""
        return JudgeStream(
            model=self.model,
            version=self.version,
            role=Role(self.role),
            began_at=self.began_at,
            last_seen=self.last_seen,
            harms=tuple(self.harms[key] for key in sorted(self.harms)),
            healthy=tuple(self.healthy.values()),
            sequences=tuple(self.sequences[key] for key in sorted(self.sequences)),
        )

    @classmethod
    def of(cls, record: JudgeStream) -> "VersionStream":
        """Return the stream of a record; the inverse of `record`."""
        return cls(
            model=record.model,
            version=record.version,
            role=record.role.value,
            began_at=record.began_at,
            last_seen=record.last_seen,
            harms={(harm.segment, harm.measure): harm for harm in record.harms},
            healthy={window.window_start: window for window in record.healthy},
            sequences={(state.detector, state.signal): state for state in record.sequences},
        )


@dataclass(slots=True)
class ModelVersions:
    """One model across its versions."""

    model: str
    primary: str = ""
    previous: str = ""
    took_over_at: int = 0
    due: set[tuple[int, int]] = field(default_factory=set)
    """(end, start) of decision windows whose outcomes are to come."""
    coverage: dict[str, tuple[float, ...]] = field(default_factory=dict)
    coverage_monitor: str | None = None
    """Under which coverage was learnt."""
    labels: dict[tuple[int, str], LabelDay] = field(default_factory=dict)
    """By day and version."""

    def lead(self, version: str, start: int) -> None:
        """Take note of who leads in the window that begins at `start`; windows come in order."""
        if version != self.primary:
            if self.primary:
                self.previous, self.took_over_at = self.primary, start
            self.primary = version

    def predecessor(self, version: str, start: int) -> str:
        """Return who led before `version` took over less than a day before `start`; empty: nobody."""
        fresh = self.took_over_at <= start < self.took_over_at + DAY_MS
        return self.previous if version == self.primary and self.previous and fresh else ""

    def usual_coverage(self, outcome: str) -> float | None:
        """Return what coverage an outcome has had when due; None: not learnt."""
        known = self.coverage.get(outcome, ())
        return median(known) if len(known) >= COVERAGES_MIN else None

    def learn_under(self, monitor: str) -> None:
        """Begin anew if this is another monitor: its delay, or what people take for usual, may be another."""
        if monitor != self.coverage_monitor:
            self.coverage, self.coverage_monitor = {}, monitor

    def learn_coverage(self, outcome: str, share: float) -> None:
        """Take the coverage of a due window in, in which the outcome did not stay away."""
        self.coverage[outcome] = (*self.coverage.get(outcome, ()), share)[-COVERAGES_MAX:]

    def record(self) -> JudgeVersions:
        """Return it as the state's record."""
        return JudgeVersions(
            model=self.model,
            primary=self.primary,
            previous=self.previous,
            took_over_at=self.took_over_at,
            due=tuple(DueWindow(window_start=start, window_end=end) for end, start in sorted(self.due)),
            coverage=tuple(CoverageHistory(outcome=name, shares=self.coverage[name]) for name in sorted(self.coverage)),
            coverage_monitor=self.coverage_monitor,
            labels=tuple(self.labels[key] for key in sorted(self.labels)),
        )

    @classmethod
    def of(cls, record: JudgeVersions) -> "ModelVersions":
        """Return the versions of a record; the inverse of `record`."""
        return cls(
            model=record.model,
            primary=record.primary,
            previous=record.previous,
            took_over_at=record.took_over_at,
            due={(window.window_end, window.window_start) for window in record.due},
            coverage={history.outcome: history.shares for history in record.coverage},
            coverage_monitor=record.coverage_monitor,
            labels={(day.pane_start, day.version): day for day in record.labels},
        )
