"""A week in which traffic and click rate follow the hours, and a canary as good as its primary: nobody hears of it."""

from kedge.schemas.records import Journal, Verdict, VersionReport
from tests.scenarios.driver import ARMED, OUTCOMES, World
from tests.scenarios.traffic import canary, primary

EIGHT_HOURS = "windows: {pane: 8h, length: 8h, hop: 8h, grace: 0, lateness: 8h}\n"
DAY = ((200, 0.2), (280, 0.35), (240, 0.3))
"""Rows of each version, and clicks by rows, of night, day and evening."""


def test_a_healthy_week_has_no_page_and_no_command() -> None:
    world = World(EIGHT_HOURS + ARMED + OUTCOMES)
    for _ in range(7):
        for rows, clicks in DAY:
            world.play(1, primary(rows=rows, clicks=clicks), canary(rows=rows, clicks=clicks))
    assert world.story == ["0 WARMUP", "1 HEALTHY"]
    assert {entry.decision for entry in world.all(Journal)} == {"none"}
    judged = [r.verdict for r in world.all(VersionReport) if r.version == "v2" and r.outcomes_due]
    assert judged.count(Verdict.STABLE) == 17  # of 20; in the first three it is learnt how many outcomes there are
    assert world.recounted() == []
