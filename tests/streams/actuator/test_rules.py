"""The rules themselves, on any state and any command."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.records import AckResult, Action, Command
from kedge.streams.actuator import rules
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.rules import (
    Act,
    Answer,
    Attempt,
    Duty,
    Entry,
    Ignore,
    Known,
    Recover,
    Remember,
    Result,
    Stage,
)
from tests.streams.actuator.made import command

T = 1_000_000
DUTY = Duty(environment="test", supported={"delay": frozenset((Action.ROUTE_TO_SAFE_PATH,))})
PLAIN = command()

ENTRIES = st.one_of(
    st.none(),
    st.builds(
        Entry,
        model=st.just("delay"),
        stage=st.sampled_from(Stage),
        generation=st.sampled_from(["", "g1", "g2"]),
        result=st.builds(Result, result=st.sampled_from(AckResult)),
    ),
)
KNOWN = st.builds(
    Known,
    highest=st.integers(-1, 9),
    entry=ENTRIES,
    cancelled_entry=ENTRIES,
    cancelled=st.booleans(),
    before=st.booleans(),
)
COMMANDS = st.builds(
    replace,
    st.just(PLAIN),
    environment=st.sampled_from(["test", "prod"]),
    model=st.sampled_from(["delay", "price"]),
    action=st.sampled_from(Action),
    sequence=st.integers(0, 9),
    expires_at=st.integers(T - 60_000, T + 60_000),
    issued_at=st.integers(T - 2, T + 2),
    drill=st.booleans(),
)
OBSERVED = st.builds(
    Observed,
    version=st.sampled_from(["", "v1", "v2", "v3"]),
    generation=st.sampled_from(["", "g1", "g2"]),
    since=st.one_of(st.none(), st.integers(T - 2, T + 2)),
    frozen=st.sampled_from([None, True, False]),
)


@given(COMMANDS, KNOWN, st.booleans())
def test_only_what_is_new_signed_in_time_and_in_order_is_attempted(asked: Command, known: Known, trusted: bool) -> None:  # noqa: FBT001 - drawn
    decision = rules.decide(asked, known, DUTY, trusted=trusted, now_ms=T)
    fit = (
        trusted
        and (asked.environment, asked.model, asked.action) == ("test", "delay", Action.ROUTE_TO_SAFE_PATH)
        and known.entry is None
        and not known.before
        and not known.cancelled
        and asked.expires_at > T + 30_000
        and asked.sequence >= known.highest
    )
    assert isinstance(decision, Attempt) == fit


@given(COMMANDS, KNOWN)
def test_what_nobody_signed_is_ignored_whatever_else_it_is(asked: Command, known: Known) -> None:
    assert isinstance(rules.decide(asked, known, DUTY, trusted=False, now_ms=T), Ignore)


@given(COMMANDS, KNOWN)
def test_a_result_is_never_decided_twice(asked: Command, known: Known) -> None:
    asked = replace(asked, environment="test", model="delay", action=Action.ROUTE_TO_SAFE_PATH)
    decision = rules.decide(asked, known, DUTY, trusted=True, now_ms=T)
    if not known.before and known.entry is not None:
        expected = {Stage.DONE: Answer, Stage.INTENT: Recover, Stage.PASSED: rules.Examine}[known.entry.stage]
        assert isinstance(decision, expected)
    assert isinstance(decision, Remember) == (known.before and known.entry is None)


@settings(max_examples=1_000)
@given(COMMANDS, KNOWN, OBSERVED)
def test_a_command_that_was_begun_is_done_again_only_in_the_same_generation(
    asked: Command, known: Known, observed: Observed
) -> None:
    plan = rules.recover(asked, known, observed, T)
    if isinstance(plan, Act):
        began = "" if known.entry is None else known.entry.generation
        in_it = plan.expected == observed.generation == began != ""
        assert in_it or asked.action is Action.FREEZE_ROLLOUT  # which may be asked for twice
        assert not known.cancelled
        assert asked.expires_at > T + 30_000


@given(COMMANDS, OBSERVED)
def test_a_router_that_stands_elsewhere_or_moved_since_is_left_alone(asked: Command, observed: Observed) -> None:
    asked = replace(asked, action=Action.ROUTE_TO_SAFE_PATH)
    if isinstance(rules.approach(asked, observed, T), Act):
        assert observed.version in ("", "v2")
        assert observed.since is None or observed.since <= asked.issued_at


@given(COMMANDS, OBSERVED)
def test_what_is_older_than_the_store_is_never_acted_on(asked: Command, observed: Observed) -> None:
    reached = {
        Action.FREEZE_ROLLOUT: observed.frozen is True,
        Action.RESUME_ROLLOUT: observed.frozen is False,
    }.get(asked.action, observed.version == "v1")
    assert (rules.examine(asked, observed).result is AckResult.ACKED) == reached


def test_a_cancel_says_whether_it_came_in_time() -> None:
    asked = command(action=Action.CANCEL, target_version="", cancels="x", sequence=8)
    outcomes = {
        name: rules.decide(asked, Known(cancelled_entry=entry), DUTY, trusted=True, now_ms=10**15)
        for name, entry in {
            "undone": Entry(model="delay", stage=Stage.DONE, result=Result(result=AckResult.NACKED)),
            "done": Entry(model="delay", stage=Stage.DONE, result=Result(result=AckResult.ACKED)),
            "perhaps": Entry(model="delay", stage=Stage.PASSED),
            "another model's": Entry(model="price", stage=Stage.DONE, result=Result(result=AckResult.NACKED)),
            "unknown": None,
        }.items()
    }
    conflict = Result(result=AckResult.NACKED, reason="conflict")
    assert outcomes == {
        "undone": Result(result=AckResult.ACKED),
        "done": conflict,
        "perhaps": conflict,
        "another model's": rules.Pass(),
        "unknown": rules.Pass(),
    }
