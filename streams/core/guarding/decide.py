"""One input to one journal entry: the only place where a model's state changes.

The same state, input, readings and time give the same entry, alerts and commands, byte for byte: nothing else enters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.codec import Codec
from kedge.schemas.monitor import Mode, MonitorSpec
from kedge.schemas.records import Ack, Journal, Override, Report, VersionReport
from kedge.streams.core.assess import policy_of
from kedge.streams.core.guarding.acks import take_ack
from kedge.streams.core.guarding.deadlines import take_tick
from kedge.streams.core.guarding.ends import Ending, finish
from kedge.streams.core.guarding.evidence import GUARDRAIL_WINDOWS, weigh
from kedge.streams.core.guarding.history import DAY_MS, Seen, SignalKey, Span, StreamKey
from kedge.streams.core.guarding.incident import About
from kedge.streams.core.guarding.incidents import enter, freeze, resolve_if_over, speak
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.orders import SKEW_MS, End, send
from kedge.streams.core.guarding.outcomes import take_outcomes
from kedge.streams.core.guarding.people import lapse, take_override
from kedge.streams.core.guarding.promotion import gate
from kedge.streams.core.guarding.readings import Readings
from kedge.streams.core.guarding.retrain import ask_for_retraining
from kedge.streams.core.guarding.rollback import consider, watch_safe_path, watch_version
from kedge.streams.core.guarding.sensing import look, stand, still_blind
from kedge.streams.core.guarding.state_records import changes
from kedge.streams.core.guarding.states import Trigger
from kedge.streams.core.guarding.turn import Turn
from kedge.streams.core.panes import is_decision_window

__all__ = ["STAND", "TICK", "Basis", "Decided", "Given", "Setting", "decide"]

TICK: Final = "tick"
STAND: Final = "stand"

Value = Report | VersionReport | Override | Ack | None


@dataclass(frozen=True, slots=True)
class Given:
    """One input. `topic` is logical, or TICK or STAND, which have no `value`; `due`: a tick's deadlines."""

    topic: str
    partition: int
    offset: int
    digest: str
    value: Value
    due: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What every turn of a guard has in common."""

    environment: str
    codec: Codec


@dataclass(frozen=True, slots=True)
class Basis:
    """What one turn is decided by: the monitor (None: none is known), its hash, the readings and the time."""

    monitor: MonitorSpec | None
    monitor_hash: str
    readings: Readings
    now_ms: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of an input; `state`: the records of the model's state that it changed, by key (None: gone)."""

    entry: Journal
    turn: Turn
    state: Mapping[bytes, bytes | None]


def decide(setting: Setting, model: ModelState, given: Given, basis: Basis) -> Decided:
    """Enter an input into a model's state, and return what comes of it."""
    before = model.state.value
    turn = Turn(
        environment=setting.environment,
        model=model,
        monitor=basis.monitor or MonitorSpec(model=model.model, owner=""),
        monitor_hash=basis.monitor_hash,
        now_ms=basis.now_ms,
        digest=given.digest,
        readings=basis.readings,
    )
    if basis.monitor is None:
        turn.say("no monitor is known for this model")
    else:
        lapse(turn)
        _take(turn, given)
        freeze(turn)
        speak(turn)
        still_blind(turn)
        _forget(turn)
    incident = model.incident
    model.journal_sequence += 1
    state = changes(setting.codec, model)
    entry = Journal(
        environment=setting.environment,
        model=model.model,
        sequence=model.journal_sequence,
        timestamp=basis.now_ms,
        input_topic=given.topic,
        input_partition=given.partition,
        input_offset=given.offset,
        input_digest=given.digest,
        drill=turn.drill,
        readings=turn.readings.taken,
        decision="+".join(turn.steps) or "none",
        reason="; ".join(turn.reasons),
        state_before=before,
        state_after=model.state.value,
        vetoes=turn.vetoes,
        staged=tuple(turn.staged),
        commands=tuple(command.command_id for command in turn.commands),
        withheld=tuple(turn.withheld),
        alerts=tuple(alert.alert_id for alert in turn.alerts),
        incident=next((a.incident for a in turn.alerts if a.incident), None if incident is None else incident.incident),
        state_digest=model.digest.hex(),
    )
    return Decided(entry, turn, state)


