"""The one open incident of a model, as it changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.records import HarmEvidence, Note, OpenIncident, Report, Role, VersionReport
from kedge.streams.core.guarding.history import SignalKey

__all__ = ["VERSIONS_MAX", "About", "Incident"]

VERSIONS_MAX: Final = 32
"""Versions whose harms, and whose vetoes that were told, are kept; the one judged longest ago goes."""


@dataclass(frozen=True, slots=True)
class About:
    """The stream and window that something is about."""

    version: str = ""
    role: Role = Role.PRIMARY
    segment: str = ""
    window_start: int = 0
    window_end: int = 0

    @classmethod
    def of(cls, report: Report | VersionReport) -> "About":
        """Return what a report is about."""
        return cls(report.version, report.role, report.segment, report.window_start, report.window_end)


@dataclass(slots=True, kw_only=True)
class Incident:
    """What `OpenIncident` records, field for field; `signals` are recorded with their streams."""

    incident: str
    opened_at: int
    about: About
    subject: str = "drift"
    severity: str = ""
    told_window: int = 0
    signals: set[SignalKey] = field(default_factory=set)
    harms: dict[tuple[str, str], HarmEvidence] = field(default_factory=dict)
    vetoes: tuple[Note, ...] = ()
    told: str = ""
    command_id: str | None = None
    frozen: bool = False
    route: str = ""
    candidate: str = ""
    target: str = ""
    acked_at: int | None = None
    watch_from: int = 0
    contained: bool = False
    breaching: set[int] = field(default_factory=set)
    healthy: set[int] = field(default_factory=set)

    def forget_versions(self, newest: Callable[[str], int]) -> None:
        """Keep what is noted of no more than `VERSIONS_MAX` versions. `newest`: a version's newest judged window."""
        told = {line: line.partition(" ")[2] for line in self.told.splitlines()}
        versions = {*told.values(), *(version for version, _ in self.harms)}
        if len(versions) <= VERSIONS_MAX:
            return
        kept = set(sorted(versions, key=lambda version: (newest(version), version))[-VERSIONS_MAX:])
        self.harms = {key: harm for key, harm in self.harms.items() if key[0] in kept}
        self.told = "\n".join(line for line, version in told.items() if version in kept)

    def record(self) -> OpenIncident:
        """Return the incident's record."""
        return OpenIncident(
            incident=self.incident,
            opened_at=self.opened_at,
            subject=self.subject,
            severity=self.severity,
            told_window=self.told_window,
            version=self.about.version,
            role=self.about.role,
            segment=self.about.segment,
            window_start=self.about.window_start,
            window_end=self.about.window_end,
            harms=tuple(self.harms[key] for key in sorted(self.harms)),
            vetoes=self.vetoes,
            told=self.told,
            command_id=self.command_id,
            frozen=self.frozen,
            route=self.route,
            candidate=self.candidate,
            target=self.target,
            acked_at=self.acked_at,
            watch_from=self.watch_from,
            contained=self.contained,
            breaching=tuple(sorted(self.breaching)),
            healthy=tuple(sorted(self.healthy)),
        )

    @classmethod
    def of(cls, record: OpenIncident) -> "Incident":
        """Return the incident of a record, without its signals; the inverse of `record`."""
        return cls(
            incident=record.incident,
            opened_at=record.opened_at,
            about=About(record.version, record.role, record.segment, record.window_start, record.window_end),
            subject=record.subject,
            severity=record.severity,
            told_window=record.told_window,
            harms={(harm.version, harm.measure): harm for harm in record.harms},
            vetoes=record.vetoes,
            told=record.told,
            command_id=record.command_id,
            frozen=record.frozen,
            route=record.route,
            candidate=record.candidate,
            target=record.target,
            acked_at=record.acked_at,
            watch_from=record.watch_from,
            contained=record.contained,
            breaching=set(record.breaching),
            healthy=set(record.healthy),
        )
