"""Nobody else serves any more when the new version goes bad: what is left to compare with is its predecessor's past."""

from kedge.schemas.records import ControlKind, VersionReport
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import primary

HOURS = "windows: {pane: 1h, length: 1h, hop: 1h, grace: 0, lateness: 1h}\n"
BOUND = "guardrails: {error_rate: {bound: 0.05}}\n"


def test_harm_within_a_day_of_the_switch_leads_back_to_the_predecessor() -> None:
    world = World(WINDOWS + ARMED)
    world.play(6, primary("v1"))
    world.play(2, primary("v2"))
    world.play(12, primary("v2", errors=0.1))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "9 AWAIT_ACK",
        "9 PAGE: OPENED rollback",
        "9 ROUTE_TO_SAFE_PATH v1",  # a cold standby: it was healthy two windows ago
        "9 INCIDENT",
        "9 FREEZE_ROLLOUT",
        "11 CONTAINED",
        "11 PAGE: NOTICE contained",
        "13 COOLDOWN",
        "13 PAGE: RESOLVED rollback",
        "19 HEALTHY",
    ]
    kinds = {r.control_kind for r in world.all(VersionReport) if r.version == "v2"}
    assert kinds == {ControlKind.HISTORY}
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    assert world.recounted() == []


def test_what_begins_later_than_a_day_after_the_switch_is_not_laid_at_its_door() -> None:
    world = World(HOURS + ARMED)
    world.play(4, primary("v1"))
    world.play(25, primary("v2"))
    world.play(4, primary("v2", errors=0.1))
    assert world.story == ["0 WARMUP", "1 HEALTHY"]


def test_an_owner_who_wants_errors_to_act_then_gives_a_bound() -> None:
    world = World(HOURS + ARMED + BOUND)
    world.play(4, primary("v1"))
    world.play(25, primary("v2"))
    world.play(4, primary("v2", errors=0.1))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "30 SUSPECT",
        "31 AWAIT_ACK",  # in the second window past the bound
        "31 PAGE: OPENED rollback",
        "31 ROUTE_TO_SAFE_PATH v1",
        "31 INCIDENT",
        "31 FREEZE_ROLLOUT",
    ]
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
