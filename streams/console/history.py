"""The newest windows of one version in one role, small enough to keep for every model.

A report of fifty signals is some 25 kB as it was sent and ten times that as objects: the newest stay as bytes, and of
the others only what a curve needs.
"""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.records import FindingKind, Report, Role, Verdict, VersionReport

__all__ = ["WINDOWS_MAX", "Agreement", "Names", "Point", "StreamTrack", "VersionTrack"]

WINDOWS_MAX: Final = 120
"""Windows of a stream that are kept, and drawn."""

Names = tuple[tuple[str, str], ...]
"""Kind and name of each signal of a report."""

_DISTANCES: Final = frozenset((*FindingKind,)) - {FindingKind.QUALITY, FindingKind.SEQUENTIAL}


@dataclass(frozen=True, slots=True)
class Point:
    """One window, its newest revision. `values`: what the policy looks at, by `names`, float32; NaN: not known."""

    window_start: int
    window_end: int
    verdict: Verdict
    completeness: float
    requests: int
    told_at: int
    names: Names
    values: NDArray[np.float32]

    def value(self, signal: tuple[str, str]) -> float | None:
        """Return the distance of a signal."""
        if signal not in self.names:
            return None
        found = float(self.values[self.names.index(signal)])
        return None if np.isnan(found) else found


@dataclass(slots=True)
class StreamTrack:
    """A version in a role, all its rows. `newest` and `shown` are reports as they were sent."""

    version: str
    role: Role
    points: list[Point] = field(default_factory=list)
    newest: bytes = b""
    shown: bytes = b""
    """The newest in which something can be seen: it has bins."""
    shown_end: int = 0
    monitor: str = ""
    """Hash of the monitor that the newest was judged by."""

    @property
    def last(self) -> Point:
        """The newest window."""
        return self.points[-1]

    def take(self, report: Report, value: bytes, told_at: int, metrics: Mapping[tuple[str, str], str]) -> None:
        """Take a report in; `metrics`: the distance that the policy of a signal looks at."""
        self._enter(report, told_at, metrics)
        end = report.window_end
        if end >= self.last.window_end:
            self.newest, self.monitor = value, report.monitor
        if end >= self.shown_end and any(finding.bins for finding in report.findings):
            self.shown, self.shown_end = value, end

    def _enter(self, report: Report, told_at: int, metrics: Mapping[tuple[str, str], str]) -> None:
        compared = [finding for finding in report.findings if finding.kind in _DISTANCES]
        names: Names = tuple((finding.kind.value, finding.signal) for finding in compared)
        if self.points and self.points[-1].names == names:
            names = self.points[-1].names  # one tuple for all windows
        distances = [getattr(f, metrics.get(n, "psi_debiased")) for f, n in zip(compared, names, strict=True)]
        point = Point(
            window_start=report.window_start,
            window_end=report.window_end,
            verdict=report.verdict,
            completeness=report.completeness,
            requests=report.requests,
            told_at=told_at,
            names=names,
            values=np.array([np.nan if value is None else value for value in distances], np.float32),
        )
        where = (point.window_end, point.window_start)
        self.points = [known for known in self.points if (known.window_end, known.window_start) != where]
        insort(self.points, point, key=lambda known: (known.window_end, known.window_start))
        del self.points[:-WINDOWS_MAX]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two versions' answers to the same requests agreed in one window; shares in [0, 1]."""

    window_end: int
    pairs: int
    disagreement: float


@dataclass(slots=True)
class VersionTrack:
    """A version beside its control, all rows. Each of the bytes is a VersionReport as it was sent."""

    version: str
    role: Role
    newest: bytes = b""
    newest_end: int = 0
    harmful: bool = False
    """Whether the newest shows harm."""
    judged: bytes = b""
    """The newest whose outcomes were due."""
    judged_end: int = 0
    agreements: list[Agreement] = field(default_factory=list)

    def take(self, report: VersionReport, value: bytes) -> None:
        """Take a report in."""
        if report.window_end >= self.newest_end:
            self.newest, self.newest_end = value, report.window_end
            self.harmful = any(harm.verdict is Verdict.DRIFTED for harm in report.harms)
        if report.outcomes_due and report.outcomes and report.window_end >= self.judged_end:
            self.judged, self.judged_end = value, report.window_end
        pairs = report.pairs
        if pairs is not None and pairs.disagreement_rate is not None:
            found = Agreement(report.window_end, pairs.n, pairs.disagreement_rate)
            self.agreements = [known for known in self.agreements if known.window_end != found.window_end]
            insort(self.agreements, found, key=lambda known: known.window_end)
            del self.agreements[:-WINDOWS_MAX]
