"""Two canaries go bad in the same window: one incident, one rollback, and the other one is not forgotten."""

from kedge.schemas.records import VersionReport
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_two_harms_at_once_are_one_incident_and_one_command() -> None:
    world = World(WINDOWS + ARMED)
    world.play(4, primary(), canary("v2"), canary("v3"))
    world.play(10, primary(), canary("v2", errors=0.3), canary("v3", slow=0.3))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 AWAIT_ACK",
        "5 PAGE: OPENED rollback",
        "5 ROUTE_TO_SAFE_PATH v1",  # away from v2, whose report came first
        "5 INCIDENT",
        "5 FREEZE_ROLLOUT",
        "6 PAGE: UPDATED rollback",  # v3 is slow
        "7 CONTAINED",
        "7 PAGE: NOTICE contained",
    ]
    assert world.state is not None
    assert world.state.incident is not None
    harmed = {(h.version, h.measure) for h in world.state.incident.harms}
    assert harmed == {("v2", "error_rate"), ("v3", "slow_rate"), ("v3", "latency_p95_ms")}
    # The safe path has been healthy for long, and the incident is open all the same: v3 harms.
    assert "slow_rate" in world.all(VersionReport)[-1].reason
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    assert world.recounted() == []
