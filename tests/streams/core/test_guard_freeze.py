"""Guard: a rollout that is frozen goes on by itself, unless it was a rollback that froze it: then a person says so."""

import pytest

from kedge.schemas.records import AckResult, Action, Alert, AlertEvent, Command, OverrideAction, Role, Verdict
from tests.streams.core.made_guard import ARMED, LENGTH, Desk, harm, routed, subjects

RESUMING = ARMED.replace("actions: {", "actions: {resume_rollout: {mode: armed}, ")
HOUR = 3_600_000


def warm(text: str = RESUMING) -> Desk:
    """A desk on which primary v1 and canary v2 have been healthy, and freezes end by themselves."""
    desk = Desk(text)
    desk.calm()
    desk.calm()
    return desk


def rolled_back(desk: Desk) -> Command:
    """Harm, a rollback and a freeze that were obeyed, and calm windows until it is over; returns the freeze."""
    freeze = desk.led_back()
    calm(desk)
    return freeze


def calm(desk: Desk, *versions: str) -> None:
    """Windows of a healthy primary until the incident is over."""
    for _ in range(12):
        if desk.standing.incident is None:
            return
        desk.calm(*versions or ("v1",))
    raise AssertionError("it is not over")


def drifts(desk: Desk) -> None:
    """A drift, frozen and repaired."""
    for _ in range(2):
        desk.minute(desk.drifted("v1"), desk.report("v2", role=Role.CANARY))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    calm(desk, "v1", "v2")
    if desk.standing.order is not None:
        desk.tell("acks", desk.ack(desk.commands[-1]))


def actions(desk: Desk) -> list[Action]:
    """What was sent, each command once."""
    return list({command.command_id: command.action for command in desk.commands}.values())


def last_told(desk: Desk) -> Alert:
    """What was said of the last incident that ended."""
    return next(alert for alert in reversed(desk.alerts) if alert.event is AlertEvent.RESOLVED)


def test_what_only_froze_goes_on_by_itself() -> None:
    desk = warm()
    drifts(desk)
    assert actions(desk) == [Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT]
    assert "the rollout is resumed" in last_told(desk).summary
    assert desk.recounted() == []


def test_after_a_rollback_the_version_does_not_come_again_by_itself() -> None:
    desk = warm()
    freeze = rolled_back(desk)
    assert actions(desk) == [Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT]
    told = last_told(desk)
    # It is the incident of v2 that is over, though a window of v1 has ended it.
    assert told.summary.startswith("m v2: resolved, v1 was healthy for 3 windows; the rollout ")
    assert "stays frozen until a person resumes it, because of the rollback" in told.summary
    assert told.freeze_stands_until == freeze.expires_at
    drifts(desk)
    assert Action.RESUME_ROLLOUT not in actions(desk)
    assert f"because of the rollback of incident {freeze.incident}" in last_told(desk).summary
    assert desk.recounted() == []


@pytest.mark.parametrize("mode", ["advise", "dry_run"])
def test_a_rollback_that_was_left_to_people_keeps_the_freeze_too(mode: str) -> None:
    desk = warm(RESUMING.replace("path: {mode: armed", f"path: {{mode: {mode}"))
    desk.harmed()
    desk.tell("acks", desk.ack(desk.commands[-1]))
    for _ in range(4):
        calmer = harm(verdict=Verdict.STABLE)
        desk.minute(desk.report("v1"), desk.version_report(harms=(calmer,), verdict=Verdict.STABLE, reason="calm"))
    assert "stays frozen" in last_told(desk).summary
    assert actions(desk) == [Action.FREEZE_ROLLOUT]


def test_a_freeze_that_a_rollback_keeps_is_renewed_before_it_ends_until_a_person_resumes() -> None:
    desk = warm()
    freeze = rolled_back(desk)
    desk.round(11 * HOUR)
    assert actions(desk)[2:] == []
    sent = [s for s in desk.round(HOUR) if isinstance(s, Command)]
    assert [(s.action, s.incident) for s in sent] == [(Action.FREEZE_ROLLOUT, freeze.incident)]
    assert sent[0].command_id != freeze.command_id
    assert freeze.expires_at > sent[0].issued_at
    desk.tell("acks", desk.ack(sent[0]))
    desk.round(13 * HOUR)
    assert actions(desk)[2:] == [Action.FREEZE_ROLLOUT] * 2
    desk.tell("acks", desk.ack(desk.commands[-1]))
    desk.tell("overrides", desk.override(OverrideAction.FORCE, forced=Action.RESUME_ROLLOUT))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    desk.round(48 * HOUR)
    assert actions(desk)[4:] == [Action.RESUME_ROLLOUT]
    desk.window = desk.now - desk.now % LENGTH
    drifts(desk)
    assert actions(desk)[5:] == [Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT]
    assert desk.recounted() == []


