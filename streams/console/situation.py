"""What a page is about: one model, the monitor in force, the hour, and how well the topics can be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import Action, Command, Role, Verdict
from kedge.streams.console.board import ModelBoard
from kedge.streams.console.history import StreamTrack
from kedge.streams.console.words import clock_time
from kedge.streams.core.guarding.deadlines import ESCALATE_MS
from kedge.streams.people.freezes import led_away

__all__ = ["Need", "Plight", "Reading", "Situation", "live_streams", "open_command", "state_of", "watched_streams"]


_OLD_MS: Final = 60_000
"""Kafka is asked every few seconds: what was heard longer ago than this is old."""


class Need(IntEnum):
    """Whom a model needs; in the order of the fleet."""

    NOW = 0
    """A person, now."""
    UNKNOWN = 1
    """Nothing vouches for it."""
    WATCH = 2
    """A look in the morning."""
    WELL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far the topics are read. Times in ms since 1970-01-01 UTC."""

    ready: bool = False
    """All that lay there at the start has been read."""
    done: int = 0
    total: int = 0
    """Records that lay there at the start; 0: not known yet."""
    heard_at: int | None = None
    """When Kafka last answered."""
    trouble: str = ""
    """What keeps the topics from being read, and what to do; empty: nothing."""
    trouble_at: int = 0
    denied: tuple[str, ...] = ()
    """Topics that may not be read."""

    @property
    def part(self) -> int:
        """How much of what lay there has been read, in percent."""
        return 100 if self.ready else min(99, 100 * self.done // self.total) if self.total else 0

    def is_old(self, now_ms: int) -> bool:
        """Whether what was read says nothing of now: Kafka has not answered, or nobody has asked it, for a minute."""
        return bool(self.trouble) or self.heard_at is None or now_ms - self.heard_at > _OLD_MS


@dataclass(frozen=True, slots=True)
class Situation:
    """A model and what it is looked at by; `spec` None: no monitor of it is known. `now_ms`: wall clock."""

    board: ModelBoard
    spec: MonitorSpec | None
    now_ms: int
    reading: Reading

    def at(self, at_ms: int) -> str:
        """Return a time in words."""
        return clock_time(at_ms, self.now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plight:
    """What a person is told first; `runbook` is a name in docs/runbooks, empty where none is needed."""

    need: Need
    wrong: str
    since_ms: int | None = None
    did: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()
    runbook: str = ""
    doubtful: bool = False
    """Whatever looks well beside it is old, or not all that there is: nothing is green."""


def state_of(board: ModelBoard) -> str:
    """Return the guard's state of the model; empty: nothing is journalled of it."""
    last = board.standing.last
    return "" if last is None else last.state_after


def open_command(board: ModelBoard, now_ms: int) -> Command | None:
    """Return the command that is out and has no end yet."""
    standing = board.standing
    found = standing.commands.get(standing.open_command or "")
    if found is None or found.action is Action.CANCEL or now_ms > found.expires_at + ESCALATE_MS:
        return None
    return found


def live_streams(board: ModelBoard) -> list[StreamTrack]:
    """Return the versions that were seen in the model's newest windows, those that serve first."""
    newest = max((track.last.window_end for track in board.streams.values()), default=0)
    found = []
    for track in board.streams.values():
        length = track.last.window_end - track.last.window_start
        if track.last.window_end + 2 * length >= newest:
            found.append(track)
    return sorted(found, key=lambda track: (track.role.value != "PRIMARY", track.version, track.role.value))


def watched_streams(board: ModelBoard) -> list[StreamTrack]:
    """Return the live versions; not those that traffic was led away from, once they have too few rows to judge."""
    away, live = led_away(board.standing), live_streams(board)
    return [track for track in live if not _has_gone(track, away)] or live


def _has_gone(track: StreamTrack, away: Mapping[str, int]) -> bool:
    served, last = track.role is not Role.SHADOW, track.last
    return served and last.verdict is Verdict.INSUFFICIENT and last.window_start < away.get(track.version, 0)
