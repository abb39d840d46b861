"""What came out of the system, and whether it is the story that should have been told. Pure: it reads records only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from kedge.schemas.records import (
    Action,
    Alert,
    AlertEvent,
    Command,
    Finding,
    FindingKind,
    Journal,
    Report,
    Verdict,
    VersionReport,
)
from kedge.schemas.report_json import iso_time

__all__ = ["Output", "Plot", "Received", "Sent", "Story", "Summary"]

Output = Report | VersionReport | Alert | Command | Journal

_ALERTING: Final = frozenset({"open_incident", "update_incident", "resolve_incident"})


@dataclass(frozen=True, slots=True)
class Received:
    """A record and where it lay."""

    record: Output
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Predictions handed to the publisher, and those that Kafka has acknowledged."""

    logged: int
    delivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What was put in."""

    expected: Mapping[int, int]
    """Predictions of each window that must be reported, by its start."""
    broken: frozenset[str]
    """Features that break on the way; none: nothing does."""
    broken_at: int
    """Event time of the break, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What `kedge demo --json` prints."""

    predictions: int
    windows: int
    first_breach_window: str | None
    """Start of the first window that drifted, ISO 8601."""
    drifted: tuple[str, ...]
    """Features, the one that drifted most first."""
    alerts: int
    commands: int
    seconds: float


@dataclass(slots=True)
class Story:
    """Everything received so far."""

    plot: Plot
    windows: dict[int, Report] = field(default_factory=dict)
    """The newest revision of each window, by its start."""
    alerts: list[Alert] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    _reported: set[tuple[int, int]] = field(default_factory=set)
    _decided: dict[tuple[int, int], Journal] = field(default_factory=dict)

    def take(self, received: Received) -> None:
        """Take one record in."""
        match received.record:
            case Report() as report:
                self._reported.add((received.partition, received.offset))
                known = self.windows.get(report.window_start)
                if known is None or known.revision <= report.revision:
                    self.windows[report.window_start] = report
            case Alert() as alert:
                self.alerts.append(alert)
            case Command() as command:
                self.commands.append(command)
            case Journal() as entry:
                self._decided[entry.input_partition, entry.input_offset] = entry

    @property
    def reported_ms(self) -> int:
        """Event time up to which windows were reported; 0: none was."""
        return max((report.window_end for report in self.windows.values()), default=0)

    @property
    def is_over(self) -> bool:
        """Every window is final, the guard has decided on each report, and what it decided to say is here."""
        said = [entry.decision in _ALERTING for entry in self._decided.values()]
        told = {command for entry in self._decided.values() for command in entry.commands}
        return (
            all(map(self._is_final, self.plot.expected))
            and self._reported <= self._decided.keys()
            and len(self.alerts) >= sum(said)
            and {command.command_id for command in self.commands} >= told
        )

    @property
    def first_breach(self) -> Report | None:
        """The first window that drifted."""
        breaching = (start for start, report in self.windows.items() if report.verdict is Verdict.DRIFTED)
        return self.windows.get(min(breaching, default=-1))

    def worst(self) -> dict[str, Finding]:
        """Return, for each signal that drifted, its finding in the window that it drifted most in; worst first."""
        findings: dict[str, Finding] = {}
        drifted = (f for f in self._findings() if f.verdict is Verdict.DRIFTED)
        for finding in sorted(drifted, key=lambda f: -(f.psi_debiased or 0.0)):
            findings.setdefault(finding.signal, finding)
        return findings

    def drifted(self) -> tuple[str, ...]:
        """Return the features that drifted, the one that drifted most first."""
        return tuple(name for name, finding in self.worst().items() if finding.kind is FindingKind.FEATURE)

    def largest_natural_psi(self) -> float:
        """Return the largest debiased PSI of a window that had not begun to break."""
        whole = [r for r in self.windows.values() if not self.plot.broken or r.window_end <= self.plot.broken_at]
        return max((f.psi_debiased or 0.0 for report in whole for f in report.findings), default=0.0)

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
            seconds=round(seconds, 1),
        )

    def faults(self, sent: Sent) -> tuple[str, ...]:
        """Return what did not hold, in words; nothing: the story held."""
        told = self._broken_faults() if self.plot.broken else self._quiet_faults()
        return tuple(chain(self._count_faults(sent), told))

    def _is_final(self, start: int) -> bool:
        return start in self.windows and self.windows[start].final

    def _findings(self) -> list[Finding]:
        return [finding for report in self.windows.values() for finding in report.findings]

    def _count_faults(self, sent: Sent) -> list[str]:
        faults = []
        if sent.delivered != sent.logged:
            faults.append(f"{sent.logged:,} predictions were logged, {sent.delivered:,} delivered")
        absent = sorted(start for start in self.plot.expected if not self._is_final(start))
        if absent:
            faults.append(f"{len(absent)} windows were not reported and finished, from {iso_time(absent[0])} on")
        for start in sorted(self.plot.expected.keys() & self.windows.keys()):
            requests, rows = self.windows[start].requests, self.plot.expected[start]
            if requests != rows:
                faults.append(f"window {iso_time(start)} counts {requests:,} predictions of {rows:,}")
        strange = self.windows.keys() - self.plot.expected.keys()
        return faults + [f"window {iso_time(start)} was reported, which is not complete" for start in sorted(strange)]

    def _quiet_faults(self) -> list[str]:
        faults = [f"{name} drifted, and nothing was broken" for name in self.drifted()]
        if self.alerts or self.commands:
            faults.append(f"{len(self.alerts)} alerts and {len(self.commands)} commands, and nothing was broken")
        return faults

    def _broken_faults(self) -> list[str]:
        faults = []
        if set(self.drifted()) != self.plot.broken:
            faults.append(f"{_listed(self.drifted())} drifted; broken: {_listed(sorted(self.plot.broken))}")
        first = self.first_breach
        if first is not None and first.window_end <= self.plot.broken_at:
            faults.append(f"window {iso_time(first.window_start)} drifted before anything was broken")
        if [alert.event for alert in self.alerts].count(AlertEvent.OPENED) != 1:
            faults.append(f"{len(self.alerts)} alerts, and not one that opens an incident")
        commands = [command.action for command in self.commands]
        if commands != [Action.FREEZE_ROLLOUT]:
            faults.append(f"the commands are {_listed(commands)}, not one FREEZE_ROLLOUT")
        return faults


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
