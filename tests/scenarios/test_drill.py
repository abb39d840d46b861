"""The way back was never rehearsed: people hear of it, the rollout stands; a drill ends that without moving traffic."""

from kedge.schemas.records import Alert, Command, Journal, OverrideAction
from tests.scenarios.driver import ARMED, World
from tests.scenarios.router import Router
from tests.scenarios.traffic import canary, primary

DAYS = "windows: {pane: 1d, length: 1d, hop: 1d, grace: 0, lateness: 1d}\n"
DRILLS = "drills: {freeze: true}\npromotion: {}\n"


def overdue() -> World:
    """A model that nobody has rehearsed with for nine days."""
    world = World(DAYS + ARMED + DRILLS)
    world.play(9, primary(), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "1 TICKET: NOTICE promotion",
        "7 TICKET: NOTICE drill_overdue",
        "7 FREEZE_ROLLOUT",
    ]
    assert "drill unknown" in world.all(Alert)[0].summary
    return world


def test_a_drill_that_ends_well_leaves_its_evidence_and_moves_nothing() -> None:
    world = overdue()
    began = world.override(OverrideAction.DRILL, fault="canary_errors")
    assert began == ["9 TICKET: NOTICE drill", "9 drill ROUTE_TO_SAFE_PATH v1"]
    assert world.wait(60_000) == ["9 TICKET: NOTICE drill"]
    assert world.router.effects == ["FREEZE_ROLLOUT"]
    assert world.router.version == "v2"
    command = world.all(Command)[-1]
    assert (command.drill, command.from_version, command.target_version, command.owner) == (True, "v2", "v1", "me")
    about = [entry.decision for entry in world.all(Journal) if entry.drill]
    assert about == ["override_drill", "send_route_to_safe_path", "command_acked+drill_passed"]
    assert world.all(Alert)[-1].summary == (
        "m: drill canary_errors by ann passed after 2.0 s: acknowledged by router-1"
    )
    assert world.play(2, primary(), canary()) == ["9 TICKET: NOTICE promotion"]
    assert "drill" not in world.all(Alert)[-1].summary.partition("HOLD")[2]
    assert world.recounted() == []


def test_a_drill_that_nobody_answers_is_over_after_a_quarter_of_an_hour_and_none_was_good() -> None:
    world = overdue()
    world.router = Router(deaf=True)
    world.override(OverrideAction.DRILL, fault="canary_outcome")
    assert world.wait(16 * 60_000) == [
        "9 PAGE: NOTICE command_unacked",
        "9 PAGE: NOTICE drill",
        "9 drill CANCEL v1",
    ]
    assert "failed after 900.0 s" in world.all(Alert)[-1].summary
    assert world.state is not None
    assert world.state.drilled_at is None
    assert world.state.state == "HEALTHY"
    assert world.recounted() == []
