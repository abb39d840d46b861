"""The canary breaks the latency SLO and the primary keeps it; then both break it."""

from kedge.schemas.records import Alert
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_a_breach_of_the_candidate_only_is_harm() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    world.play(6, primary(slow=0.01), canary(slow=0.2))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 AWAIT_ACK",
        "5 PAGE: OPENED rollback",  # a fifth of the answers is slow: shown in one window
        "5 ROUTE_TO_SAFE_PATH v1",
        "5 INCIDENT",
        "5 FREEZE_ROLLOUT",
        "6 PAGE: UPDATED rollback",  # the 95 % quantile has now passed the SLO in two windows
        "7 CONTAINED",
        "7 PAGE: NOTICE contained",
        "9 COOLDOWN",
        "9 PAGE: RESOLVED rollback",
    ]
    assert [h.measure for h in world.all(Alert)[1].harms] == ["latency_p95_ms", "slow_rate"]
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    assert world.recounted() == []


def test_a_breach_that_the_control_shares_is_nobodys_harm() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary())
    world.play(6, primary(slow=0.2), canary(slow=0.2))
    assert world.story == ["0 WARMUP", "1 HEALTHY"]
