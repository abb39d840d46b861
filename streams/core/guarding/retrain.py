"""Whether a retraining is asked for: four questions first, so that nobody trains on what is broken, late or over."""

from collections.abc import Iterator

from kedge.schemas.records import Action, Note, Report, Role, Severity
from kedge.streams.core.guarding.incident import Incident
from kedge.streams.core.guarding.speech import Notice, tell
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.guarding.wishes import Fate, Wish, want

__all__ = ["ask_for_retraining"]

_OF_THE_WORLD = ("feature", "score", "label", "confidence")


def ask_for_retraining(turn: Turn, report: Report) -> None:
    """Ask for a retraining once a drift of the primary has lasted, and nothing simpler would do."""
    model, incident = turn.model, turn.model.incident
    if incident is None or report.role is not Role.PRIMARY or report.segment:
        return
    began = _began(turn, incident)
    if began is None:
        return
    questions = tuple(_questions(turn, report, began))
    told = " ".join(f"{note.name}={note.result}" for note in questions)
    answer = {note.name: note.result for note in questions}
    asked = model.retrain_asked_at
    soon = asked is not None and turn.now_ms - asked < turn.monitor.retrain.every_ms
    if answer["blip"] != "pass" or soon or told == model.retrain_told:
        return
    model.retrain_told = told
    against = [name for name, result in answer.items() if result == "fail"]
    words = f"withheld because of {', '.join(against) or 'the pipeline, of which nothing is known'}"
    command_id = None
    if "fail" not in answer.values() and answer["pipeline"] == "pass":
        wish = Wish(action=Action.REQUEST_RETRAIN, incident=incident.incident, from_version=report.version)
        fate, command_id = want(turn, wish)
        if fate is Fate.OFF:
            return
        model.retrain_asked_at = turn.now_ms
        words = f"asked for ({fate.value})"
    turn.step("request_retrain" if command_id else "withhold_retrain", f"retraining is {words}")
    notice = Notice(
        subject="retrain",
        summary=f"{model.model}: retraining of {report.version} is {words}",
        severity=Severity.TICKET,
        incident=incident.incident,
        criteria=questions,
        command_id=command_id or None,
    )
    tell(turn, notice)


def _began(turn: Turn, incident: Incident) -> int | None:
    """Event time at which the primary's own drift began; None: nothing of it drifts."""
    tracks = (
        turn.model.history.track(key)
        for key in incident.signals
        if key.role == Role.PRIMARY.value and key.kind in _OF_THE_WORLD
    )
    return min((track.began for track in tracks if track is not None and track.began is not None), default=None)


def _questions(turn: Turn, report: Report, began: int) -> Iterator[Note]:
    model, retrain = turn.model, turn.monitor.retrain
    standing = model.standings.get((report.version, report.role.value))
    whole = None if standing is None or not standing.verdict else not (standing.pipeline or standing.broken)
    yield _note(
        "pipeline", whole, "values are missing, invalid or unseen" if whole is False else "nothing broken upstream"
    )
    mature = all(kpi.mature for kpi in model.kpis.values()) if model.kpis else None
    yield _note("labels", mature, f"outcomes known: {', '.join(sorted(model.kpis)) or 'none'}")
    lasted = report.window_end - began
    yield _note("blip", lasted >= retrain.after_ms, f"lasts for {lasted} ms of event time, {retrain.after_ms} needed")
    known = [kpi.miscalibrated for kpi in model.kpis.values() if kpi.miscalibrated is not None]
    only_level = any(known) if known else None
    yield _note(
        "threshold",
        None if only_level is None else not only_level,
        "the score still ranks, its level is off: move the threshold" if only_level else "no threshold is known to do",
    )


def _note(name: str, answer: bool | None, evidence: str) -> Note:  # noqa: FBT001 - the answer
    result = {True: "pass", False: "fail", None: "unknown"}[answer]
    return Note(name=name, result=result, evidence=evidence)