def _take(turn: Turn, given: Given) -> None:
    match given.value:
        case Report() as report:
            _take_report(turn, report)
        case VersionReport() as report:
            _take_version_report(turn, report)
        case Override() as override:
            take_override(turn, override)
        case Ack() as ack:
            take_ack(turn, ack)
        case None if given.topic == TICK:
            take_tick(turn, given.due)
        case None:
            _stand(turn)


def _stand(turn: Turn) -> None:
    """The overrides are read up to where they ended after the decision: what is staged may leave now."""
    order = turn.model.order
    if order is None or not order.staged:
        turn.say("nothing is staged any more")
        return
    turn.drill = order.command.drill
    if turn.now_ms >= order.command.expires_at - SKEW_MS:
        finish(turn, Ending(End.EXPIRED, "it expired before it could leave"))
    else:
        send(turn, order)


def _off(turn: Turn, report: Report | VersionReport) -> str:
    """Why a report is not looked at; empty: it is."""
    actions = turn.monitor.actions
    modes = (actions.page_owner.mode, actions.freeze_rollout.mode, actions.route_to_safe_path.mode)
    if all(mode is Mode.OFF for mode in modes):
        return "every action is off"
    if not is_decision_window(report.window_start, report.window_end, turn.monitor.windows):
        return "not a decision window"
    turn.about, turn.baseline, turn.report = About.of(report), report.baseline, report
    return ""


def _take_report(turn: Turn, report: Report) -> None:
    off = _off(turn, report)
    if off:
        turn.say(off)
        return
    look(turn, report)
    stand(turn, report)
    monitor, history = turn.monitor, turn.model.history
    policy = policy_of(monitor.policy)
    span = Span(report.window_start, report.window_end, max(policy.windows, monitor.resolve_after))
    incident = turn.model.incident
    verdicts = _verdicts(turn, report)
    history.enter(
        Seen(span, f"{report.baseline}/{report.monitor}", verdicts),
        frozenset() if incident is None else incident.signals,
    )
    stream = StreamKey(report.version, report.role.value, report.segment)
    asked = {*verdicts, *(key for key, _ in history.of_stream(stream) if key.kind == "quality")}
    breaching = [key for key in sorted(asked) if history.persists(key, policy, span.length)]
    enter(turn, breaching, (), f"drifted in {policy.breaches} of {policy.windows} windows")
    if not breaching:
        turn.say(report.reason)
    watch_safe_path(turn, report)
    resolve_if_over(turn)
    ask_for_retraining(turn, report)
    _mood(turn, Verdict[report.verdict.name])


def _verdicts(turn: Turn, report: Report) -> dict[SignalKey, Verdict]:
    stream = StreamKey(report.version, report.role.value, report.segment)
    told = {SignalKey(*stream, f.kind.value, f.signal): Verdict[f.verdict.name] for f in report.findings}
    judged = Verdict[report.verdict.name].judged
    # A quality rule that is kept again has no finding any more: it is stable by that.
    for key, _ in turn.model.history.of_stream(stream):
        if key.kind == "quality" and key not in told:
            told[key] = Verdict.STABLE if judged else Verdict.INSUFFICIENT
    return told


def _take_version_report(turn: Turn, report: VersionReport) -> None:
    off = _off(turn, report)
    if off:
        turn.say(off)
        return
    take_outcomes(turn, report)
    proofs = weigh(turn, report)
    beside = f"in breach beside {report.control}" if report.control else "in breach"
    enter(turn, [proof.key for proof in proofs], proofs, beside)
    watch_version(turn, report, proofs)
    consider(turn, report, proofs)
    if not proofs:
        turn.say(report.reason)
    resolve_if_over(turn)
    gate(turn, report)
    _mood(turn, Verdict[report.verdict.name])


def _mood(turn: Turn, verdict: Verdict) -> None:
    """Whether the newest windows, of all that is watched, are calm."""
    if turn.model.history.is_breaching():
        turn.fire(Trigger.BREACH)
    elif verdict.judged:
        turn.fire(Trigger.CALM)


def _forget(turn: Turn) -> None:
    model, incident, report = turn.model, turn.model.incident, turn.report
    model.rollbacks = [at for at in model.rollbacks if at > turn.now_ms - DAY_MS]
    model.forget_attempts()
    if incident is not None and report is not None:
        keep = max(policy_of(turn.monitor.policy).windows, turn.monitor.resolve_after, GUARDRAIL_WINDOWS)
        incident.signals -= model.history.release(Span(report.window_start, report.window_end, keep))
        incident.forget_versions(model.history.newest_of)
