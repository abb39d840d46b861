"""One model: what is wrong first, then the evidence for it, then everything else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kedge.schemas.records import Journal, Report, Verdict, VersionReport
from kedge.streams.console.beside import (
    AgreementView,
    HarmRow,
    OutcomeRow,
    agreement_of,
    harms_of,
    outcomes_of,
)
from kedge.streams.console.board import ModelBoard, Segment
from kedge.streams.console.history import Point, StreamTrack
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.plight import plight_of
from kedge.streams.console.rollout import rollout_words
from kedge.streams.console.signals import Sight, SignalCard, SignalRow, cards_of, rows_of, sight_of
from kedge.streams.console.situation import Plight, Situation, live_streams, state_of
from kedge.streams.console.timeline import Event, timeline
from kedge.streams.console.words import share, span
from kedge.streams.people.standing import IncidentView

__all__ = ["CommandRow", "IncidentPart", "ModelPage", "Tab", "VersionPart", "model_page"]

_DECISIONS: Final = 20
_EARLIER: Final = 10


@dataclass(frozen=True, slots=True)
class Tab:
    """A version in a role that can be looked at."""

    version: str
    role: str
    verdict: Verdict
    chosen: bool
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPart:
    """The windows of the version that is looked at. `shown_end`: the window that the pictures are of."""

    tab: Tab
    last: Point
    reason: str
    requests: str
    errors: str
    latency: str
    completeness: str
    lag: str
    shown_end: int
    cards: Sequence[SignalCard]
    rows: Sequence[SignalRow]
    sight: Sight | None


@dataclass(frozen=True, slots=True)
class IncidentPart:
    """An incident and its steps."""

    view: IncidentView
    events: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command and what became of it."""

    issued_at: int
    action: str
    target: str
    command_id: str
    drill: bool
    end: str
    answers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    """All of a model's page."""

    model: str
    owner: str
    escalation: Sequence[str]
    runbook_url: str
    state: str
    plight: Plight
    rollout: str
    """Until when, or until whom, it is frozen; empty: it is not."""
    tabs: Sequence[Tab]
    version: VersionPart | None
    incident: IncidentPart | None
    earlier: Sequence[IncidentView]
    agreements: Sequence[AgreementView]
    outcomes: Sequence[OutcomeRow]
    outcomes_end: int | None
    harms: Sequence[HarmRow]
    segments: Sequence[Segment]
    commands: Sequence[CommandRow]
    decisions: Sequence[Journal]
    heartbeats: Sequence[tuple[str, str, int]]


def model_page(outlook: Outlook, model: str, wanted: tuple[str, str] | None = None) -> ModelPage:
    """Return a model's page; `wanted`: the version and role to look at."""
    situation = outlook.situation(model)
    board, spec = situation.board, situation.spec
    incidents = board.standing.incidents()
    shown = board.standing.open_incident() or (incidents[-1] if incidents else None)
    track = _chosen(board, shown, wanted)
    beside = [found for found in _beside(outlook, board) if found is not None]
    judged = [_decoded(outlook, versions.judged) for versions in board.versions.values() if versions.judged]
    return ModelPage(
        model=model,
        owner="" if spec is None else spec.owner,
        escalation=() if spec is None else spec.escalation,
        runbook_url="" if spec is None else spec.runbook_url or "",
        state=state_of(board),
        plight=plight_of(situation),
        rollout=rollout_words(situation),
        tabs=_tabs(board, track),
        version=None if track is None else _version(outlook, situation, track),
        incident=None if shown is None else IncidentPart(shown, timeline(board.standing, shown.incident)),
        earlier=[view for view in reversed(incidents) if shown is None or view.incident != shown.incident][:_EARLIER],
        agreements=beside,
        outcomes=_outcomes(judged),
        outcomes_end=max((report.window_end for report in judged), default=None),
        harms=[row for report in _newest_judged(outlook, board) for row in harms_of(report)],
        segments=sorted(
            (segment for segment in board.segments.values() if segment.verdict is not Verdict.STABLE),
            key=lambda segment: (segment.segment, segment.version),
        ),
        commands=list(_commands(board)),
        decisions=list(reversed(board.decisions))[:_DECISIONS],
        heartbeats=[(ack.actuator_id, ack.observed_version, ack.timestamp) for ack in board.heartbeats.values()],
    )


