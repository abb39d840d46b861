"""Where one model stands, as a person asks at 3 a.m.: what is wrong, since when, what was done, what now.

The first rule that holds speaks. Rules that need a person come first, then those by which nothing can be vouched for:
no data is never well.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from kedge.schemas.records import OverrideAction, Severity, Verdict
from kedge.streams.console.incident_words import because, done, held, todo, wrong
from kedge.streams.console.rollout import frozen, resume_words
from kedge.streams.console.situation import Need, Plight, Situation, open_command, state_of, watched_streams
from kedge.streams.console.words import span
from kedge.streams.core.guarding.deadlines import ESCALATE_MS
from kedge.streams.core.guarding.sensing import SENSING_WINDOWS
from kedge.streams.core.guarding.states import State

__all__ = ["plight_of"]


def plight_of(situation: Situation) -> Plight:
    """Return where a model stands."""
    found = next(found for rule in _RULES if (found := rule(situation)) is not None)
    if not situation.reading.is_old(situation.now_ms):
        return found
    if found.need > Need.UNKNOWN:
        found = replace(
            found, need=Need.UNKNOWN, wrong=f"Nobody knows how it is now. When last heard of: {found.wrong}"
        )
    return replace(found, doubtful=True)


def _loading(situation: Situation) -> Plight | None:
    if situation.reading.ready:
        return None
    return Plight(need=Need.UNKNOWN, wrong="What is known of it is still being read.", doubtful=True)


def _failed(situation: Situation) -> Plight | None:
    if state_of(situation.board) != State.FAILED_ACTION:
        return None
    standing = situation.board.standing
    entry = next((e for e in reversed(situation.board.decisions) if e.state_before != State.FAILED_ACTION), None)
    incident = standing.open_incident()
    return Plight(
        need=Need.NOW,
        wrong=f"An action failed or did not help, and automation has stopped{because(entry.reason if entry else '')}",
        since_ms=entry.timestamp if entry else None,
        did=tuple(done(situation, incident)) if incident else (),
        todo=(
            "See where the router stands, and switch it by hand if it stands wrong.",
            "Then release the model: nothing is done by itself until you do.",
        ),
        runbook="action_failed",
    )


def _silent(situation: Situation) -> Plight | None:
    board, spec = situation.board, situation.spec
    if board.told_at is None or spec is None:
        return None
    old = situation.reading.is_old(situation.now_ms)
    if old or situation.now_ms <= board.told_at + SENSING_WINDOWS * spec.windows.length_ms:
        return None
    incident = board.standing.open_incident()
    behind = "" if incident is None else f" An incident is open: {wrong(situation, incident)}"
    return Plight(
        need=Need.NOW,
        wrong=f"Nobody knows how it is: no window was reported for {span(situation.now_ms - board.told_at)}.{behind}",
        since_ms=board.told_at,
        did=(
            *(() if incident is None else done(situation, incident)),
            "Nothing is resolved, promoted or rolled back on missing data.",
        ),
        todo=(
            "Does the model still serve, and do its senders send?",
            "Are the workers ready (/readyz), and do they keep up (kedge_lag_records)?",
        ),
        runbook="sensing_degraded",
        doubtful=True,
    )


def _blind(situation: Situation) -> Plight | None:
    if state_of(situation.board) != State.DEGRADED_SENSING:
        return None
    entry = next((e for e in reversed(situation.board.decisions) if "lose_sight" in e.decision.split("+")), None)
    return Plight(
        need=Need.NOW,
        wrong=f"Windows come too late or too incomplete to judge this model{because(entry.reason if entry else '')}",
        since_ms=entry.timestamp if entry else None,
        did=("Nothing is resolved, promoted or rolled back on what was not seen.",),
        todo=(
            "Do senders drop rows, or is a partition far behind? The newest windows below say how complete they are.",
        ),
        runbook="sensing_degraded",
    )


def _unanswered(situation: Situation) -> Plight | None:
    command = open_command(situation.board, situation.now_ms)
    if command is None or situation.now_ms < command.issued_at + ESCALATE_MS:
        return None
    if situation.board.standing.acks.get(command.command_id):
        return None
    return Plight(
        need=Need.NOW,
        wrong=f"{command.action.value} was sent, and no router has answered.",
        since_ms=command.issued_at,
        did=(f"It is sent again and again until {situation.at(command.expires_at)}.",),
        todo=(
            "Does the actuator run, and does its log say why it is silent?",
            "If harm goes on, switch the router by hand now.",
        ),
        runbook="command_unacked",
    )


def _incident(situation: Situation) -> Plight | None:
    incident = situation.board.standing.open_incident()
    if incident is None:
        return None
    contained = state_of(situation.board) == State.CONTAINED
    paged = any(alert.severity is Severity.PAGE for alert in incident.alerts)
    subject = incident.latest.subject or "drift"
    did = (*held(situation), *done(situation, incident))
    if contained:
        return Plight(
            need=Need.WATCH,
            wrong=f"Traffic was led away, and the safe path is healthy. {wrong(situation, incident)}",
            since_ms=incident.opened_at,
            did=did,
            todo=("Nothing tonight. Find what is wrong with the version before it comes back.",),
            runbook="contained",
        )
    return Plight(
        need=Need.NOW if paged else Need.WATCH,
        wrong=wrong(situation, incident),
        since_ms=incident.opened_at,
        did=did,
        todo=tuple(todo(situation, incident)),
        runbook=subject,
    )


def _untold(situation: Situation) -> Plight | None:
    """An incident that the journal knows, and no alert that is known here."""
    if not situation.board.standing.is_untold():
        return None
    return Plight(
        need=Need.NOW,
        wrong="The guard has an incident open, and what was told of it cannot be seen here.",
        todo=(
            f"kedge incidents {situation.board.model} may know it, if it is older than what was read here.",
            "May this worker's Kafka user read the alerts (kedge topics rights)?",
        ),
        runbook="drift",
    )


def _held(situation: Situation) -> Plight | None:
    holders = tuple(held(situation))
    if not holders:
        return None
    silenced = OverrideAction.SUPPRESS in situation.board.standing.held(situation.now_ms)
    return Plight(
        need=Need.WATCH,
        wrong="A person holds it, and nobody is paged meanwhile." if silenced else "A person holds it.",
        did=holders,
        todo=("Talk to whoever holds it before you do anything.",),
        runbook="hold",
    )


def _unmonitored(situation: Situation) -> Plight | None:
    if situation.spec is not None:
        return None
    return Plight(
        need=Need.UNKNOWN,
        wrong="No monitor of it is in force here: nothing more is judged.",
        todo=("Publish its monitor: kedge monitor publish FILE.",),
    )


def _unseen(situation: Situation) -> Plight | None:
    if situation.board.streams:
        return None
    return Plight(
        need=Need.UNKNOWN,
        wrong="No window of it has been reported yet.",
        todo=(
            "Fit and publish its baseline: kedge baseline fit, then kedge baseline publish.",
            "Let its serving nodes publish predictions under this model's name.",
        ),
    )


def _unjudged(situation: Situation) -> Plight | None:
    unjudged = [
        track
        for track in watched_streams(situation.board)
        if track.last.verdict in (Verdict.INVALID, Verdict.INSUFFICIENT)
    ]
    if not unjudged:
        return None
    track = unjudged[0]
    words = "too little to judge by" if track.last.verdict is Verdict.INSUFFICIENT else "not valid"
    return Plight(
        need=Need.UNKNOWN,
        wrong=f"The newest window of version {track.version or 'unknown'} is {words}.",
        since_ms=track.last.window_end,
        todo=("The findings below say what is missing.",),
        runbook="sensing_degraded",
    )


def _moving(situation: Situation) -> Plight | None:
    state = state_of(situation.board)
    moved = [t for t in watched_streams(situation.board) if t.last.verdict in (Verdict.DRIFTED, Verdict.WARNING)]
    if state == State.SUSPECT or moved:
        names = ", ".join(track.version or "the model" for track in moved) or "a version"
        return Plight(
            need=Need.WATCH,
            wrong=f"The newest windows of {names} moved; it has not lasted long enough to page anybody.",
            since_ms=moved[0].last.window_end if moved else None,
            todo=("Nothing yet: the next windows decide.",),
        )
    if state == State.COOLDOWN:
        return Plight(
            need=Need.WATCH,
            wrong="An incident with a rollback is over; some windows are waited for.",
            todo=(
                "Nothing tonight. Find what was wrong with the version before it comes back.",
                *resume_words(situation),
            ),
            runbook="contained",
        )
    return None


def _warming(situation: Situation) -> Plight | None:
    if state_of(situation.board) not in ("", State.WARMUP):
        return None
    return Plight(
        need=Need.UNKNOWN,
        wrong="The guard has not judged a window of it yet.",
        todo=("Wait for the next window; if none is judged, look whether a worker runs.",),
    )


def _unsettled(situation: Situation) -> Plight | None:
    """What only a healthy guard may say is not said for any other."""
    if state_of(situation.board) == State.HEALTHY:
        return None
    return Plight(
        need=Need.UNKNOWN,
        wrong="The guard does not say that it is healthy.",
        todo=("Wait for the next window; what the guard did last stands below.",),
    )


def _well(situation: Situation) -> Plight:
    seen = watched_streams(situation.board)
    oldest = min(track.last.window_end for track in seen)
    words = f"Every signal that is watched is stable, up to the window that ended at {situation.at(oldest)}."
    return Plight(need=Need.WELL, wrong=words)


_RULES: Final[tuple[Callable[[Situation], Plight | None], ...]] = (
    _loading,
    _failed,
    _silent,
    _blind,
    _unanswered,
    _incident,
    _untold,
    _held,
    _unmonitored,
    _unseen,
    _unjudged,
    _moving,
    _warming,
    _unsettled,
    frozen,
    _well,
)
