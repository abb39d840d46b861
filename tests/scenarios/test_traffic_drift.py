"""The world changes for primary and canary alike: people are told, the rollout stands, and no traffic is moved."""

from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary

OPTED_IN = "guardrails: {drift_rate: {bound: 0.2}}\n"
"""The owner wants traffic moved where a fifth of the signals has drifted."""


def test_a_drift_of_all_traffic_pages_once_and_freezes() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    world.play(6, primary(age=2), canary(age=2))
    world.play(4, primary(), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 SUSPECT",
        "6 INCIDENT",
        "6 PAGE: OPENED drift",
        "6 FREEZE_ROLLOUT",
        "13 HEALTHY",
        "13 PAGE: RESOLVED drift",
    ]
    assert world.router.effects == ["FREEZE_ROLLOUT"]
    assert world.recounted() == []


def test_even_an_owner_who_opted_in_is_not_obeyed_where_the_control_drifts_too() -> None:
    world = World(WINDOWS + ARMED + OPTED_IN)
    world.play(4, primary(), canary())
    world.play(6, primary(age=2), canary(age=2))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 SUSPECT",
        "6 INCIDENT",
        "6 PAGE: OPENED drift",
        "6 vetoed by target",  # the primary itself: there is nowhere to lead it to
        "6 TICKET: UPDATED rollback",
        "6 vetoed by common_cause, target",  # the canary
        "6 TICKET: UPDATED rollback",
        "6 FREEZE_ROLLOUT",
    ]
    assert world.vetoes() == {
        "common_cause": "the control shows the same shift of: age",
        "target": "v1 is in breach itself: guardrail drift_rate",
    }
    assert world.router.effects == ["FREEZE_ROLLOUT"]
    assert world.recounted() == []
