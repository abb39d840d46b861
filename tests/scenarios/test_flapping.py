"""A signal goes to and fro at its threshold: one window in three is nothing, one in two is one incident and no more."""

from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_flapping_is_no_incident_or_one() -> None:
    world = World(WINDOWS + ARMED)
    world.play(2, primary(), canary())
    for _ in range(4):
        world.play(1, primary(), canary(age=1))
        world.play(2, primary(), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "3 SUSPECT",
        "4 HEALTHY",
        "6 SUSPECT",
        "7 HEALTHY",
        "9 SUSPECT",
        "10 HEALTHY",
        "12 SUSPECT",
        "13 HEALTHY",
    ]
    before = len(world.story)
    for _ in range(6):
        world.play(1, primary(), canary(age=1))
        world.play(1, primary(), canary())
    world.play(3, primary(), canary())
    assert world.story[before:] == [
        "15 SUSPECT",
        "16 HEALTHY",
        "17 INCIDENT",
        "17 PAGE: OPENED drift",
        "17 FREEZE_ROLLOUT",
        "28 HEALTHY",
        "28 PAGE: RESOLVED drift",
    ]
    assert world.router.effects == ["FREEZE_ROLLOUT"]
    assert world.recounted() == []
