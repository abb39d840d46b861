"""What came out of the system, as far as the demo's story is about it. Pure: it reads records only."""

from dataclasses import dataclass, field
from typing import NamedTuple

from kedge.schemas.records import (
    Ack,
    AckResult,
    Action,
    Alert,
    Command,
    Finding,
    FindingKind,
    Journal,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.rollout import DAY_MS

__all__ = ["Output", "Plot", "Received", "Sent", "Story", "Stream", "Summary"]

Output = Report | VersionReport | Alert | Command | Journal | Ack

_REPORTS = "reports"
_VETOED = "veto_rollback"


class Stream(NamedTuple):
    """One window of one version in one role."""

    start: int
    version: str
    role: str


@dataclass(frozen=True, slots=True)
class Received:
    """A record, where it lay, and when it came there (milliseconds since 1970-01-01 UTC)."""

    record: Output
    partition: int
    offset: int
    at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Predictions handed to the publisher, those that Kafka has acknowledged, and outcomes."""

    logged: int
    delivered: int
    outcomes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What was put in."""

    starts: tuple[int, ...]
    """Windows that must be reported, in order."""
    broken: frozenset[str]
    """Features that break on the way; none: nothing happens at all, and version 2 never comes."""
    broken_at: int
    """Event time of the break, milliseconds."""
    repaired_at: int
    closed: tuple[int, int]
    """Event time in which the world is another one."""

    def during_break(self, start: int) -> bool:
        """Whether the window that begins then holds rows from during the break."""
        return bool(self.broken) and start + DAY_MS > self.broken_at and start < self.repaired_at

    def while_closed(self, start: int) -> bool:
        """The same of the other world."""
        return bool(self.broken) and start + DAY_MS > self.closed[0] and start < self.closed[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What `kedge demo --json` prints."""

    predictions: int
    windows: int
    first_breach_window: str | None
    """Start of the first window that drifted, ISO 8601."""
    drifted: tuple[str, ...]
    """Features that drifted by the break, the one that drifted most first."""
    alerts: int
    commands: int
    rollbacks: int
    """ROUTE_TO_SAFE_PATH commands."""
    vetoes: int
    """Times that a rollback was asked for and withheld."""
    acked: int
    """Commands that the router has acknowledged."""
    seconds_breach_to_ack: float | None
    """From the report that showed harm to the router's answer, by the wall clock."""
    seconds: float


@dataclass(slots=True)
class Story:
    """Everything received so far."""

    plot: Plot
    expected: dict[Stream, int] = field(default_factory=dict)
    """Predictions that were logged."""
    windows: dict[int, Report] = field(default_factory=dict)
    """The newest revision of each window of whatever serves, by its start."""
    beside: dict[Stream, Report] = field(default_factory=dict)
    """The same of shadow and canary."""
    versions: dict[Stream, VersionReport] = field(default_factory=dict)
    """How each version did beside its control; with outcomes, once they are due."""
    alerts: list[Alert] = field(default_factory=list)
    commands: dict[str, Command] = field(default_factory=dict)
    """By id: one that is sent again is one."""
    acks: dict[str, Ack] = field(default_factory=dict)
    harmed_ms: int | None = None
    """When the report came that showed the canary's harm."""
    acked_ms: int | None = None
    """When the rollback's acknowledgement came."""
    _reported: set[tuple[int, int]] = field(default_factory=set)
    _decided: dict[tuple[int, int], Journal] = field(default_factory=dict)
    _entries: list[Journal] = field(default_factory=list)

    def expect(self, stream: Stream, rows: int) -> None:
        """Take note of what was logged of a window."""
        if stream.start in self.plot.starts:
            self.expected[stream] = rows

    def take(self, received: Received) -> None:
        """Take one record in."""
        match received.record:
            case Report() as report:
                self._reported.add((received.partition, received.offset))
                self._take_report(report)
            case VersionReport() as report:
                self._reported.add((received.partition, received.offset))
                self._take_version(report, received.at_ms)
            case Alert() as alert:
                self.alerts.append(alert)
            case Command() as command:
                self.commands.setdefault(command.command_id, command)
            case Ack() as ack if ack.command_id:
                self.acks.setdefault(ack.command_id, ack)
                if self.acked_ms is None and any(ack.command_id == c.command_id for c in self.rollbacks):
                    self.acked_ms = received.at_ms
            case Journal() as entry:
                self._entries.append(entry)
                if entry.input_topic == _REPORTS:
                    self._decided[entry.input_partition, entry.input_offset] = entry

    @property
    def began_ms(self) -> int:
        """Start of the first window."""
        return min(self.plot.starts, default=0)

    @property
    def reported_ms(self) -> int:
        """Event time up to which windows were reported; 0: none was."""
        return max((report.window_end for report in self.windows.values()), default=0)

    @property
    def settled_ms(self) -> int:
        """Event time up to which everything is judged, outcomes too, and every command obeyed; 0: not now."""
        if not self._is_told:
            return 0
        waiting = [stream.start for stream in self.expected if not self._is_due(stream)]
        return min(waiting, default=max((stream.start + DAY_MS for stream in self.expected), default=0))

    @property
    def is_over(self) -> bool:
        """Every window is final, and everything that came of it was decided, said and done."""
        sent = {stream.start for stream in self.expected} == set(self.plot.starts)
        return sent and self._is_told and all(self._is_final(s) and self._is_due(s) for s in self.expected)

    @property
    def _is_told(self) -> bool:
        """The guard has decided on each report, and what it decided is here, commands with their answers."""
        said = {alert for entry in self._entries for alert in entry.alerts}
        asked = {command for entry in self._entries for command in (*entry.staged, *entry.commands)}
        return (
            self._reported <= self._decided.keys()
            and said <= {alert.alert_id for alert in self.alerts}
            and asked <= self.commands.keys()
            and asked <= self.acks.keys()
        )

    @property
    def rollbacks(self) -> tuple[Command, ...]:
        """Commands that lead traffic away."""
        return tuple(c for c in self.commands.values() if c.action is Action.ROUTE_TO_SAFE_PATH)

    @property
    def vetoed(self) -> tuple[Journal, ...]:
        """Decisions in which a rollback was asked for and withheld."""
        return tuple(entry for entry in self._entries if _VETOED in entry.decision.split("+"))

    @property
    def contained(self) -> Alert | None:
        """What was said when the safe path had shown a healthy window."""
        return next((alert for alert in self.alerts if alert.subject == "contained"), None)

    @property
    def first_breach(self) -> Report | None:
        """The first window that drifted."""
        breaching = (start for start, report in self.windows.items() if report.verdict is Verdict.DRIFTED)
        return self.windows.get(min(breaching, default=-1))

    def of_version(self, role: Role) -> list[VersionReport]:
        """Return what was said of version 2 in a role, in order of its windows."""
        return [self.versions[s] for s in sorted(self.versions) if s.role == role.value and s in self.expected]

    @property
    def harmful(self) -> VersionReport | None:
        """The first window that showed the canary's harm."""
        return next((r for r in self.of_version(Role.CANARY) if r.verdict is Verdict.DRIFTED), None)

    def worst(self) -> dict[str, Finding]:
        """Return, for each signal that drifted by the break, its finding where it drifted most; worst first."""
        findings: dict[str, Finding] = {}
        reports = (report for start, report in self.windows.items() if not self.plot.while_closed(start))
        drifted = (f for report in reports for f in report.findings if f.verdict is Verdict.DRIFTED)
        for finding in sorted(drifted, key=lambda f: -(f.psi_debiased or 0.0)):
            findings.setdefault(finding.signal, finding)
        return findings

    def drifted(self) -> tuple[str, ...]:
        """Return the features that drifted by the break, the one that drifted most first."""
        return tuple(name for name, finding in self.worst().items() if finding.kind is FindingKind.FEATURE)

    def largest_natural_psi(self) -> float:
        """Return the largest debiased PSI of a window in which nothing was broken or closed."""
        plot = self.plot
        whole = [r for s, r in self.windows.items() if not plot.during_break(s) and not plot.while_closed(s)]
        return max((f.psi_debiased or 0.0 for report in whole for f in report.findings), default=0.0)

    @property
    def seconds_breach_to_ack(self) -> float | None:
        """Wall time from the report of harm to the router's answer."""
        if self.harmed_ms is None or self.acked_ms is None:
            return None
        return round((self.acked_ms - self.harmed_ms) / 1_000, 2)

    def summary(self, sent: Sent, seconds: float) -> Summary:
        """Return the figures."""
        first = self.first_breach
        return Summary(
            predictions=sent.logged,
            windows=len(self.windows),
            first_breach_window=None if first is None else iso_time(first.window_start),
            drifted=self.drifted(),
            alerts=len(self.alerts),
            commands=len(self.commands),
            rollbacks=len(self.rollbacks),
            vetoes=len(self.vetoed),
            acked=sum(ack.result is AckResult.ACKED for ack in self.acks.values()),
            seconds_breach_to_ack=self.seconds_breach_to_ack,
            seconds=round(seconds, 1),
        )

    def is_final(self, start: int) -> bool:
        """Whether the window is reported for good."""
        return start in self.windows and self.windows[start].final

    def _take_report(self, report: Report) -> None:
        if report.role is Role.PRIMARY:
            known = self.windows.get(report.window_start)
            if known is None or known.revision <= report.revision:
                self.windows[report.window_start] = report
            return
        stream = Stream(report.window_start, report.version, report.role.value)
        beside = self.beside.get(stream)
        if beside is None or beside.revision <= report.revision:
            self.beside[stream] = report

    def _take_version(self, report: VersionReport, at_ms: int) -> None:
        stream = Stream(report.window_start, report.version, report.role.value)
        known = self.versions.get(stream)
        if known is None or known.revision <= report.revision:
            self.versions[stream] = report
        if self.harmed_ms is None and report.role is Role.CANARY and report.verdict is Verdict.DRIFTED:
            self.harmed_ms = at_ms

    def _is_due(self, stream: Stream) -> bool:
        return stream in self.versions and self.versions[stream].outcomes_due

    def _is_final(self, stream: Stream) -> bool:
        report = self.windows.get(stream.start) if stream.role == Role.PRIMARY else self.beside.get(stream)
        return report is not None and report.final
