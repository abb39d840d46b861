"""A canary does harm while all traffic drifts: the concurrent control has the same traffic, so the harm is its own."""

from tests.scenarios.driver import ARMED, OUTCOMES, WINDOWS, World
from tests.scenarios.traffic import canary, primary

UNTIL_THE_ROLLBACK = [
    "0 WARMUP",
    "1 HEALTHY",
    "6 SUSPECT",
    "7 INCIDENT",
    "7 PAGE: OPENED drift",  # of primary and canary
    "7 FREEZE_ROLLOUT",
    "8 AWAIT_ACK",
    "8 PAGE: UPDATED rollback",
    "8 ROUTE_TO_SAFE_PATH v1",
    "8 INCIDENT",
]


def drifting() -> World:
    """A world in which traffic drifts from window 5 on, and the canary does harm from window 7 on."""
    world = World(WINDOWS + ARMED + OUTCOMES)
    world.play(5, primary(), canary())
    world.play(2, primary(age=2), canary(age=2))
    world.play(2, primary(age=2), canary(age=2, clicks=0.1))
    assert world.story == UNTIL_THE_ROLLBACK
    return world


def test_the_harm_is_rolled_back_all_the_same_and_contained_once_the_traffic_is_as_it_was() -> None:
    world = drifting()
    assert world.play(5, primary(), canary(clicks=0.1)) == [
        "10 CONTAINED",
        "10 PAGE: NOTICE contained",
        "12 COOLDOWN",
        "12 PAGE: RESOLVED rollback",
    ]
    assert world.router.effects == ["FREEZE_ROLLOUT", "ROUTE_TO_SAFE_PATH v1"]
    assert world.recounted() == []


def test_while_the_drift_goes_on_no_window_is_healthy_and_people_are_called() -> None:
    world = drifting()
    assert world.play(5, primary(age=2), canary(age=2, clicks=0.1)) == [
        "11 FAILED_ACTION",
        "11 PAGE: NOTICE action_failed",
    ]
    assert world.router.effects == ["FREEZE_ROLLOUT", "ROUTE_TO_SAFE_PATH v1"]
    assert world.recounted() == []
