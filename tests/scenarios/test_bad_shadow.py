"""A shadow whose answers are half noise: it serves nobody, so that people read of it and the gate holds it."""

from kedge.schemas.records import Alert, Role, VersionReport
from tests.scenarios.driver import ARMED, WINDOWS, World
from tests.scenarios.traffic import primary, shadow


def test_a_bad_shadow_is_shown_and_held_and_moves_no_traffic() -> None:
    world = World(WINDOWS + ARMED + "promotion: {}\n")
    world.play(4, primary(), shadow())
    world.play(4, primary(), shadow(astray=0.5))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "1 TICKET: NOTICE promotion",
        "5 TICKET: NOTICE promotion",
    ]
    pairs = [r.pairs for r in world.all(VersionReport) if r.role is Role.SHADOW]
    told = [(p.n, round(p.disagreement_rate or 0.0, 1)) for p in pairs if p is not None]
    assert told == [(400, 0.0)] * 4 + [(400, 0.4)] * 3
    first, second = world.all(Alert)
    assert first.summary == "m v2: HOLD, outcome unknown, worst_segment unknown, drill unknown"
    assert second.summary == "m v2: HOLD, outcome unknown, worst_segment unknown, disagreement fail, drill unknown"
    assert world.router.effects == []
    assert world.recounted() == []
