"""Guard: what people say wins, counts once, lasts a day at most, and is refused aloud where it does not count."""

from dataclasses import replace

import pytest

from kedge.schemas.records import (
    AckResult,
    Action,
    Alert,
    AlertEvent,
    Command,
    DeadLetter,
    Override,
    OverrideAction,
    Severity,
)
from tests.streams.core.made_guard import ARMED, Desk, routed, subjects
from tests.streams.core.test_guard_rollback import warm

HOUR = 3_600_000


@pytest.mark.parametrize("action", [OverrideAction.PIN, OverrideAction.SUPPRESS, OverrideAction.DISARM])
def test_a_hold_calls_a_command_in_flight_back_and_is_over_by_itself(action: OverrideAction) -> None:
    desk = warm()
    command = routed(desk.harmed())
    sent = desk.tell("overrides", desk.override(action, target_version="v1"))
    (cancel,) = [s for s in sent if isinstance(s, Command)]
    assert (cancel.action, cancel.cancels) == (Action.CANCEL, command.command_id)
    assert cancel.sequence > command.sequence
    assert [e.end for e in desk.standing.ended] == ["superseded", ""]
    assert desk.standing.state == "HUMAN_HOLD"
    for _ in range(3):
        assert [s for s in desk.harmed() if isinstance(s, Command)] == []
    desk.round(HOUR)
    assert desk.standing.state == "INCIDENT"
    assert desk.recounted() == []


def test_a_suppressed_model_pages_nobody_and_everything_is_still_decided() -> None:
    desk = warm()
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS))
    assert desk.harmed() == []
    decided = next(e for e in desk.journal if "open_incident" in e.decision)
    assert "nobody is told (suppressed)" in decided.reason
    assert {n.name for n in decided.vetoes if n.result == "stands"} == {"human_hold"}


def test_compliance_cannot_be_suppressed() -> None:
    desk = warm(f"{ARMED}risk: compliance\n")
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS))
    assert desk.last.decision == "refuse_override"
    assert "compliance" in desk.last.reason


def test_a_forced_rollback_needs_no_evidence_and_no_mode() -> None:
    desk = warm(ARMED.replace("armed", "off"))
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v2"))
    sent = desk.tell(
        "overrides",
        desk.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH, target_version="v1"),
    )
    assert subjects(sent) == ["NOTICE hold", "ROUTE_TO_SAFE_PATH"]
    desk.tell("acks", desk.ack(routed(sent)))
    assert [e.end for e in desk.standing.ended] == ["acked"]
    assert desk.standing.state == "HUMAN_HOLD"


def test_release_ends_holds_and_a_failure() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed()), AckResult.NACKED))
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v1"))
    assert desk.standing.state == "HUMAN_HOLD"
    desk.tell("overrides", desk.override(OverrideAction.RELEASE))
    assert (desk.standing.state, desk.standing.failed, desk.standing.holds) == ("INCIDENT", None, ())


def test_a_hold_that_ends_by_itself_does_not_end_a_failure() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed()), AckResult.NACKED))
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v1"))
    desk.round(HOUR)
    assert desk.standing.state == "FAILED_ACTION"


def refused(desk: Desk, override: Override) -> str:
    desk.tell("overrides", override)
    assert desk.last.decision == "refuse_override"
    assert desk.standing.state == "HEALTHY"
    return desk.last.reason.partition(":")[0]


def test_what_does_not_count_is_refused_with_its_reason() -> None:
    desk = warm()
    pin = desk.override(OverrideAction.PIN, target_version="v1")
    said = [
        refused(desk, replace(pin, actor="bob")),
        refused(desk, replace(pin, key_id="", signature=b"")),
        refused(desk, desk.override(OverrideAction.PIN, target_version="v1", expires_at=desk.now + 24 * HOUR + 1)),
        refused(desk, desk.override(OverrideAction.PIN, target_version="v1", actor=" ")),
        refused(desk, desk.override(OverrideAction.PIN, target_version="v1", expires_at=desk.now)),
        refused(desk, desk.override(OverrideAction.PIN, target_version="v1", issued_at=desk.now + HOUR)),
        refused(desk, desk.override(OverrideAction.PIN)),
        refused(desk, desk.override(OverrideAction.FORCE)),
        refused(desk, desk.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH)),
        refused(desk, desk.override(OverrideAction.DRILL, fault="meteor")),
        refused(desk, desk.override(OverrideAction.PIN, target_version="v1", environment="prod")),
    ]
    assert said == [
        *("untrusted", "untrusted", "too_long", "no_actor", "expired", "from_the_future", "no_target"),
        *("nothing_forced", "no_target", "unknown_fault", "wrong_environment"),
    ]
    assert desk.recounted() == []


def test_garbage_and_models_that_nobody_watches_are_dead_letters() -> None:
    desk = warm()
    unknown = desk.override(OverrideAction.PIN, target_version="v1", model="other")
    desk.tell("overrides", b"garbage", unknown)
    desk.tell("acks", b"", desk.heartbeat(model="other"))
    reasons = [letter.reason for letter in desk.all("dead_letters", DeadLetter)]
    assert reasons == ["unknown_schema", "unknown_model", "empty", "unknown_model"]


def test_reports_of_models_that_nobody_watches_leave_no_state() -> None:
    desk = warm()
    before = len(desk.state)
    desk.tell("reports", desk.report(model="other"), desk.version_report(model="another"))
    assert [write.key for write in desk.state[before:]] == [b"position"]
    assert {entry.model for entry in desk.journal} == {"m"}
    assert [letter.reason for letter in desk.all("dead_letters", DeadLetter)] == ["unknown_model"] * 2


