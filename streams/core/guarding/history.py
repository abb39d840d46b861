"""How long a signal, or a rule for a rollback, has been in breach: verdicts by decision window.

Counters are keyed by the version and by what it was judged under (baseline, monitor, control): another of these starts
them anew. A revision replaces a window's verdict; a window that could not be judged moves no counter, either way.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kedge.detectors.policy import Policy
from kedge.detectors.verdict import Verdict
from kedge.schemas.records import IncidentSignal, JudgedWindow, Role, SignalHistory

__all__ = ["DAY_MS", "History", "Seen", "SignalKey", "Span", "Track"]

DAY_MS: Final = 24 * 3_600_000
"""Event time after which a signal that is reported no more is forgotten."""


class SignalKey(NamedTuple):
    """One signal of one stream of a model; or one rule of guard.md §3 (`kind`) and what it measures (`signal`)."""

    version: str
    role: str
    segment: str
    kind: str
    signal: str

    def record(self) -> IncidentSignal:
        """Return the key as a record."""
        return IncidentSignal(
            version=self.version, role=Role(self.role), segment=self.segment, kind=self.kind, signal=self.signal
        )

    @classmethod
    def of(cls, record: IncidentSignal | SignalHistory) -> "SignalKey":
        """Return the key of a record."""
        return cls(record.version, record.role.value, record.segment, record.kind, record.signal)


@dataclass(frozen=True, slots=True)
class Span:
    """A decision window, and how many of them are kept."""

    start: int
    end: int
    keep: int

    @property
    def length(self) -> int:
        """In milliseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window says of some signals, and under what."""

    span: Span
    under: str
    verdicts: Mapping[SignalKey, Verdict]


@dataclass(slots=True)
class Track:
    """One signal's last windows."""

    under: str
    counts_from: int = 0
    began: int | None = None
    windows: dict[int, Verdict] = field(default_factory=dict)

    def enter(self, span: Span, under: str, verdict: Verdict) -> None:
        """Enter a window, in place of what was said of it before."""
        if under != self.under and span.start >= max(self.windows, default=0):
            self.under, self.counts_from, self.began = under, span.start, None
        self.windows.pop(span.start, None)
        if verdict.judged:
            self.windows[span.start] = verdict
        oldest = max(self.windows, default=0) - (span.keep - 1) * span.length
        for start in [s for s in self.windows if s < oldest]:
            del self.windows[start]
        self._date()

    def _date(self) -> None:
        """A run begins with its first breach, and is over once no window that is kept breaches."""
        breaches = [s for s, v in self.windows.items() if v is Verdict.DRIFTED and s >= self.counts_from]
        if not breaches:
            self.began = None
        elif self.began is None:
            self.began = min(breaches)

    def counted(self, since: int) -> dict[int, Verdict]:
        """Return the windows that count."""
        return {s: v for s, v in self.windows.items() if s >= max(since, self.counts_from)}

    def stable(self, length_ms: int, count: int) -> bool:
        """Return whether the newest `count` windows, without a hole, are STABLE."""
        newest = max(self.windows, default=0)
        return all(self.windows.get(newest - i * length_ms) is Verdict.STABLE for i in range(count))


@dataclass(slots=True)
class History:
    """All signals of a model. `cleared_through`: windows before belong to an incident that is over."""

    cleared_through: int = 0
    tracks: dict[SignalKey, Track] = field(default_factory=dict)

    def enter(self, seen: Seen, held: Collection[SignalKey]) -> None:
        """Enter what a window says; `held`: the incident's signals, which are not forgotten."""
        for key, verdict in seen.verdicts.items():
            track = self.tracks.setdefault(key, Track(seen.under))
            track.enter(seen.span, seen.under, verdict)
            if not track.windows:
                del self.tracks[key]
        before = seen.span.start - seen.span.keep * seen.span.length - DAY_MS
        for key in [k for k, t in self.tracks.items() if max(t.windows) < before and k not in held]:
            del self.tracks[key]

    def of_stream(self, version: str, role: str, segment: str) -> Iterator[tuple[SignalKey, Track]]:
        """Yield the signals of a stream, in order."""
        for key in sorted(self.tracks):
            if key[:3] == (version, role, segment):
                yield key, self.tracks[key]

    def persists(self, key: SignalKey, policy: Policy, length_ms: int) -> bool:
        """Return whether a signal has drifted for long enough since the last incident, as of its newest window."""
        track = self.tracks.get(key)
        since = {} if track is None else track.counted(self.cleared_through)
        # As of the newest window: an amendment of an older one completes the same count.
        return bool(since) and policy.persists(since, max(since), length_ms)

    def last_judged_breach(self, key: SignalKey, count: int) -> bool:
        """Return whether the last `count` judged windows, however far apart, all breach."""
        track = self.tracks.get(key)
        since = {} if track is None else track.counted(self.cleared_through)
        newest = [since[start] for start in sorted(since)[-count:]]
        return len(newest) == count and all(verdict is Verdict.DRIFTED for verdict in newest)

    def is_over(self, held: Collection[SignalKey], span: Span, windows: int) -> bool:
        """Return whether each signal was STABLE in its last `windows` windows, or is gone."""
        gone = self.gone(held, span)
        none = Track("")
        return all(key in gone or self.tracks.get(key, none).stable(span.length, windows) for key in held)

    def gone(self, held: Collection[SignalKey], span: Span) -> frozenset[SignalKey]:
        """Return the signals that were not judged for a day while others of the model were.

        A version that was retired, or a segment that has shrunk, would else hold the incident open for ever.
        """
        since = span.start - DAY_MS
        # Amended until nothing judged is left of it, a signal is not gone: it waits to be judged again.
        return frozenset(key for key in held if key in self.tracks and max(self.tracks[key].windows) < since)

    def clear(self) -> None:
        """End the incident; its windows count for no other."""
        newest = [max(t.windows) + 1 for t in self.tracks.values() if t.windows]
        self.cleared_through = max([self.cleared_through, *newest])

    def record(self) -> tuple[SignalHistory, ...]:
        """Return the tracks as records."""
        return tuple(
            SignalHistory(
                version=key.version,
                role=Role(key.role),
                segment=key.segment,
                kind=key.kind,
                signal=key.signal,
                under=track.under,
                counts_from=track.counts_from,
                began=track.began,
                windows=tuple(JudgedWindow(window_start=s, verdict=v.name) for s, v in sorted(track.windows.items())),
            )
            for key, track in sorted(self.tracks.items())
        )

    @classmethod
    def of(cls, cleared_through: int, records: tuple[SignalHistory, ...]) -> "History":
        """Return the history of records; the inverse of `record`."""
        tracks = {
            SignalKey.of(r): Track(
                r.under, r.counts_from, r.began, {w.window_start: Verdict[w.verdict] for w in r.windows}
            )
            for r in records
        }
        return cls(cleared_through, tracks)
