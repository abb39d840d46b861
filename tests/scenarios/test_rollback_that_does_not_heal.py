"""Traffic was led to the safe path, and that is not healthy either: people decide from there on, nobody else."""

from kedge.schemas.records import OverrideAction
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_a_rollback_that_does_not_heal_escalates_and_is_never_followed_by_a_second() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    world.play(2, primary(), canary(errors=0.3))
    world.play(4, primary(score=3), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 AWAIT_ACK",
        "5 PAGE: OPENED rollback",
        "5 ROUTE_TO_SAFE_PATH v1",
        "5 INCIDENT",
        "5 FREEZE_ROLLOUT",
        "8 FAILED_ACTION",
        "8 PAGE: NOTICE action_failed",
        "8 PAGE: UPDATED rollback",
    ]
    # A third version does harm, is released by a person, and does harm again.
    assert world.play(4, primary(score=3), canary("v3", errors=0.3)) == ["11 PAGE: UPDATED rollback"]
    assert world.override(OverrideAction.RELEASE) == ["14 INCIDENT", "14 TICKET: NOTICE hold"]
    world.play(4, primary(score=3), canary("v3", errors=0.3))
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    assert world.recounted() == []
