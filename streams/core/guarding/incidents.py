"""One open incident a model: opened by the first breach that lasts, joined by all others, resolved once all is calm."""

from collections.abc import Collection
from typing import Final

from kedge.schemas.monitor import Guarded, GuardrailSpec
from kedge.schemas.records import Action, AlertEvent, EndedOrder, Evidence, Report, Severity, VersionReport
from kedge.streams.core.alerts import evidence, summary
from kedge.streams.core.commands import incident_id
from kedge.streams.core.guarding.evidence import Proof, Rule
from kedge.streams.core.guarding.history import SignalKey, Span
from kedge.streams.core.guarding.incident import Incident
from kedge.streams.core.guarding.speech import Notice, incident_severity, tell
from kedge.streams.core.guarding.states import Trigger
from kedge.streams.core.guarding.turn import News, Turn
from kedge.streams.core.guarding.wishes import Fate, Wish, want

__all__ = ["COOLDOWN_WINDOWS", "enter", "freeze", "resolve", "resolve_if_over", "speak"]

COOLDOWN_WINDOWS: Final = 6
"""Decision windows after a contained incident in which no traffic is led away."""
NAMED: Final = 20
"""Signals named in a reason; the evidence has all of them."""


def enter(turn: Turn, keys: Collection[SignalKey], proofs: Collection[Proof], words: str) -> None:
    """Open the incident for what breaches now, or let it join the one that is open."""
    incident = turn.model.incident
    if incident is None:
        if keys:
            incident = _open(turn, keys, words)
    else:
        fresh = frozenset(keys) - incident.signals
        if fresh:
            _join(turn, incident, fresh)
    if incident is not None:
        for proof in proofs:
            incident.harms[proof.harm.version, proof.harm.measure] = proof.harm


def _open(turn: Turn, keys: Collection[SignalKey], words: str) -> Incident:
    model, about = turn.model, turn.about
    name = incident_id(turn.environment, model.model, [*min(keys), str(about.window_start)])
    incident = Incident(incident=name, opened_at=turn.now_ms, about=about, signals=set(keys))
    model.incident = incident
    turn.fire(Trigger.OPENED)
    reason = f"{words}: {_names(keys)}"
    turn.step("open_incident", reason)
    turn.news = News(AlertEvent.OPENED.value, reason, incident_severity(turn, keys))
    return incident


def _join(turn: Turn, incident: Incident, fresh: Collection[SignalKey]) -> None:
    """One alert a window: what joins in a window that was told of already is in the journal, and in the next alert.

    Unless it is graver: then people must know now.
    """
    incident.signals |= set(fresh)
    reason, severity = f"also in breach: {_names(fresh)}", incident_severity(turn, fresh)
    graver = severity is Severity.PAGE and incident.severity == Severity.TICKET.value
    if graver or turn.about.window_start > incident.told_window:
        turn.step("update_incident", reason)
        turn.news = News(AlertEvent.UPDATED.value, reason, severity)
    else:
        turn.step("join_incident", reason)


def freeze(turn: Turn) -> None:
    """Freeze the rollout for the open incident, once; nothing is in a rollback's way."""
    model, incident = turn.model, turn.model.incident
    if incident is None or incident.frozen or model.routed or not _freezes(turn, incident):
        return
    opened = turn.news is not None and turn.news.event == AlertEvent.OPENED.value
    held = turn.held() or model.failed is not None
    if held and not opened:
        return
    wish = Wish(action=Action.FREEZE_ROLLOUT, incident=incident.incident, from_version=incident.about.version)
    fate, command_id = want(turn, wish)
    if fate is Fate.OFF:
        return
    turn.step("freeze_rollout", f"FREEZE_ROLLOUT is {fate.value}")
    incident.frozen = not held
    if fate is Fate.STAGED and incident.route != "done":
        incident.command_id = command_id
    if turn.news is None and not incident.severity:
        # It opened while people had silenced it; now that something comes of it they hear of it.
        reason = f"open since a hold that is over: {_names(incident.signals)}"
        turn.news = News(AlertEvent.OPENED.value, reason, incident_severity(turn, incident.signals))


def _freezes(turn: Turn, incident: Incident) -> bool:
    """A guardrail may ask for a page and no more."""
    return any(_guarded(turn, key) is not Guarded.PAGE_OWNER for key in incident.signals)


def _guarded(turn: Turn, key: SignalKey) -> Guarded:
    rails = turn.monitor.guardrails
    by_name: dict[str, GuardrailSpec | None] = {
        "error_rate": rails.error_rate,
        "drift_rate": rails.drift_rate,
        "divergence_rate": rails.divergence_rate,
    }
    rail = by_name.get(key.signal) if key.kind == Rule.GUARDRAIL.value else None
    return Guarded.FREEZE_ROLLOUT if rail is None else rail.action_on_breach


