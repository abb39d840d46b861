"""Guard: outcomes that stay away, of which version, since when, and when that is chance."""

from kedge.schemas.records import Alert, Command, OutcomeSection, Role, Verdict, VersionReport
from tests.streams.core.made_guard import ARMED, DAWN, LENGTH, Desk, subjects
from tests.streams.core.test_guard_rollback import warm

ASKED = ARMED + "outcomes: {click: {delay: 1m}}\n"
AWAY = ["NOTICE sensing_degraded"]


def due(desk: Desk, n: int, predictions: int = 1_000) -> list[Alert | Command]:
    """Tell of a window of the primary in which `n` outcomes came; usual is three of ten predictions."""
    return desk.minute(desk.report("v1"), came(desk, n, predictions))


def came(desk: Desk, n: int, predictions: int = 1_000, **changes: object) -> VersionReport:
    """Return what came of a window's predictions, none of it harm."""
    section = OutcomeSection(
        outcome="click", n=n, predictions=predictions, usual_coverage=0.3, mature=n >= 240, confusion=()
    )
    told = {"version": "v1", "role": Role.PRIMARY, "control": "", "harms": (), "verdict": Verdict.STABLE, **changes}
    return desk.version_report(outcomes=(section,), outcomes_due=True, requests=predictions, **told)


def test_outcomes_of_the_version_that_serves_are_missed_and_no_candidates() -> None:
    desk = warm(ASKED)
    for _ in range(5):
        assert desk.minute(desk.report("v1"), came(desk, 300), came(desk, 0, version="v2", role=Role.CANARY)) == []
    assert [subjects(due(desk, 0)) for _ in range(4)] == [[], [], AWAY, []]
    # A candidate's do not stand for the primary's.
    assert desk.minute(desk.report("v1"), came(desk, 0), came(desk, 300, version="v2", role=Role.CANARY)) == []
    assert subjects(due(desk, 300)) == AWAY
    assert desk.recounted() == []


def test_less_than_half_of_the_usual_is_missed_and_half_is_not() -> None:
    desk = warm(ASKED)
    assert [due(desk, 150) for _ in range(5)] == [[]] * 5
    assert [subjects(due(desk, 149)) for _ in range(3)] == [[], [], AWAY]


def test_of_a_few_it_is_chance_whether_any_come() -> None:
    desk = warm(ASKED)
    sent = [subjects(due(desk, 0, predictions=15)) for _ in range(8)]
    # 4.5 a window should have come: 30 have not after seven.
    assert sent == [[], [], [], [], [], [], AWAY, []]


def test_windows_without_predictions_neither_miss_outcomes_nor_end_that_they_are_missed() -> None:
    desk = warm(ASKED)
    assert [due(desk, 0, predictions=0) for _ in range(5)] == [[]] * 5
    assert [subjects(due(desk, 0)) for _ in range(3)] == [[], [], AWAY]
    assert [due(desk, 0, predictions=0) for _ in range(3)] == [[]] * 3
    assert desk.standing.state == "DEGRADED_SENSING"


def test_an_older_window_that_is_told_late_changes_nothing() -> None:
    desk = warm(ASKED)
    for _ in range(3):
        due(desk, 0)
    late = came(desk, 300, window_start=DAWN, window_end=DAWN + LENGTH)
    assert desk.tell("reports", late) == []
    assert desk.standing.state == "DEGRADED_SENSING"
