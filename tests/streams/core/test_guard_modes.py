"""What may be done is what people say now: the modes of today's monitor, and a rollback that a person forces."""

from dataclasses import replace

import pytest

from kedge.schemas.records import Action, OverrideAction
from tests.streams.core.made_guard import ARMED, LENGTH, Desk, monitor, routed, subjects


@pytest.mark.parametrize(("mode", "left"), [("off", []), ("advise", []), ("armed", ["ROUTE_TO_SAFE_PATH"])])
def test_a_report_of_before_obeys_the_modes_of_the_monitor_that_acts_by_now(mode: str, left: list[str]) -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm()
    changed = monitor(f"{ARMED.replace('armed', mode)}runbook_url: https://example.org/new\n")
    desk.catalog.put_monitor(replace(changed, effective_from=desk.window))
    desk.now = desk.window + LENGTH
    before = {"window_start": desk.window - LENGTH, "window_end": desk.window}
    sent = subjects(desk.tell("reports", desk.version_report(outcomes_due=True, revision=1, **before)))
    assert [name for name in sent if name == "ROUTE_TO_SAFE_PATH"] == left
    assert desk.recounted() == []


def test_a_rollback_that_a_person_forces_over_the_guards_own_is_the_one_that_is_watched() -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm("v1", "v2")
    desk.harmed()
    forced = desk.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH, target_version="v1")
    assert routed(desk.tell("overrides", forced)).target_version == "v1"
    incident = desk.standing.incident
    assert incident is not None
    assert (incident.route, incident.target) == ("sent", "v1")
    assert "UPDATED rollback" not in subjects(desk.harmed())
    assert desk.recounted() == []
