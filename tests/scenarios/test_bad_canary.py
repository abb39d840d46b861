"""A canary's outcomes get worse than the primary's: traffic is led back once, and the incident ends by itself."""

from kedge.schemas.records import Alert, Command
from tests.scenarios.driver import ARMED, OUTCOMES, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_a_bad_canary_is_rolled_back_once_contained_and_forgotten() -> None:
    world = World(WINDOWS + ARMED + OUTCOMES)
    world.play(5, primary(), canary())
    world.play(14, primary(), canary(clicks=0.1))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "6 AWAIT_ACK",
        "6 PAGE: OPENED rollback",
        "6 ROUTE_TO_SAFE_PATH v1",
        "6 INCIDENT",  # acknowledged
        "6 FREEZE_ROLLOUT",
        "8 CONTAINED",
        "8 PAGE: NOTICE contained",
        "10 COOLDOWN",
        "10 PAGE: RESOLVED rollback",
        "16 HEALTHY",
    ]
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    route, freeze = world.all(Command)
    assert (route.from_version, route.target_version, route.sequence, route.drill) == ("v2", "v1", 1, False)
    assert freeze.sequence == 2
    page = world.all(Alert)[0]
    assert [(h.measure, h.version, h.control) for h in page.harms] == [("click.positive_rate", "v2", "v1")]
    assert page.command_id == route.command_id
    assert {note.result for note in page.vetoes} == {"clear"}
    assert world.state is not None
    assert [(ended.action, ended.end) for ended in world.state.ended] == [
        ("ROUTE_TO_SAFE_PATH", "acked"),
        ("FREEZE_ROLLOUT", "acked"),
    ]
    assert world.recounted() == []
