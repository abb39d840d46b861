"""People against automation: a pin before the harm, a hold while the command is in flight, a forced rollback."""

from kedge.schemas.records import Action, Alert, Command, OverrideAction
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.router import Router
from tests.scenarios.traffic import canary, primary


def test_pinned_it_stays_where_it_is_until_it_is_released() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    assert world.override(OverrideAction.PIN, target_version="v2") == ["4 HUMAN_HOLD", "4 TICKET: NOTICE hold"]
    assert world.play(3, primary(), canary(errors=0.3)) == ["5 vetoed by human_hold", "5 PAGE: OPENED rollback"]
    assert world.all(Command) == []
    assert world.override(OverrideAction.RELEASE) == ["7 INCIDENT", "7 TICKET: NOTICE hold", "7 FREEZE_ROLLOUT"]
    assert world.play(4, primary(), canary(errors=0.3)) == [
        "7 AWAIT_ACK",
        "7 PAGE: UPDATED rollback",
        "7 ROUTE_TO_SAFE_PATH v1",
        "7 INCIDENT",
        "9 CONTAINED",
        "9 PAGE: NOTICE contained",
    ]
    assert world.recounted() == []


def test_suppressed_nobody_is_told_and_afterwards_everybody() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    assert world.override(OverrideAction.SUPPRESS, expires_at=world.now + 4 * world.length) == [
        "4 HUMAN_HOLD",
        "4 TICKET: NOTICE hold",
    ]
    assert world.play(5, primary(), canary(errors=0.3)) == [
        "5 vetoed by human_hold",
        "8 INCIDENT",
        "8 TICKET: NOTICE hold",
        "8 PAGE: OPENED rollback",
        "8 FREEZE_ROLLOUT",
        "8 AWAIT_ACK",
        "8 PAGE: UPDATED rollback",
        "8 ROUTE_TO_SAFE_PATH v1",
        "8 INCIDENT",
    ]
    assert world.recounted() == []


def test_a_hold_while_the_command_is_in_flight_calls_it_back() -> None:
    world = World(WINDOWS + ARMED, router=Router(after_ms=20_000))
    world.play(4, primary(), canary())
    world.play(1, primary(), canary(errors=0.3))
    assert world.part(primary(), canary(errors=0.3)) == [
        "5 AWAIT_ACK",
        "5 PAGE: OPENED rollback",
        "5 ROUTE_TO_SAFE_PATH v1",
    ]
    world.wait(5_000)
    assert world.override(OverrideAction.DISARM) == ["5 HUMAN_HOLD", "5 TICKET: NOTICE hold", "5 CANCEL v1"]
    assert world.wait(60_000) == []
    assert world.router.effects == []
    *sent, cancel = world.all(Command)
    assert {command.action for command in sent} == {Action.ROUTE_TO_SAFE_PATH}
    assert {command.command_id for command in sent} == {cancel.cancels}
    assert world.state is not None
    assert [(e.action, e.end, e.corrected) for e in world.state.ended] == [
        (Action.ROUTE_TO_SAFE_PATH, "superseded", "nacked"),
        (Action.CANCEL, "", ""),
    ]
    assert world.recounted() == []


def test_a_hold_that_comes_after_the_rollback_calls_back_what_is_still_open() -> None:
    world = World(WINDOWS + ARMED, router=Router(after_ms=20_000))
    world.play(4, primary(), canary())
    world.play(1, primary(), canary(errors=0.3))
    world.part(primary(), canary(errors=0.3))
    world.wait(20_000)
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1"]
    assert world.override(OverrideAction.DISARM) == ["5 HUMAN_HOLD", "5 TICKET: NOTICE hold", "5 CANCEL"]
    assert world.wait(60_000) == []
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1"]
    assert world.all(Command)[-1].cancels == world.all(Command)[-2].command_id
    assert world.all(Command)[-2].action is Action.FREEZE_ROLLOUT
    assert world.recounted() == []


def test_a_person_forces_a_rollback_whatever_the_mode() -> None:
    world = World(WINDOWS + "comparison: {}\nactions: {route_to_safe_path: {mode: dry_run}}\n")
    world.play(4, primary(), canary())
    world.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH, target_version="v1")
    world.play(3, primary(), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "4 AWAIT_ACK",
        "4 TICKET: NOTICE hold",
        "4 ROUTE_TO_SAFE_PATH v1",
        "4 HEALTHY",
    ]
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1"]
    assert world.recounted() == []


def test_two_holds_that_end_at_once_end_in_the_order_of_the_state_whoever_came_first() -> None:
    world = World(WINDOWS + ARMED)
    world.play(2, primary(), canary())
    for action in (OverrideAction.SUPPRESS, OverrideAction.PIN):
        world.override(action, target_version="v2", expires_at=world.now + world.length)
    assert world.play(2, primary(), canary())[-3:] == ["3 HEALTHY", "3 TICKET: NOTICE hold", "3 TICKET: NOTICE hold"]
    assert [a.summary for a in world.all(Alert)][-2:] == ["m: PIN by ann is over", "m: SUPPRESS by ann is over"]
    assert world.recounted() == []
