"""What the guard keeps of one model, and how a verdict that lasts becomes an incident.

Pure data and questions about it; what is sent, and when, is `guard`'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kedge.detectors.policy import Policy
from kedge.detectors.verdict import Verdict
from kedge.schemas.records import (
    GuardModel,
    IncidentSignal,
    JudgedWindow,
    OpenIncident,
    Report,
    Role,
    SignalHistory,
)

__all__ = ["Incident", "ModelGuard", "SignalKey"]

FORGET_MS: Final = 24 * 3_600_000
"""Event time after which a signal that is reported no more is forgotten."""


class SignalKey(NamedTuple):
    """One signal of one stream of a model."""

    version: str
    role: str
    segment: str
    kind: str
    signal: str


@dataclass(slots=True)
class Incident:
    """The one open incident of a model."""

    incident: str
    opened_at: int
    signals: set[SignalKey]
    command_id: str | None = None
    freeze_expires_at: int | None = None


@dataclass(slots=True)
class ModelGuard:
    """One model's guard."""

    model: str
    journal_sequence: int = 0
    command_sequence: int = 0
    cleared_through: int = 0
    history: dict[SignalKey, dict[int, Verdict]] = field(default_factory=dict)
    incident: Incident | None = None

    def remember(self, report: Report, keep: int) -> None:
        """Enter a decision window's verdicts; an amended window's replace what it said before.

        A signal that could not be judged says nothing: it moves no counter, either way. `keep`
        windows back from the newest are kept.
        """
        length = report.window_end - report.window_start
        stream = (report.version, report.role.value, report.segment)
        told = {SignalKey(*stream, f.kind.value, f.signal): Verdict[f.verdict.name] for f in report.findings}
        # A quality rule that is kept again has no finding any more: it is stable by that.
        for key in self.history:
            if key[:3] == stream and key.kind == "quality" and key not in told:
                told[key] = Verdict.STABLE if _judged(report) else Verdict.INSUFFICIENT
        for key, verdict in told.items():
            windows = self.history.setdefault(key, {})
            windows.pop(report.window_start, None)
            if verdict.judged:
                windows[report.window_start] = verdict
            oldest = max(windows, default=0) - (keep - 1) * length
            for start in [s for s in windows if s < oldest]:
                del windows[start]
            if not windows:
                del self.history[key]
        self._forget(report.window_start - keep * length - FORGET_MS)

    def _forget(self, before: int) -> None:
        """Drop signals of versions that are gone; those of the open incident stay."""
        held = set() if self.incident is None else self.incident.signals
        for key in [k for k, w in self.history.items() if max(w) < before and k not in held]:
            del self.history[key]

    def breaching(self, report: Report, policy: Policy) -> Iterator[SignalKey]:
        """Yield the report's signals that have drifted for long enough, since the last incident."""
        length = report.window_end - report.window_start
        for key, windows in sorted(self.history.items()):
            if key[:3] == (report.version, report.role.value, report.segment):
                since = {s: v for s, v in windows.items() if s >= self.cleared_through}
                # As of the newest window: an amendment of an older one completes the same count.
                if since and policy.persists(since, max(since), length):
                    yield key

    def is_over(self, report: Report, windows: int) -> bool:
        """Return whether each signal of the incident was STABLE in its last `windows` windows, or is gone."""
        if self.incident is None:
            return False
        length = report.window_end - report.window_start
        gone = self.gone(report)
        return all(key in gone or _stable(self.history.get(key, {}), length, windows) for key in self.incident.signals)

    def gone(self, report: Report) -> frozenset[SignalKey]:
        """Return the incident's signals that were not judged for a day while others of the model were.

        A version that was retired, or a segment that has shrunk, would else hold the incident open for ever.
        """
        held = frozenset() if self.incident is None else self.incident.signals
        since = report.window_start - FORGET_MS
        # Amended until nothing judged is left of it, a signal is not gone: it waits to be judged again.
        return frozenset(key for key in held if key in self.history and max(self.history[key]) < since)

    def clear(self) -> None:
        """End the incident; its windows count for no other."""
        newest = [max(w) for w in self.history.values() if w]
        self.cleared_through = max([self.cleared_through, *(start + 1 for start in newest)])
        self.incident = None

    def record(self) -> GuardModel:
        """Return the state's record."""
        return GuardModel(
            model=self.model,
            journal_sequence=self.journal_sequence,
            command_sequence=self.command_sequence,
            cleared_through=self.cleared_through,
            history=tuple(
                SignalHistory(
                    version=key.version,
                    role=Role(key.role),
                    segment=key.segment,
                    kind=key.kind,
                    signal=key.signal,
                    windows=tuple(
                        JudgedWindow(window_start=start, verdict=windows[start].name) for start in sorted(windows)
                    ),
                )
                for key, windows in sorted(self.history.items())
            ),
            incident=None if self.incident is None else _incident_record(self.incident),
        )

    @classmethod
    def of(cls, record: GuardModel) -> "ModelGuard":
        """Return the guard of a record; the inverse of `record`."""
        found = record.incident
        return cls(
            model=record.model,
            journal_sequence=record.journal_sequence,
            command_sequence=record.command_sequence,
            cleared_through=record.cleared_through,
            history={
                SignalKey(h.version, h.role.value, h.segment, h.kind, h.signal): {
                    w.window_start: Verdict[w.verdict] for w in h.windows
                }
                for h in record.history
            },
            incident=None
            if found is None
            else Incident(
                incident=found.incident,
                opened_at=found.opened_at,
                signals={SignalKey(s.version, s.role.value, s.segment, s.kind, s.signal) for s in found.signals},
                command_id=found.command_id,
                freeze_expires_at=found.freeze_expires_at,
            ),
        )


def _judged(report: Report) -> bool:
    return Verdict[report.verdict.name].judged


def _stable(windows: Mapping[int, Verdict], length_ms: int, count: int) -> bool:
    """The newest `count` windows, without a hole, are STABLE."""
    newest = max(windows, default=0)
    return all(windows.get(newest - i * length_ms) is Verdict.STABLE for i in range(count))


def _incident_record(incident: Incident) -> OpenIncident:
    return OpenIncident(
        incident=incident.incident,
        opened_at=incident.opened_at,
        command_id=incident.command_id,
        freeze_expires_at=incident.freeze_expires_at,
        signals=tuple(
            IncidentSignal(
                version=key.version,
                role=Role(key.role),
                segment=key.segment,
                kind=key.kind,
                signal=key.signal,
            )
            for key in sorted(incident.signals)
        ),
    )
