"""The protections of the guard, each removed by itself; the state machine must turn red without any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import pytest

from kedge.detectors.verdict import Verdict
from kedge.schemas.records import Command, GuardOrder, VersionReport
from kedge.streams.core.guard import Guard
from kedge.streams.core.guarding import deadlines, decide, evidence, incidents, orders, sensing, wishes
from kedge.streams.core.guarding.history import Span, Track
from kedge.streams.core.guarding.readings import LiveReadings
from kedge.streams.core.guarding.turn import Turn


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is taken away, and the words of the invariant that notices."""

    apply: Callable[[pytest.MonkeyPatch], None]
    seen: str


def _forget_the_incident(patch: pytest.MonkeyPatch) -> None:
    enter = incidents.enter

    def forgetful(turn: Turn, keys: object, proofs: object, words: str) -> None:
        if turn.model.incident is not None and keys and not turn.model.routed:
            turn.model.incident = None
            turn.model.state = type(turn.model.state).HEALTHY
        enter(turn, keys, proofs, words)  # type: ignore[arg-type] # handed through

    patch.setattr(decide, "enter", forgetful)


def _resend_anew(patch: pytest.MonkeyPatch) -> None:
    resend = orders.resend

    def anew(turn: Turn) -> None:
        order = turn.model.order
        if order is not None:
            turn.model.order = replace(order, command=replace(order.command, issued_at=turn.now_ms))
        resend(turn)

    patch.setattr(deadlines, "resend", anew)


def _drop_what_is_open(patch: pytest.MonkeyPatch) -> None:
    def dropped(turn: Turn, _ending: object) -> None:
        turn.model.order = None

    patch.setattr(wishes, "finish", dropped)


def _remember_twice(patch: pytest.MonkeyPatch) -> None:
    remember = orders._remember  # noqa: SLF001 - the protection itself

    def twice(turn: Turn, command: Command, end: str) -> None:
        remember(turn, command, end)
        remember(turn, command, end)

    patch.setattr(orders, "_remember", twice)


def _look_away_while_held(patch: pytest.MonkeyPatch) -> None:
    weigh = evidence.weigh

    def blind(turn: Turn, report: VersionReport) -> object:
        return () if turn.held() else weigh(turn, report)

    patch.setattr(decide, "weigh", blind)


def _take_nothing_for_calm(patch: pytest.MonkeyPatch) -> None:
    enter = Track.enter

    def credulous(self: Track, span: Span, under: str, verdict: Verdict) -> None:
        enter(self, span, under, verdict if verdict.judged else Verdict.STABLE)

    patch.setattr(Track, "enter", credulous)


def _count_across_baselines(patch: pytest.MonkeyPatch) -> None:
    enter = Track.enter

    def careless(self: Track, span: Span, under: str, verdict: Verdict) -> None:
        del under
        enter(self, span, self.under, verdict)

    patch.setattr(Track, "enter", careless)


def _note_no_reading(patch: pytest.MonkeyPatch) -> None:
    def silent(self: LiveReadings, name: str, source: str, value: str) -> None:
        del self, name, source, value

    patch.setattr(LiveReadings, "_note", silent)


def _cool_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    take = deadlines.take_tick

    def impatient(turn: Turn, due: tuple[str, ...]) -> None:
        if turn.model.cooldown > 1:
            turn.model.cooldown -= 1
        take(turn, due)

    patch.setattr(decide, "take_tick", impatient)


def _go_on_after_a_failure(patch: pytest.MonkeyPatch) -> None:
    take, freeze = decide._take, incidents.freeze  # noqa: SLF001 - the protection is everywhere in it

    def undaunted(turn: Turn, given: decide.Given) -> None:
        model = turn.model
        failed = model.failed
        setattr(model, "failed", None)  # noqa: B010 - mypy would take it for None ever after
        take(turn, given)
        if "override_release" not in turn.steps and model.failed is None:
            model.failed = failed

    def freezing(turn: Turn) -> None:
        failed, turn.model.failed = turn.model.failed, None
        freeze(turn)
        turn.model.failed = failed

    patch.setattr(decide, "_take", undaunted)
    patch.setattr(decide, "freeze", freezing)


def _let_go_at_once(patch: pytest.MonkeyPatch) -> None:
    stand = Guard.stand

    def hasty(self: Guard, _ends: Mapping[str, int], now_ms: int) -> None:
        stand(self, {}, now_ms)

    patch.setattr(Guard, "stand", hasty)


def _keep_the_state_back(patch: pytest.MonkeyPatch) -> None:
    snapshot = Guard.snapshot

    def apart(self: Guard, now_ms: int) -> object:
        checkpoint = snapshot(self, now_ms)
        if checkpoint is None:
            return None
        if not any(write.topic == "alerts" for write in checkpoint.writes):
            return checkpoint
        return replace(checkpoint, writes=tuple(w for w in checkpoint.writes if not w.key.startswith(b"model")))

    patch.setattr(Guard, "snapshot", apart)


def _sign_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    send = orders.send

    def late(turn: Turn, order: GuardOrder) -> None:
        send(turn, order)
        turn.model.command_sequence = 0

    patch.setattr(decide, "send", late)


def _stay_blind(patch: pytest.MonkeyPatch) -> None:
    def never(turn: Turn) -> None:
        turn.model.blind = None

    patch.setattr(sensing, "_regain", never)


MUTATIONS: Final[Mapping[str, Mutation]] = MappingProxyType(
    {
        "one incident": Mutation(_forget_the_incident, "two incidents are open"),
        "the same bytes again": Mutation(_resend_anew, "in other bytes"),
        "one open command": Mutation(_drop_what_is_open, "more than one command is open"),
        "one end": Mutation(_remember_twice, "ended twice"),
        "looking in every state": Mutation(_look_away_while_held, "harm is not looked at"),
        "nothing is not calm": Mutation(_take_nothing_for_calm, "a window without data moved a counter"),
        "counters by baseline": Mutation(_count_across_baselines, "windows of another baseline"),
        "readings in the journal": Mutation(_note_no_reading, "does not decide itself again"),
        "cooldown in windows": Mutation(_cool_by_the_clock, "time alone counted"),
        "people after a failure": Mutation(_go_on_after_a_failure, "followed a failed one"),
        "overrides first": Mutation(_let_go_at_once, "before the overrides were read"),
        "state in the same checkpoint": Mutation(_keep_the_state_back, "the state is not the journal's"),
        "a growing sequence": Mutation(_sign_by_the_clock, "the sequence does not grow"),
        "states from the table alone": Mutation(_stay_blind, "does not follow from what is open"),
    }
)
"""What is taken away, by name, and how it is noticed."""
