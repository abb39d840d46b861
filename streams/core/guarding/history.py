"""How long a signal, or a rule for a rollback, has been in breach: verdicts by decision window.

Counters are keyed by the version and by what it was judged under (baseline, monitor, control): another of these starts
them anew. A revision replaces a window's verdict; a window that could not be judged moves no counter, either way.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kedge.detectors.policy import Policy
from kedge.detectors.verdict import Verdict

__all__ = ["DAY_MS", "HELD_MS", "History", "Seen", "SignalKey", "Span", "Stream", "StreamKey", "Track"]

DAY_MS: Final = 24 * 3_600_000
"""Event time after which a signal that is reported no more is forgotten …"""
HELD_MS: Final = 7 * DAY_MS
"""… and one of the open incident."""


class StreamKey(NamedTuple):
    """One stream of a model."""

    version: str
    role: str
    segment: str


class SignalKey(NamedTuple):
    """One signal of one stream of a model; or one rule of guard.md §3 (`kind`) and what it measures (`signal`)."""

    version: str
    role: str
    segment: str
    kind: str
    signal: str

    @property
    def stream(self) -> StreamKey:
        """The stream that it is of."""
        return StreamKey(self.version, self.role, self.segment)


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

    @property
    def newest(self) -> int:
        """Start of its newest judged window."""
        return max(self.windows, default=0)

    def counted(self, since: int) -> dict[int, Verdict]:
        """Return the windows that count."""
        return {s: v for s, v in self.windows.items() if s >= max(since, self.counts_from)}

    def stable(self, length_ms: int, count: int) -> bool:
        """Return whether the newest `count` windows, without a hole, are STABLE."""
        newest = self.newest
        return all(self.windows.get(newest - i * length_ms) is Verdict.STABLE for i in range(count))


@dataclass(slots=True)
class Stream:
    """The signals of one stream. `held`: those of the open incident, as it was recorded last."""

    tracks: dict[SignalKey, Track] = field(default_factory=dict)
    held: set[SignalKey] = field(default_factory=set)
    _stalest: int | None = None
    _breaching: bool | None = None

    def changed(self) -> None:
        """Its tracks, or what counts of them, have changed: what follows from them is asked again."""
        self._stalest = self._breaching = None

    @property
    def stalest(self) -> int:
        """Newest window of the signal that was judged longest ago."""
        if self._stalest is None:
            self._stalest = min((track.newest for track in self.tracks.values()), default=0)
        return self._stalest

    def is_breaching(self, since: int) -> bool:
        """Return whether the newest window that counts of any signal has drifted; `since` changes with `changed`."""
        if self._breaching is None:
            newest = (max(track.counted(since).items(), default=None) for track in self.tracks.values())
            self._breaching = any(window is not None and window[1] is Verdict.DRIFTED for window in newest)
        return self._breaching

    def forget(self, before: int, kept: Collection[SignalKey]) -> list[SignalKey]:
        """Forget the signals that were not judged since `before`, but for those kept; returns which they were."""
        if not self.tracks or self.stalest >= before:
            return []
        stale = [key for key, track in self.tracks.items() if track.newest < before and key not in kept]
        for key in stale:
            del self.tracks[key]
        if stale:
            self.changed()
        return stale


@dataclass(slots=True)
class History:
    """All streams of a model. `cleared_through`: windows before belong to an incident that is over.

    `unsaved`: streams that have changed since their record was made.
    """

    cleared_through: int = 0
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    unsaved: set[StreamKey] = field(default_factory=set)
    _held: frozenset[SignalKey] = frozenset()

    def enter(self, seen: Seen, held: Collection[SignalKey]) -> None:
        """Enter what a window says; `held`: the incident's signals, which are not forgotten."""
        for key, verdict in seen.verdicts.items():
            stream = self._touch(key.stream)
            track = stream.tracks.setdefault(key, Track(seen.under))
            track.enter(seen.span, seen.under, verdict)
            if not track.windows:
                del stream.tracks[key]
        self._forget(seen.span.start - seen.span.keep * seen.span.length - DAY_MS, held)

    def _touch(self, key: StreamKey) -> Stream:
        stream = self.streams.setdefault(key, Stream())
        stream.changed()
        self.unsaved.add(key)
        return stream

    def _forget(self, before: int, held: Collection[SignalKey]) -> list[SignalKey]:
        forgotten = []
        for key, stream in self.streams.items():
            stale = stream.forget(before, held)
            if stale:
                self.unsaved.add(key)
                forgotten += stale
        return forgotten

    def release(self, span: Span) -> frozenset[SignalKey]:
        """Forget the signals that were not judged for a week, of the incident too; returns which they are.

        One signal that stays in breach must not keep all those of versions that have long gone.
        """
        return frozenset(self._forget(span.start - span.keep * span.length - HELD_MS, ()))

    def hold(self, signals: Collection[SignalKey]) -> None:
        """Take note which signals are the open incident's: that is kept with their streams."""
        held = frozenset(signals)
        for key in held ^ self._held:
            stream = self.streams.setdefault(key.stream, Stream())
            (stream.held.add if key in held else stream.held.discard)(key)
            self.unsaved.add(key.stream)
        self._held = held

    def take_unsaved(self) -> dict[StreamKey, Stream | None]:
        """Return the streams that have changed since the last call, in order; None: it is gone."""
        unsaved: dict[StreamKey, Stream | None] = {}
        for key in sorted(self.unsaved):
            stream = self.streams.get(key)
            if stream is not None and not (stream.tracks or stream.held):
                stream = None
                del self.streams[key]
            unsaved[key] = stream
        self.unsaved = set()
        return unsaved

    def put(self, key: StreamKey, stream: Stream) -> None:
        """Put a stream in as it was recorded."""
        self.streams[key] = stream
        self._held |= stream.held

    def of_stream(self, key: StreamKey) -> Iterator[tuple[SignalKey, Track]]:
        """Yield the signals of a stream, in order."""
        stream = self.streams.get(key)
        yield from () if stream is None else sorted(stream.tracks.items(), key=lambda item: item[0])

    def of_version(self, version: str) -> Iterator[tuple[SignalKey, Track]]:
        """Yield the signals of a version, in order."""
        for key in sorted(key for key in self.streams if key.version == version):
            yield from self.of_stream(key)

    def track(self, key: SignalKey) -> Track | None:
        """Return a signal's last windows; None: it has none."""
        stream = self.streams.get(key.stream)
        return None if stream is None else stream.tracks.get(key)

    def newest_of(self, version: str) -> int:
        """Return the start of the newest judged window of a version; 0: there is none."""
        return max((track.newest for _, track in self.of_version(version)), default=0)

    def is_breaching(self) -> bool:
        """Return whether the newest window that counts of any signal has drifted."""
        return any(stream.is_breaching(self.cleared_through) for stream in self.streams.values())

    def persists(self, key: SignalKey, policy: Policy, length_ms: int) -> bool:
        """Return whether a signal has drifted for long enough since the last incident, as of its newest window."""
        since = self._counted(key)
        # As of the newest window: an amendment of an older one completes the same count.
        return bool(since) and policy.persists(since, max(since), length_ms)

    def last_judged_breach(self, key: SignalKey, count: int) -> bool:
        """Return whether the last `count` judged windows, however far apart, all breach."""
        since = self._counted(key)
        newest = [since[start] for start in sorted(since)[-count:]]
        return len(newest) == count and all(verdict is Verdict.DRIFTED for verdict in newest)

    def _counted(self, key: SignalKey) -> dict[int, Verdict]:
        track = self.track(key)
        return {} if track is None else track.counted(self.cleared_through)

    def is_over(self, held: Collection[SignalKey], span: Span, windows: int) -> bool:
        """Return whether each signal was STABLE in its last `windows` windows, or is gone."""

        def over(key: SignalKey) -> bool:
            track = self.track(key)
            return track is not None and (track.stable(span.length, windows) or track.newest < span.start - DAY_MS)

        return all(over(key) for key in held)

    def gone(self, held: Collection[SignalKey], span: Span) -> frozenset[SignalKey]:
        """Return the signals that were not judged for a day while others of the model were.

        A version that was retired, or a segment that has shrunk, would else hold the incident open for ever.
        """
        since = span.start - DAY_MS
        # Amended until nothing judged is left of it, a signal is not gone: it waits to be judged again.
        tracks = ((key, self.track(key)) for key in held)
        return frozenset(key for key, track in tracks if track is not None and track.newest < since)

    def clear(self) -> None:
        """End the incident; its windows count for no other."""
        tracks = (track for stream in self.streams.values() for track in stream.tracks.values())
        self.cleared_through = max([self.cleared_through, *(track.newest + 1 for track in tracks)])
        for stream in self.streams.values():
            stream.changed()
