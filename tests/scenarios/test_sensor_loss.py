"""The guard cannot see: outcomes stay away, nothing is reported, rows are missing, a partition is silent.

Nothing is moved meanwhile, and nobody is told that all is well.
"""

from kedge.schemas.records import Alert, Journal, Verdict, VersionReport
from tests.scenarios.driver import ARMED, OUTCOMES, WINDOWS, World
from tests.scenarios.traffic import canary, primary


def test_without_outcomes_a_version_is_neither_harmful_nor_good() -> None:
    world = World(WINDOWS + ARMED + OUTCOMES + "promotion: {outcome_duration: 10m}\n")
    world.play(6, primary(), canary())
    # The canary may be bad by now; nobody can know.
    world.play(4, primary(clicks=None), canary(clicks=None))
    last = world.all(VersionReport)[-1]
    assert (last.version, last.outcomes_due, last.verdict) == ("v2", True, Verdict.INSUFFICIENT)
    assert last.reason == "click immature: coverage 0.0%, usually 100.0%"
    assert world.story[-2:] == ["9 DEGRADED_SENSING", "9 PAGE: NOTICE sensing_degraded"]
    evidence = [h.log_evidence for r in world.all(VersionReport) for h in r.harms if h.measure == "click.positive_rate"]
    assert evidence[-3:] == [evidence[-4]] * 3
    assert world.play(3, primary(), canary())[:2] == ["11 HEALTHY", "11 PAGE: NOTICE sensing_degraded"]
    assert world.router.effects == []
    assert world.recounted() == []


def test_outcomes_that_are_asked_for_and_never_come_are_no_silence() -> None:
    world = World(WINDOWS + ARMED + OUTCOMES)
    world.play(7, primary(clicks=None))
    assert world.story == ["0 WARMUP", "1 HEALTHY", "3 DEGRADED_SENSING", "3 PAGE: NOTICE sensing_degraded"]
    assert "outcomes stay away: click" in world.all(Alert)[-1].summary
    assert world.recounted() == []


def test_outcomes_that_stay_away_for_long_do_not_become_what_is_usual() -> None:
    world = World(WINDOWS + ARMED + OUTCOMES)
    world.play(6, primary())
    world.play(14, primary(heard=0.4))  # of all windows, their median is this
    assert world.story[2:] == ["9 DEGRADED_SENSING", "9 PAGE: NOTICE sensing_degraded"]
    assert [r.outcomes[0].usual_coverage for r in world.all(VersionReport) if r.outcomes][-1] == 1.0
    assert world.play(2, primary()) == ["21 HEALTHY", "21 PAGE: NOTICE sensing_degraded"]
    assert world.recounted() == []


def test_labels_that_come_weeks_later_are_not_missed() -> None:
    world = World(WINDOWS + ARMED + "outcomes: {click: {delay: 1m, label_horizon: 30d}}\n")
    world.play(7, primary(clicks=None))
    assert world.story == ["0 WARMUP", "1 HEALTHY"]


def test_harm_that_outcomes_do_not_show_acts_while_they_stay_away() -> None:
    world = World(WINDOWS + ARMED + OUTCOMES)
    world.play(5, primary(clicks=None), canary(clicks=None))
    told = world.play(2, primary(clicks=None), canary(clicks=None, errors=0.3))
    assert "6 ROUTE_TO_SAFE_PATH v1" in told
    # What is over is still not seen.
    world.play(10, primary(clicks=None))
    assert world.story[-1] == "16 DEGRADED_SENSING"
    assert world.recounted() == []


def test_without_any_report_sensing_is_degraded_until_they_are_back() -> None:
    world = World()
    world.play(4, primary(), canary())
    assert world.wait(5 * world.length) == ["6 DEGRADED_SENSING", "6 PAGE: NOTICE sensing_degraded"]
    world.counted_to = world.now
    # What comes first closes a window that is long past; the next one is seen in time, and its harm acts.
    assert world.play(1, primary(), canary(errors=0.3)) == []
    assert world.play(1, primary(), canary(errors=0.3)) == [
        "10 HEALTHY",
        "10 PAGE: NOTICE sensing_degraded",
        "10 AWAIT_ACK",
        "10 PAGE: OPENED rollback",
        "10 ROUTE_TO_SAFE_PATH v1",
        "10 INCIDENT",
        "10 FREEZE_ROLLOUT",
    ]
    assert world.recounted() == []


def test_with_too_many_rows_lost_sensing_is_degraded_and_harm_moves_nothing() -> None:
    world = World()
    world.play(4, primary(), canary())
    world.play(5, primary(lost=200), canary(errors=0.5, lost=200))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "7 DEGRADED_SENSING",
        "7 PAGE: NOTICE sensing_degraded",
    ]
    assert world.play(3, primary(), canary()) == ["10 HEALTHY", "10 PAGE: NOTICE sensing_degraded"]
    assert world.router.effects == []
    assert world.recounted() == []


def test_with_a_silent_partition_windows_wait_and_act_only_once_they_are_of_now_again() -> None:
    world = World(partitions=2)
    world.play(4, primary(), canary())
    world.silent = {1}
    world.play(8, primary(), canary(errors=0.5))
    assert world.story == [
        "0 WARMUP",
        "1 HEALTHY",
        "6 DEGRADED_SENSING",
        "6 PAGE: NOTICE sensing_degraded",
    ]
    world.silent = set()
    assert world.play(1, primary(), canary()) == [
        "12 vetoed by completeness",  # windows that were told too late to be about now
        "12 INCIDENT",
        "12 PAGE: OPENED rollback",
        "12 PAGE: NOTICE sensing_degraded",
        "12 AWAIT_ACK",  # and the newest, which is
        "12 PAGE: UPDATED rollback",
        "12 ROUTE_TO_SAFE_PATH v1",
        "12 INCIDENT",
        "12 FREEZE_ROLLOUT",
    ]
    late = next(entry for entry in world.all(Journal) if entry.vetoes)
    (lag,) = [note for note in late.vetoes if note.result == "stands"]
    assert lag.evidence == "completeness 100.0%, 95% needed; 2082 s behind, 900 s allowed"
    assert {r.completeness for r in world.all(VersionReport)} == {1.0}
    assert world.recounted() == []