def resolve_if_over(turn: Turn) -> None:
    """Resolve the incident if every signal of it is calm again, and no rollback of it is under way.

    After a rollback it is the safe path's windows that end the incident.
    """
    model, incident = turn.model, turn.model.incident
    if incident is None or model.routed or (incident.acked_at is not None and model.failed is None):
        return
    span = Span(turn.about.window_start, turn.about.window_end, 0)
    if not model.history.is_over(incident.signals, span, turn.monitor.resolve_after):
        return
    gone = model.history.gone(incident.signals, span)
    calm = f"stable for {turn.monitor.resolve_after} windows"
    resolve(turn, incident, calm + (f"; not judged for a day: {_names(gone)}" if gone else ""))


def resolve(turn: Turn, incident: Incident, calm: str) -> None:
    """End the incident, and say what is left of its freeze."""
    model = turn.model
    words, stands = _freeze_left(turn, incident)
    contained = incident.contained
    model.history.clear()
    model.cooldown = COOLDOWN_WINDOWS if contained else 0
    turn.fire(Trigger.RESOLVED)
    reason = f"{calm}; {words}"
    turn.step("resolve_incident", reason)
    turn.news = News(AlertEvent.RESOLVED.value, reason, _severity(incident), stands)
    _tell(turn, incident, turn.news)
    turn.news = None
    model.incident = None


def _freeze_left(turn: Turn, incident: Incident) -> tuple[str, int | None]:
    """Return what is to be said of the freeze, and until when it stands; None: none is known to stand.

    It stands until it expires, a person or the monitor's own action resumes. Where a rollback was asked for, only a
    person resumes: the version that did harm would come again.
    """
    model = turn.model
    expires, back = model.freeze_expires_at, model.freeze_called_back
    if expires is None or expires <= turn.now_ms:
        return "no freeze stands", None
    taken = "" if back is None else _taken_back(back)
    if model.keeps_frozen:
        model.frozen_by = model.keeps_frozen
        of = "" if model.frozen_by == incident.incident else f" of incident {model.frozen_by}"
        why = f"until a person resumes it, because of the rollback{of}"
        if taken:
            model.freeze_expires_at = turn.now_ms  # It is due again, as one that was withdrawn.
            return f"the rollout is to stay frozen {why}, but {taken}", None
        return f"the rollout stays frozen {why}", expires
    if taken:
        return taken, None
    fate, _ = want(turn, Wish(action=Action.RESUME_ROLLOUT, incident=incident.incident))
    return "the rollout is resumed" if fate is Fate.STAGED else "the freeze stands until it expires", expires


def _taken_back(freeze: EndedOrder) -> str:
    known = "before it took effect" if freeze.corrected else "unanswered: whether it took effect is not known"
    return f"the freeze was called back {known}"


def speak(turn: Turn) -> None:
    """Make the incident's alert of this turn, if there is anything to say; it knows every command of the turn."""
    incident, news = turn.model.incident, turn.news
    if incident is None or news is None:
        return
    _tell(turn, incident, news)
    turn.news = None


def _severity(incident: Incident) -> Severity | None:
    return Severity(incident.severity) if incident.severity else None


def _tell(turn: Turn, incident: Incident, news: News) -> None:
    if news.event == AlertEvent.RESOLVED.value and not incident.severity:
        turn.say("nobody was told of this incident, and nobody is of its end")
        return
    notice = Notice(
        subject=incident.subject,
        event=AlertEvent(news.event),
        summary=_summary(turn, news, incident),
        severity=news.severity,
        about=incident.about if turn.report is None else None,
        incident=incident.incident,
        signals=_signals(turn, incident),
        harms=tuple(incident.harms[key] for key in sorted(incident.harms)),
        vetoes=incident.vetoes,
        command_id=incident.command_id,
        freeze_stands_until=news.freeze_stands_until,
    )
    told = len(turn.alerts)
    tell(turn, notice)
    if len(turn.alerts) > told and incident.severity != Severity.PAGE.value:
        incident.severity = turn.alerts[-1].severity.value
    incident.told_window = max(incident.told_window, turn.about.window_start)


def _signals(turn: Turn, incident: Incident) -> tuple[Evidence, ...]:
    report = turn.report
    return evidence(report, incident.signals) if isinstance(report, Report) else ()


def _summary(turn: Turn, news: News, incident: Incident) -> str:
    event = AlertEvent(news.event)
    # Which version's window ended it says nothing of what is over: after a rollback it is the safe path's.
    report = None if event is AlertEvent.RESOLVED else turn.report
    if isinstance(report, Report):
        return summary(report, event, incident.signals, news.reason)
    stream = report if isinstance(report, VersionReport) else incident.about
    where = " ".join(part for part in (turn.model.model, stream.version, stream.segment) if part)
    return f"{where}: {event.value.lower()}, {news.reason}"


def _names(signals: Collection[SignalKey]) -> str:
    names = sorted({key.signal for key in signals})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
