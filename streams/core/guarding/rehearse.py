"""Drills: one named failure is injected beside the real state, and the way back is gone for real, with `drill` set.

The injected evidence meets the real vetoes about people and the safe path; those about the data it is made to pass.
`again` is told and holds no drill back: nothing moves to and fro, and after a rollback is when people rehearse.

Rehearsed is the way back from the canary; where none serves, from the primary version, if there is another safe path;
and where that is the safe path itself, from a canary imagined beside it: a way back must be tried before one comes.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from kedge.schemas.records import (
    Action,
    ControlKind,
    Harm,
    HarmEvidence,
    HarmKind,
    Override,
    Rehearsal,
    Role,
    Severity,
    Verdict,
    VersionReport,
)
from kedge.schemas.records import VersionStanding as Standing
from kedge.streams.core.commands import incident_id
from kedge.streams.core.guarding.ends import Ending, drill_over, finish
from kedge.streams.core.guarding.evidence import Proof, Rule, sightings
from kedge.streams.core.guarding.incident import About
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import End
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.target import safe_path
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.guarding.vetoes import RollbackCase, again, ask
from kedge.streams.core.guarding.wishes import Wish, want

__all__ = ["DRILL_MS", "FAULTS", "end_late_drill", "rehearse"]

DRILL_MS: Final = 15 * 60_000
"""Wall time after which a drill is over, acknowledged or not."""
IMAGINED: Final = "drill"
"""The version of an imagined canary."""
_ROWS: Final = 100_000

FAULTS: Final[Mapping[str, HarmKind]] = MappingProxyType(
    {
        "canary_errors": HarmKind.ERROR,
        "canary_latency": HarmKind.LATENCY,
        "canary_outcome": HarmKind.OUTCOME,
    }
)
"""What can be rehearsed: the version answers with errors, too slowly, or worse than its control."""

_MEASURES: Final = {
    HarmKind.ERROR: "error_rate",
    HarmKind.LATENCY: "slow_rate",
    HarmKind.OUTCOME: "drill.positive_rate",
}


def rehearse(turn: Turn, override: Override) -> None:
    """Begin a drill: the injected failure is decided on as a real one would be, beside the real state."""
    model, turn.drill = turn.model, True
    name = incident_id(turn.environment, model.model, ["drill", override.override_id])
    model.drill = Rehearsal(
        override_id=override.override_id,
        fault=override.fault,
        incident=name,
        actor=override.actor,
        began_at=turn.now_ms,
        ends_at=turn.now_ms + DRILL_MS,
    )
    report = _injected(turn, override)
    target = safe_path(model, turn.monitor, report)
    if report.role is Role.PRIMARY and target in ("", report.version):
        report = replace(report, version=IMAGINED, role=Role.CANARY, control=report.version)
        target = safe_path(model, turn.monitor, report)
    turn.about = About.of(report)
    proofs = tuple(
        Proof(Rule(s.key.kind), s.key, s.action, s.harm, report.window_start) for s in sightings(turn.monitor, report)
    )
    turn.vetoes = ask(RollbackCase(turn, report, proofs, target))
    standing = {note.name: f"{note.name} ({note.evidence})" for note in turn.vetoes if note.result == "stands"}
    told = standing.pop(again.__name__, "")
    earnest = f"in earnest it would be vetoed by {told}" if told else ""
    if earnest:
        turn.say(earnest)
    command_id = None
    if not standing:
        wish = Wish(
            action=Action.ROUTE_TO_SAFE_PATH,
            incident=name,
            from_version=report.version,
            target=target,
            drill=True,
            lasts_ms=DRILL_MS,
        )
        _, command_id = want(turn, wish)
    reason = "; ".join(filter(None, (override.reason, earnest)))
    begins = f"{model.model}: drill {override.fault} by {override.actor} begins: {reason}"
    _say(turn, begins, tuple(proof.harm for proof in proofs), command_id)
    if standing:
        drill_over(turn, good=False, words=f"vetoed by {'; '.join(standing.values())}")


def _say(turn: Turn, begins: str, harms: tuple[HarmEvidence, ...], command_id: str | None) -> None:
    drill = turn.model.drill
    notice = Notice(
        subject="drill",
        summary=begins,
        severity=Severity.TICKET,
        incident="" if drill is None else drill.incident,
        harms=harms,
        vetoes=turn.vetoes,
        drill=True,
        command_id=command_id,
    )
    tell(turn, notice)


def end_late_drill(turn: Turn) -> None:
    """End a drill whose time is up."""
    model = turn.model
    if model.drill is None:
        return
    turn.drill = True
    if model.order is not None and model.order.command.drill:
        sent = not model.order.staged
        finish(turn, Ending(End.SUPERSEDED, "nobody has acknowledged it in time", cancel=sent))
    else:
        drill_over(turn, good=False, words="its time is up")


def _suspect(model: ModelState) -> Standing | None:
    """The version to rehearse with: a canary if one serves, else the primary."""
    newest = max((s.window_end for s in model.standings.values()), default=0)
    live = [s for s in model.standings.values() if s.window_end == newest and s.role is not Role.SHADOW]
    return min(live, key=lambda s: (s.role is not Role.CANARY, s.version), default=None)


def _injected(turn: Turn, override: Override) -> VersionReport:
    model, length = turn.model, turn.monitor.windows.length_ms
    suspect = _suspect(model)
    others = [s for s in model.standings.values() if s.role is Role.PRIMARY and s is not suspect]
    primary = max(others, key=lambda s: (s.window_end, s.version), default=None)
    control = "" if suspect is None or primary is None or suspect.role is Role.PRIMARY else primary.version
    kind = FAULTS[override.fault]
    return VersionReport(
        model=model.model,
        version="" if suspect is None else suspect.version,
        role=Role.CANARY if suspect is None else suspect.role,
        segment="",
        control=control,
        control_kind=ControlKind.CONCURRENT,
        window_start=model.newest_window,
        window_end=model.newest_window + length,
        revision=0,
        final=True,
        outcomes_due=False,
        requests=_ROWS,
        control_requests=_ROWS,
        completeness=1.0,
        n_eff=float(_ROWS),
        control_n_eff=float(_ROWS),
        senders=0,
        began_at=model.newest_window,
        contrasts=(),
        outcomes=(),
        control_outcomes=(),
        harms=(_harm(kind, override.fault),),
        verdict=Verdict.DRIFTED,
        reason=f"injected: {override.fault}",
        baseline="",
        monitor=turn.monitor_hash,
    )


def _harm(kind: HarmKind, fault: str) -> Harm:
    return Harm(
        kind=kind,
        measure=_MEASURES[kind],
        higher_is_better=kind is HarmKind.OUTCOME,
        n=_ROWS,
        events=_ROWS // 2,
        rate=0.5,
        control_n=_ROWS,
        control_events=_ROWS // 100,
        control_rate=0.01,
        change=None,
        log_evidence=100.0,
        log_threshold=11.6,
        verdict=Verdict.DRIFTED,
        reason=f"injected: {fault}",
    )
