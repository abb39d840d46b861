"""All models on one page, those that need a person first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kedge.schemas.records import Verdict
from kedge.streams.console.history import StreamTrack, VersionTrack
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.plight import plight_of
from kedge.streams.console.situation import Need, Plight, Reading, Situation, state_of, watched_streams
from kedge.streams.console.words import amount, clock_time, share, span

__all__ = ["Fleet", "Row", "fleet_of", "fresh_words"]

_NAMED: Final = 3
_HARM: Final = "HARM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model in the table."""

    model: str
    owner: str
    state: str
    plight: Plight
    verdict: str
    version: str
    window_end: int | None
    age: str
    completeness: str
    incomplete: bool
    lag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The first page; `need` is what its headline is about, None where there is no model."""

    headline: str
    detail: str
    need: Need | None
    rows: tuple[Row, ...]


def fleet_of(outlook: Outlook) -> Fleet:
    """Return the first page."""
    rows = sorted((_row(situation) for situation in outlook.situations()), key=lambda row: (row.plight.need, row.model))
    headline, detail, need = _headline(outlook.reading, rows)
    return Fleet(headline=headline, detail=detail, need=need, rows=tuple(rows))


def fresh_words(reading: Reading, now_ms: int) -> str:
    """Return how fresh a page is."""
    if reading.heard_at is None:
        return "Kafka has not answered yet."
    ago = now_ms - reading.heard_at
    if reading.is_old(now_ms):
        return (
            f"Kafka was last heard at {clock_time(reading.heard_at, now_ms)}, {span(ago)} ago: what stands here is old."
        )
    return f"Up to date at {clock_time(now_ms, now_ms)}."


def _row(situation: Situation) -> Row:
    board, spec = situation.board, situation.spec
    live = watched_streams(board)
    worst = min(live, key=_gravity, default=None)
    last = None if worst is None else worst.last
    harmful = [track.version for track in board.versions.values() if _harms(track, live)]
    least = 0.95 if spec is None else spec.policy.completeness_min
    return Row(
        model=board.model,
        owner="" if spec is None else spec.owner,
        state=state_of(board) or "not known",
        plight=plight_of(situation),
        verdict="none" if last is None else _HARM if harmful else last.verdict.value,
        version=harmful[0] if harmful else "" if worst is None else worst.version,
        window_end=None if last is None else last.window_end,
        age="" if last is None else f"{span(situation.now_ms - last.window_end)} ago",
        completeness="not known" if last is None else share(last.completeness),
        incomplete=last is not None and not last.completeness >= least,
        lag="not known" if last is None else f"{span(last.told_at - last.window_end)} after it ended",
    )


_GRAVITY: Final = (Verdict.DRIFTED, Verdict.INVALID, Verdict.INSUFFICIENT, Verdict.WARNING, Verdict.STABLE)


def _harms(version: VersionTrack, live: Sequence[StreamTrack]) -> bool:
    """Whether the newest window of a version that is live shows harm."""
    tracks = (track for track in live if (track.version, track.role) == (version.version, version.role))
    return version.harmful and any(version.newest_end >= track.last.window_end for track in tracks)


def _gravity(track: StreamTrack) -> int:
    return _GRAVITY.index(track.last.verdict)


def _headline(reading: Reading, rows: Sequence[Row]) -> tuple[str, str, Need | None]:
    """Return what stands at the top, a line that explains it, and whom it needs."""
    if not rows:
        return _bare(reading)
    now = [row for row in rows if row.plight.need is Need.NOW]
    if now:
        words = "needs you" if len(now) == 1 else "need you"
        headline = f"{len(now)} of {amount(len(rows), 'model')} {words}: {_names(now)}"
        first = now[0].plight.wrong if len(now) == 1 else f"{now[0].model}: {now[0].plight.wrong}"
        return headline, first, Need.NOW
    if reading.trouble:
        return "Nobody knows how your models are now", "Nobody can say that one of them is well.", Need.NOW
    if not reading.ready:
        return "Still reading", "Nobody can say yet that one of them is well.", Need.UNKNOWN
    return _calm(rows)


def _bare(reading: Reading) -> tuple[str, str, Need | None]:
    """Say why there is no model."""
    if reading.trouble:
        return "Nobody knows how your models are", "Whether there is any is not known either.", Need.NOW
    if not reading.ready:
        return "Reading the topics", "", None
    return "No model has a monitor yet", "Nothing is watched until one is published.", None


def _calm(rows: Sequence[Row]) -> tuple[str, str, Need]:
    unknown = [row for row in rows if row.plight.need is Need.UNKNOWN]
    watched = [row for row in rows if row.plight.need is Need.WATCH]
    models = amount(len(rows), "model")
    if unknown:
        words = "cannot be vouched for"
        return f"{len(unknown)} of {models} {words}: {_names(unknown)}", "No data is not good news.", Need.UNKNOWN
    if watched:
        words = "wants a look, not tonight" if len(watched) == 1 else "want a look, not tonight"
        return f"{len(watched)} of {models} {words}: {_names(watched)}", "Nobody is needed now.", Need.WATCH
    every = "The model is" if len(rows) == 1 else f"All {models} are"
    return f"{every} well", "Nobody is needed now.", Need.WELL


def _names(rows: Sequence[Row]) -> str:
    names = ", ".join(row.model for row in rows[:_NAMED])
    return names if len(rows) <= _NAMED else f"{names} and {len(rows) - _NAMED} more"