def test_an_override_counts_once() -> None:
    desk = warm()
    pin = desk.override(OverrideAction.PIN, target_version="v1")
    desk.tell("overrides", pin)
    desk.tell("overrides", desk.override(OverrideAction.RELEASE))
    desk.tell("overrides", pin)
    assert desk.standing.state == "HEALTHY"


# -- drills -----------------------------------------------------------------------------------------------------------


def test_a_drill_goes_the_way_of_a_rollback_beside_the_real_state() -> None:
    desk = warm()
    sent = desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert subjects(sent) == ["NOTICE drill", "ROUTE_TO_SAFE_PATH"]
    command = routed(sent)
    assert (command.drill, command.from_version, command.target_version) == (True, "v2", "v1")
    assert desk.standing.state == "HEALTHY"
    assert desk.standing.incident is None
    (end,) = desk.tell("acks", desk.ack(command))
    assert isinstance(end, Alert)
    assert (end.drill, end.subject, end.command_id) == (True, "drill", command.command_id)
    assert "passed" in end.summary
    assert desk.standing.drilled_at == desk.now
    assert [e.drill for e in desk.journal if e.decision != "none"] == [True, True, True]
    assert desk.recounted() == []


def test_a_drill_ends_after_a_quarter_of_an_hour() -> None:
    desk = warm()
    desk.tell("overrides", desk.override(OverrideAction.DRILL))
    desk.calm()
    sent = desk.round(15 * 60_000)
    assert "drill_failed" in desk.last.decision
    assert Action.CANCEL in {s.action for s in sent if isinstance(s, Command)}
    assert (desk.standing.drill, desk.standing.drilled_at, desk.standing.failed) == (None, None, None)


def test_a_drill_never_takes_a_real_commands_place_and_gives_way_to_one() -> None:
    desk = warm()
    desk.tell("overrides", desk.override(OverrideAction.DRILL))
    sent = desk.harmed()
    assert [s.drill for s in sent if isinstance(s, Command) and s.action is Action.ROUTE_TO_SAFE_PATH] == [False]
    assert desk.standing.drill is None
    desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert desk.last.reason.startswith("busy")


def test_a_rollback_of_today_holds_no_drill_back_and_says_that_it_would_the_real_thing() -> None:
    desk = warm()
    desk.led_back()
    for _ in range(14):
        desk.calm("v1")
    assert len(desk.standing.rollbacks) == 1
    sent = desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert subjects(sent) == ["NOTICE drill", "ROUTE_TO_SAFE_PATH"]
    began, command = sent[0], routed(sent)
    assert isinstance(began, Alert)
    words = "in earnest it would be vetoed by again (traffic led elsewhere in 24 h, by whomever: 1; cooldown:"
    assert words in began.summary
    assert words in next(entry for entry in desk.journal if entry.drill).reason
    assert {note.name for note in began.vetoes if note.result == "stands"} == {"again"}
    (end,) = desk.tell("acks", desk.ack(command))
    assert isinstance(end, Alert)
    assert (end.severity, "passed" in end.summary) == (Severity.TICKET, True)
    assert desk.standing.drilled_at == desk.now
    assert len(desk.standing.rollbacks) == 1
    assert desk.recounted() == []


def test_what_else_stands_fails_a_drill_after_a_rollback_too() -> None:
    desk = warm(ARMED + "safe_path: {version: v0}\n")
    desk.tell("acks", desk.heartbeat("v0"))
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    for _ in range(6):
        desk.calm("v1")  # The heartbeat that vouched for v0 is too old by then.
    sent = desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert [s for s in sent if isinstance(s, Command)] == []
    failed = next(s for s in sent if isinstance(s, Alert) and "failed after" in s.summary)
    assert "vetoed by target" in failed.summary
    assert "again" not in failed.summary


@pytest.mark.parametrize("named", ["", "safe_path: {version: v1}\n"])
def test_where_the_safe_path_alone_serves_a_canary_is_imagined_beside_it(named: str) -> None:
    desk = Desk(ARMED + named)
    desk.calm("v1")
    sent = desk.tell("overrides", desk.override(OverrideAction.DRILL))
    command = routed(sent)
    assert (command.drill, command.from_version, command.target_version) == (True, "drill", "v1")
    desk.tell("acks", desk.ack(command))
    assert desk.standing.drilled_at == desk.now
    assert {s.version for s in desk.standing.standings} == {"v1"}
    assert desk.recounted() == []


def test_the_primary_is_rehearsed_where_another_safe_path_is_named() -> None:
    desk = Desk(ARMED + "safe_path: {version: v0}\n")
    desk.calm("v1")
    desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert "v0: no healthy window" in desk.last.reason


def test_a_drill_without_a_way_back_fails_and_says_why() -> None:
    desk = Desk()
    sent = desk.tell("overrides", desk.override(OverrideAction.DRILL))
    assert [s for s in sent if isinstance(s, Command)] == []
    assert "vetoed by target" in desk.last.reason


def test_an_overdue_drill_is_said_once_a_period_and_freezes_where_asked() -> None:
    text = ARMED + "drills: {every: 2d, freeze: true}\n"
    desk = warm(text)
    sent = desk.round(2 * 24 * HOUR)
    assert subjects(sent)[-2:] == ["NOTICE drill_overdue", "FREEZE_ROLLOUT"]
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert desk.round(HOUR) == []
    again = desk.round(2 * 24 * HOUR)
    assert [a.subject for a in again if isinstance(a, Alert)] == ["drill_overdue"]


def test_no_drill_is_asked_for_where_rollbacks_are_off() -> None:
    desk = warm(ARMED.replace("armed", "off"))
    desk.round(30 * 24 * HOUR)
    assert [a.subject for a in desk.alerts if a.event is AlertEvent.NOTICE] == ["sensing_degraded"]
