"""A version's window, and its control's, as counts that can be held against one another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kedge.detectors import latency
from kedge.schemas import records
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import ControlKind, HealthyWindow, Role
from kedge.streams.core.cells import DUPLICATES_POSSIBLE
from kedge.streams.core.plan import Plan
from kedge.streams.core.windows import Content

__all__ = ["Counted", "Side", "Versus", "leader", "served", "share_of", "timed_and_slow", "told_of"]

Counted = tuple[int, int]
"""Rows, and events among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version's window in one segment, whatever it is known from."""

    version: str
    requests: int
    errors: int
    timed: int
    """Rows with a latency."""
    slow: int
    latency_p95_ms: float | None
    completeness: float
    content: Content | None = None
    """None: it is not of this window, or no rows of its own were counted."""
    plan: Plan | None = None
    report: records.Report | None = None
    healthy: Sequence[HealthyWindow] = ()
    """The windows that it is the sum of; empty: it is of this window."""

    @classmethod
    def of(cls, content: Content, plan: Plan | None, report: records.Report, slo_ms: float) -> "Side":
        """Return the side of a window that was counted."""
        timed, slow = timed_and_slow(content, slo_ms)
        return cls(
            version=report.version,
            requests=content.cell.requests,
            errors=content.cell.errors,
            timed=timed,
            slow=slow,
            latency_p95_ms=report.latency_p95_ms,
            completeness=report.completeness,
            content=content,
            plan=plan,
            report=report,
        )

    @classmethod
    def of_past(cls, version: str, healthy: Sequence[HealthyWindow]) -> "Side":
        """Return the sum of healthy windows, at least one."""
        return cls(
            version=version,
            requests=sum(window.requests for window in healthy),
            errors=sum(window.errors for window in healthy),
            timed=sum(window.timed for window in healthy),
            slow=sum(window.slow for window in healthy),
            latency_p95_ms=None,
            completeness=1.0,
            healthy=healthy,
        )

    @classmethod
    def of_pairs(cls, version: str, answers: int, completeness: float) -> "Side":
        """Return the side of a version that answers beside another, in its events: it has no rows of its own."""
        return cls(
            version=version,
            requests=answers,
            errors=0,
            timed=0,
            slow=0,
            latency_p95_ms=None,
            completeness=completeness,
        )

    @property
    def error_share(self) -> float | None:
        """Errors by requests, where rows were counted."""
        return None if self.content is None and not self.healthy else share_of(self.errors, self.requests)

    @property
    def slow_share(self) -> float | None:
        """Slow rows by rows with a latency."""
        return share_of(self.slow, self.timed)

    @property
    def doubtful(self) -> bool:
        """Whether it may hold duplicates."""
        return self.content is not None and bool(self.content.cell.flags & DUPLICATES_POSSIBLE)

    @property
    def mixed(self) -> bool:
        """Whether monitor or baseline changed inside the window."""
        return self.content is not None and len(self.content.plans) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """A version beside its control in one segment of one window; `control` None: there is none."""

    spec: MonitorSpec
    hashes: tuple[str, str]
    """Of the monitor, and of the version's baseline."""
    role: Role
    segment: str
    start: int
    end: int
    ours: Side
    control: Side | None
    kind: ControlKind
    told: frozenset[str]
    """Segments of the version that are told apart."""
    served: int
    """Requests that were served in this segment, by whatever version."""

    @property
    def design_effect(self) -> float:
        """Rows that are worth one."""
        return 1.0 if self.spec.design_effect is None else self.spec.design_effect


def leader(sides: Mapping[tuple[str, str, str], Side]) -> str | None:
    """Return the primary version with the most rows; None: nobody serves."""
    primary = [(side.requests, version) for (version, role, segment), side in sides.items() if _whole(role, segment)]
    return min(primary, key=lambda found: (-found[0], found[1]))[1] if primary else None


def share_of(part: float, whole: float) -> float | None:
    """Return part by whole; None of nothing."""
    return part / whole if whole else None


def timed_and_slow(content: Content, slo_ms: float) -> Counted:
    """Return the rows with a latency, and of these the ones slower than the SLO (to within a bin: 3 %)."""
    counts = content.cell.latency[: latency.INVALID]
    slo = int(latency.bins(np.array([slo_ms]))[0])
    return int(counts.sum()), int(counts[slo + 1 :].sum())


def served(sides: Mapping[tuple[str, str, str], Side], segment: str) -> int:
    """Return the requests that were served in a segment; what shadows answer serves nobody."""
    return sum(side.requests for (_, role, of), side in sides.items() if of == segment and role != Role.SHADOW)


def told_of(sides: Iterable[tuple[str, str, str]], version: str, role: str) -> frozenset[str]:
    """Return the segments of a stream that are told."""
    return frozenset(segment for v, r, segment in sides if (v, r) == (version, role))


def _whole(role: str, segment: str) -> bool:
    return role == Role.PRIMARY and not segment
