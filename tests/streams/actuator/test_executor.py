"""A command takes effect at most once, and only if everything about it is in order."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kedge.schemas.records import AckResult, Action, Command
from kedge.streams.actuator.callback import CallbackRouter
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import HungError, RouterError
from kedge.streams.actuator.store import Store
from kedge.streams.trust import DevelopmentVerifier, KeyRing, SigningKey
from tests.streams.actuator.made import CODEC, KEY, NOW, CountingRouter, FreezingRouter, Given, cancel, command, told

SKEW = 30_000


@pytest.fixture
def router() -> CountingRouter:
    return CountingRouter()


@pytest.fixture
def given(tmp_path: Path, router: CountingRouter) -> Given:
    return Given(store=tmp_path / "store", router=router)


def test_a_command_is_obeyed_and_acked_with_where_the_router_stands(given: Given, router: CountingRouter) -> None:
    asked = command()
    [ack] = given.obey(asked)
    assert ack is not None
    assert router.effects == ["v1"]
    assert (ack.command_id, ack.result, ack.reason) == (asked.command_id, AckResult.ACKED, "")
    assert (ack.observed_version, ack.actuator_id, ack.sequence, ack.timestamp) == ("v1", "a-1", 7, NOW)
    assert (ack.environment, ack.model, ack.drill) == ("test", "delay", False)


def test_one_that_is_sent_again_is_answered_alike_and_not_obeyed_again(given: Given, router: CountingRouter) -> None:
    first = given.obey(command())
    router.by_hand("v2")
    given.now_ms += 3_600_000  # long past its expiry, and overtaken:
    given.obey(command(sequence=9, attempt=1, expires_at=given.now_ms))
    assert given.obey(command(), command()) == [*first, *first]
    assert router.effects == ["v1"]


def test_one_that_was_refused_stays_refused(given: Given, router: CountingRouter) -> None:
    given.now_ms = command().expires_at
    assert told(given.obey(command())) == ["expired"]
    given.now_ms = NOW
    assert told(given.obey(command())) == ["expired"]
    assert router.effects == []


@pytest.mark.parametrize(
    ("left_ms", "outcome"), [(SKEW + 1, "acked"), (SKEW, "expired"), (0, "expired"), (-1, "expired")]
)
def test_it_is_refused_from_thirty_seconds_before_its_expiry(given: Given, left_ms: int, outcome: str) -> None:
    assert told(given.obey(command(expires_at=NOW + left_ms))) == [outcome]


def test_a_lower_sequence_than_the_highest_is_refused(given: Given, router: CountingRouter) -> None:
    late = command(attempt=1, sequence=6)
    assert told(given.obey(command(), late)) == ["acked", "stale_sequence"]
    assert router.effects == ["v1"]


def test_sequences_of_models_are_their_own(given: Given) -> None:
    given.models = ("delay", "price")
    assert told(given.obey(command(), command(model="price", sequence=1, target_version="v0"))) == ["acked", "conflict"]


def _forged(**changes: object) -> Command:
    return replace(command(), **changes)  # type: ignore[arg-type] # changed after it was signed


@pytest.mark.parametrize(
    "bad",
    [
        _forged(target_version="v0"),
        _forged(drill=True),
        _forged(expires_at=NOW + 10**9),
        _forged(signature=command().signature[:-1]),
        _forged(signature=b""),
        _forged(key_id="", signature=b""),
        command(SigningKey.generate()),
        replace(command(SigningKey.generate()), key_id=KEY.key_id),
    ],
)
def test_what_no_trusted_key_signed_leaves_no_trace(given: Given, router: CountingRouter, bad: Command) -> None:
    assert told(given.obey(replace(bad, sequence=bad.sequence), bad)) == [None, None]
    assert router.effects == []
    assert told(given.obey(command())) == ["acked"]  # neither its id nor its sequence is taken


def test_a_forged_sequence_bars_no_later_command(given: Given) -> None:
    assert told(given.obey(_forged(sequence=10**9), command())) == [None, "acked"]


def test_two_keys_count_at_once_and_a_retired_one_no_more(given: Given) -> None:
    new = SigningKey.generate()
    given.verifier = KeyRing([KEY.public_pem(), new.public_pem()])
    assert told(given.obey(command(), command(new, sequence=8, attempt=1))) == ["acked", "acked"]
    given.verifier = KeyRing([new.public_pem()])
    assert told(given.obey(command(sequence=9, attempt=2), command(new, sequence=10, attempt=3))) == [None, "acked"]


def test_development_takes_what_is_unsigned(given: Given) -> None:
    given.verifier = DevelopmentVerifier()
    assert told(given.obey(_forged(key_id="", signature=b""))) == ["acked"]


def test_a_truncated_record_is_left_out(given: Given) -> None:
    whole = CODEC.encode(command())
    with given.open() as executor:
        assert [executor.read(whole[:size]) for size in range(len(whole))] == [None] * len(whole)


@pytest.mark.parametrize("other", [command(environment="prod"), command(model="price")])
def test_what_is_for_others_is_left_to_them(given: Given, router: CountingRouter, other: Command) -> None:
    assert told(given.obey(other)) == [None]
    assert router.effects == []


def test_a_redeploy_by_hand_meanwhile_is_a_conflict(given: Given, router: CountingRouter) -> None:
    router.by_hand("v3")
    [ack] = given.obey(command())
    assert ack is not None
    assert (ack.result, ack.reason, ack.observed_version) == (AckResult.NACKED, "conflict", "v3")
    assert router.effects == []


def test_a_redeploy_between_the_look_and_the_switch_is_a_conflict(given: Given) -> None:
    class Raced(CountingRouter):
        def switch(self, command: Command, expected: str) -> Observed:
            self.by_hand("v1", "v2")  # back where it was, by its name
            return super().switch(command, expected)

    given.router = raced = Raced()
    assert told(given.obey(command())) == ["conflict"]
    assert raced.effects == []


def test_a_router_that_was_switched_after_the_decision_is_left_alone(given: Given) -> None:
    class Dated(CountingRouter):
        since = command().issued_at + 1

        def observe(self) -> Observed:
            return replace(super().observe(), since=self.since)

    given.router = dated = Dated()
    assert told(given.obey(command())) == ["conflict"]
    dated.since = command().issued_at
    assert told(given.obey(command(attempt=1))) == ["acked"]
    assert dated.effects == ["v1"]


def test_a_router_that_stands_there_already_is_not_switched(given: Given, router: CountingRouter) -> None:
    router.by_hand("v1")
    assert told(given.obey(command())) == ["acked"]
    assert router.effects == []


def test_a_cancel_that_lies_behind_its_command_comes_before_the_act(given: Given, router: CountingRouter) -> None:
    asked = command()
    assert told(given.obey(asked, cancel(asked))) == ["cancelled", "acked"]
    assert told(given.obey(asked, cancel(asked))) == ["cancelled", "acked"]
    assert router.effects == []


def test_a_cancel_counts_after_a_crash_before_the_act(given: Given, router: CountingRouter) -> None:
    asked = command()
    with Store(given.store, "test") as store:
        store.intend(asked, "1")  # and the process died
    assert told(given.obey(asked, cancel(asked))) == ["cancelled", "acked"]
    assert router.effects == []


def test_a_cancel_after_the_act_is_refused(given: Given, router: CountingRouter) -> None:
    asked = command()
    assert told(given.obey(asked)) == ["acked"]
    assert told(given.obey(cancel(asked))) == ["conflict"]
    assert router.effects == ["v1"]


def test_a_forged_cancel_cancels_nothing(given: Given, router: CountingRouter) -> None:
    asked = command()
    assert told(given.obey(asked, replace(cancel(asked), signature=bytes(64)))) == ["acked", None]
    assert router.effects == ["v1"]


def test_a_cancel_of_another_models_command_cancels_nothing(given: Given, router: CountingRouter) -> None:
    asked = command()
    others = command(action=Action.CANCEL, target_version="", cancels=asked.command_id, model="other", sequence=9)
    assert told(given.obey(asked, others)) == ["acked", None]
    assert router.effects == ["v1"]


def test_a_cancel_of_what_was_others_business_is_theirs_too(given: Given) -> None:
    frozen = command(action=Action.FREEZE_ROLLOUT, target_version="")
    assert told(given.obey(frozen, cancel(frozen))) == [None, None]


def test_nothing_that_was_appended_before_the_first_start_is_obeyed(given: Given, router: CountingRouter) -> None:
    assert told(given.obey(command(), before=True)) == [None]
    assert told(given.obey(command(attempt=1, sequence=6))) == ["stale_sequence"]  # its sequence is remembered
    assert told(given.obey(command())) == ["conflict"]  # sent again: nobody knows whether it was obeyed
    assert router.effects == []


def test_with_its_store_lost_it_obeys_nothing_twice(given: Given, router: CountingRouter) -> None:
    asked = command()
    assert told(given.obey(asked)) == ["acked"]
    given.store = given.store.with_name("new")
    assert told(given.obey(asked, before=True)) == [None]
    assert told(given.obey(asked)) == ["acked"]  # the router stands there
    given.store = given.store.with_name("newer")
    router.by_hand("v2")
    assert told([*given.obey(asked, before=True), *given.obey(asked)]) == [None, "conflict"]
    assert router.effects == ["v1"]


def test_a_router_that_raises_is_asked_where_it_stands(given: Given) -> None:
    class Failing(CountingRouter):
        when = "before"

        def switch(self, command: Command, expected: str) -> Observed:
            if self.when == "before":
                raise RouterError("no")
            super().switch(command, expected)
            raise SystemExit(self.when)

    given.router = failing = Failing()
    assert told(given.obey(command())) == ["failed"]
    assert told(given.obey(command())) == ["failed"]  # and is never asked again for the same command
    failing.when = "after"
    assert told(given.obey(command(attempt=1))) == ["acked"]  # it was done, whatever it said
    assert failing.effects == ["v1"]


def test_one_that_says_nothing_and_stands_elsewhere_has_failed(given: Given) -> None:
    class Idle(CountingRouter):
        def switch(self, command: Command, expected: str) -> Observed:
            return self.observe()

    given.router = Idle()
    assert told(given.obey(command())) == ["failed"]


def test_one_that_cannot_be_observed_is_not_switched(given: Given) -> None:
    class Blind(CountingRouter):
        def observe(self) -> Observed:
            raise RouterError("no")

    given.router = blind = Blind()
    assert told(given.obey(command())) == ["failed"]
    assert blind.effects == []
    with given.open() as executor:
        beat = executor.heartbeat("delay")
    assert (beat.result, beat.reason, beat.observed_version) == (AckResult.NACKED, "failed", "")


def test_one_that_hangs_ends_the_run_and_what_it_did_is_found_out_at_the_next_start(given: Given) -> None:
    class Hanging(CountingRouter):
        hangs = True

        def __init__(self) -> None:
            super().__init__()
            self.free, self.done = threading.Event(), threading.Event()

        def switch(self, command: Command, expected: str) -> Observed:
            if self.hangs:
                self.free.wait()
            try:
                return super().switch(command, expected)
            finally:
                self.done.set()

    given.router, given.timeout_s = (hanging := Hanging()), 0.05
    with pytest.raises(HungError):
        given.obey(command())
    hanging.hangs, given.timeout_s = False, 20.0
    assert told(given.obey(command())) == ["acked"]
    hanging.done.clear()
    hanging.free.set()  # the abandoned call goes on, and finds another generation
    assert hanging.done.wait(20)
    assert hanging.effects == ["v1"]


def test_without_a_generation_a_command_is_tried_at_most_once(given: Given) -> None:
    calls: list[str] = []

    def route(asked: Command) -> None:
        calls.append(asked.target_version)
        raise KeyboardInterrupt

    given.router = CallbackRouter(route)
    asked = command()
    assert told(given.obey(asked)) == ["failed"]
    with Store(given.store, "test") as store:
        store.intend(asked, "")  # as if the process had died in the call
    assert told(given.obey(asked)) == ["conflict"]
    assert calls == ["v1"]


def test_a_plain_function_may_be_all_there_is(given: Given) -> None:
    calls: list[Command] = []
    given.router = CallbackRouter(calls.append)
    asked = command()
    assert told(given.obey(asked, command(attempt=1, drill=True))) == ["acked", "acked"]
    assert calls == [asked]


def test_a_drill_goes_all_the_way_and_changes_nothing(given: Given, router: CountingRouter) -> None:
    drill = command(drill=True)
    [ack] = given.obey(drill)
    assert ack is not None
    assert (ack.result, ack.drill, ack.observed_version) == (AckResult.ACKED, True, "v2")
    assert router.effects == []
    router.by_hand("v3")
    assert told(given.obey(command(drill=True, attempt=1))) == ["conflict"]


def test_freezing_is_for_routers_that_can(given: Given) -> None:
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    resume = command(action=Action.RESUME_ROLLOUT, target_version="", sequence=8)
    assert told(given.obey(freeze)) == [None]
    given.router, given.store = (freezing := FreezingRouter()), given.store.with_name("other")
    assert told(given.obey(freeze, resume, freeze)) == ["acked", "acked", "acked"]
    assert freezing.effects == ["freeze", "resume"]
    assert told(given.obey(replace_drill(freeze))) == ["acked"]
    assert freezing.effects == ["freeze", "resume", "freeze drill"]
    assert not freezing.frozen


def replace_drill(asked: Command) -> Command:
    return command(action=asked.action, target_version="", sequence=9, attempt=1, drill=True)


def test_a_freeze_that_was_done_is_acked_though_the_router_then_goes_blind(given: Given) -> None:
    class Blinded(FreezingRouter):
        def observe(self) -> Observed:
            if self.effects:
                raise RouterError("no")
            return super().observe()

    given.router = blinded = Blinded()
    assert told(given.obey(command(action=Action.FREEZE_ROLLOUT, target_version=""))) == ["acked"]
    assert blinded.effects == ["freeze"]


def test_who_must_freeze_and_cannot_says_so(given: Given) -> None:
    given.asked = frozenset((Action.FREEZE_ROLLOUT,))
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    assert told(given.obey(freeze, command(sequence=8))) == ["unsupported", None]


@pytest.mark.parametrize("frozen", [True, False, None])
def test_a_freeze_that_was_begun_is_asked_for_again(given: Given, frozen: bool | None) -> None:  # noqa: FBT001 - a table
    given.router = freezing = FreezingRouter()
    freezing.frozen = frozen  # type: ignore[assignment] # None: it does not know
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    with Store(given.store, "test") as store:
        store.intend(freeze, "1" if frozen is not None else "")
    assert told(given.obey(freeze)) == ["acked"]
    assert freezing.effects == ["freeze"]


def test_a_heartbeat_says_where_the_router_stands_and_could_go(given: Given) -> None:
    with given.open() as executor:
        beat = executor.heartbeat("delay")
    assert (beat.command_id, beat.model, beat.observed_version, beat.standby) == ("", "delay", "v2", ("v0", "v1"))