def _chosen(board: ModelBoard, incident: IncidentView | None, wanted: tuple[str, str] | None) -> StreamTrack | None:
    """The version that is asked for, else that of the open incident, else the gravest that is live."""
    tracks = {(track.version, track.role.value): track for track in board.streams.values()}
    if wanted in tracks:
        return tracks[wanted]
    if incident is not None and incident.is_open:
        about = incident.alerts[0]
        if (about.version, about.role.value) in tracks:
            return tracks[about.version, about.role.value]
    live = live_streams(board)
    drifted = (track for track in live if track.last.verdict is Verdict.DRIFTED)
    return next(drifted, live[0] if live else None)


def _tabs(board: ModelBoard, chosen: StreamTrack | None) -> list[Tab]:
    live = live_streams(board)
    gone = [track for track in board.streams.values() if track not in live]
    return [
        Tab(track.version, track.role.value, track.last.verdict, track is chosen, track in live)
        for track in (*live, *gone)
    ]


def _version(outlook: Outlook, situation: Situation, track: StreamTrack) -> VersionPart:
    newest = outlook.codec.decode(track.newest, Report)
    shown = outlook.codec.decode(track.shown, Report) if track.shown else newest
    plan = outlook.monitors.plan(shown.monitor, shown.baseline)
    tab = next(tab for tab in _tabs(situation.board, track) if tab.chosen)
    return VersionPart(
        tab=tab,
        last=track.last,
        reason=newest.reason,
        requests=f"{newest.requests:,}",
        errors=share(newest.error_share),
        latency="not known" if newest.latency_p95_ms is None else f"{newest.latency_p95_ms:.3g} ms",
        completeness=share(newest.completeness),
        lag=span(track.last.told_at - track.last.window_end),
        shown_end=shown.window_end,
        cards=cards_of(track, shown, situation.spec, situation.now_ms),
        rows=rows_of(shown, situation.spec),
        sight=None if situation.spec is None else sight_of(shown, situation.spec, plan),
    )


def _decoded(outlook: Outlook, value: bytes) -> VersionReport:
    return outlook.codec.decode(value, VersionReport)


def _beside(outlook: Outlook, board: ModelBoard) -> Iterator[AgreementView | None]:
    spec = outlook.situation(board.model).spec
    bound = None if spec is None or spec.promotion is None else spec.promotion.disagreement_max
    for track in board.versions.values():
        yield agreement_of(track, _decoded(outlook, track.newest), bound, outlook.now_ms)


def _newest_judged(outlook: Outlook, board: ModelBoard) -> Iterator[VersionReport]:
    """The newest report of each version, with the harms by outcomes of the newest whose outcomes were due."""
    for track in board.versions.values():
        newest = _decoded(outlook, track.newest)
        judged = newest if not track.judged else _decoded(outlook, track.judged)
        known = {harm.measure for harm in newest.harms}
        yield replace(newest, harms=(*newest.harms, *(h for h in judged.harms if h.measure not in known)))


def _outcomes(judged: Sequence[VersionReport]) -> list[OutcomeRow]:
    """Each version's once, whether it is told of itself or of what it was the control of."""
    rows = [row for report in judged for row in outcomes_of(report)]
    known = {(row.outcome, row.version): row for row in rows}
    return [known[key] for key in sorted(known)]


def _commands(board: ModelBoard) -> Iterator[CommandRow]:
    standing = board.standing
    for command in sorted(standing.commands.values(), key=lambda command: -command.sequence):
        ended = standing.ends.get(command.command_id)
        yield CommandRow(
            issued_at=command.issued_at,
            action=command.action.value,
            target=command.target_version,
            command_id=command.command_id,
            drill=command.drill,
            end="" if ended is None else ended.end,
            answers=[
                f"{ack.actuator_id}: {ack.result.value}{f' ({ack.reason})' if ack.reason else ''}"
                for ack in standing.acks.get(command.command_id, ())
            ],
        )
