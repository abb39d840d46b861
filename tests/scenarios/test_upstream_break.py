"""A feature's source breaks: the page names the pipeline, and no version pays for it."""

from kedge.schemas.records import Alert, Cause
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import canary, primary

OPTED_IN = "guardrails: {drift_rate: {bound: 0.2}}\n"


def test_an_upstream_break_pages_with_its_cause_and_moves_no_traffic() -> None:
    world = World(WINDOWS + ARMED + OPTED_IN)
    world.play(4, primary(), canary())
    world.play(6, primary(missing=0.6), canary(missing=0.6))
    world.play(4, primary(), canary())
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "5 SUSPECT",
        "6 INCIDENT",
        "6 PAGE: OPENED drift",
        "6 vetoed by pipeline_cause, target",
        "6 TICKET: UPDATED rollback",
        "6 vetoed by common_cause, pipeline_cause, target",
        "6 TICKET: UPDATED rollback",
        "6 FREEZE_ROLLOUT",
        "13 HEALTHY",
        "13 PAGE: RESOLVED rollback",
    ]
    page = world.all(Alert)[0]
    assert page.summary == "m v1: opened, drifted in 2 of 3 windows: age (pipeline)"
    assert [(evidence.signal, evidence.cause) for evidence in page.signals] == [("age", Cause.PIPELINE)]
    assert world.vetoes()["pipeline_cause"] == "faults upstream: v2, v1"
    assert world.router.effects == ["FREEZE_ROLLOUT"]
    assert world.recounted() == []