def test_a_freeze_is_renewed_while_the_incident_of_a_rollback_lasts() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    desk.round(13 * HOUR)
    assert actions(desk) == [Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT, Action.FREEZE_ROLLOUT]


def test_while_a_person_holds_nothing_is_renewed_and_afterwards_it_is() -> None:
    desk = warm()
    rolled_back(desk)
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v1", expires_at=desk.now + 20 * HOUR))
    desk.round(19 * HOUR)
    before = len(desk.journal)
    desk.round(60_000)
    assert len(desk.journal) == before, "what waits for a hold's end must not fill the journal"
    assert Action.FREEZE_ROLLOUT not in actions(desk)[2:]
    desk.round(HOUR)
    desk.round()
    assert actions(desk)[2:] == [Action.FREEZE_ROLLOUT]


def test_a_freeze_that_nobody_knows_how_to_obey_is_not_asked_for_for_ever() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("acks", desk.ack(desk.commands[-1], AckResult.NACKED, reason="unsupported"))
    calm(desk)
    assert "no freeze stands" in last_told(desk).summary
    desk.round(25 * HOUR)
    assert actions(desk)[2:] == []


def test_a_late_answer_that_a_person_was_obeyed_ends_the_renewals() -> None:
    desk = warm()
    rolled_back(desk)
    desk.tell("overrides", desk.override(OverrideAction.FORCE, forced=Action.RESUME_ROLLOUT))
    resume = desk.commands[-1]
    desk.round(25 * HOUR)
    assert desk.standing.state == "FAILED_ACTION"
    desk.tell("acks", desk.ack(resume))
    desk.tell("overrides", desk.override(OverrideAction.RELEASE))
    assert subjects(desk.round(13 * HOUR)) == []


def called_back(desk: Desk, *, obeyed: AckResult | None = None, hold: OverrideAction = OverrideAction.SUPPRESS) -> None:
    """A drift whose freeze a person takes back before a router has answered, and what it answers then; repaired."""
    for _ in range(2):
        desk.minute(desk.drifted("v1"), desk.report("v2", role=Role.CANARY))
    freeze = desk.commands[-1]
    forced = Action.CANCEL if hold is OverrideAction.FORCE else None
    desk.tell("overrides", desk.override(hold, forced=forced, expires_at=desk.now + 60_000))
    assert [c.cancels for c in desk.commands[-1:]] == [freeze.command_id]
    if obeyed is not None:
        reason = "cancelled" if obeyed is AckResult.NACKED else ""
        desk.tell("acks", desk.ack(freeze, obeyed, reason=reason))
    calm(desk, "v1", "v2")


@pytest.mark.parametrize("hold", [OverrideAction.SUPPRESS, OverrideAction.FORCE])
def test_a_freeze_that_was_called_back_before_its_answer_is_not_said_to_stand(hold: OverrideAction) -> None:
    desk = warm(ARMED)
    called_back(desk, hold=hold)
    told = last_told(desk)
    assert "the freeze was called back unanswered: whether it took effect is not known" in told.summary
    assert told.freeze_stands_until is None
    assert desk.recounted() == []


def test_what_a_router_says_of_a_freeze_that_was_called_back_is_what_is_said() -> None:
    desk = warm(ARMED)
    called_back(desk, obeyed=AckResult.NACKED)
    assert "the freeze was called back before it took effect" in last_told(desk).summary
    assert last_told(desk).freeze_stands_until is None
    desk = warm(ARMED)
    called_back(desk, obeyed=AckResult.ACKED)
    assert "the freeze stands until it expires" in last_told(desk).summary
    freeze = next(c for c in desk.commands if c.action is Action.FREEZE_ROLLOUT)
    assert last_told(desk).freeze_stands_until == freeze.expires_at


def test_a_freeze_after_a_rollback_that_was_called_back_comes_again_once_nobody_holds() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("overrides", desk.override(OverrideAction.DISARM, expires_at=desk.now + HOUR))
    assert desk.commands[-1].action is Action.CANCEL
    calm(desk)
    told = last_told(desk)
    assert "is to stay frozen until a person resumes it, because of the rollback" in told.summary
    assert "but the freeze was called back unanswered" in told.summary
    assert told.freeze_stands_until is None
    assert actions(desk)[-1] is Action.CANCEL
    desk.round(HOUR)
    desk.round()
    assert actions(desk)[-1] is Action.FREEZE_ROLLOUT
    assert desk.recounted() == []
