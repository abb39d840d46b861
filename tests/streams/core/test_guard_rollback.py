"""Guard: harm that is shown leads traffic away once, and what follows is watched until people may look elsewhere."""

from dataclasses import replace

import pytest

from kedge.schemas.records import AckResult, Action, Alert, Command, OverrideAction, Role, Verdict
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.rules import Act, approach
from tests.streams.core.made_guard import ARMED, Desk, finding, harm, notes, routed, subjects


def warm(text: str = ARMED) -> Desk:
    """A desk on which primary v1 and canary v2 have been healthy."""
    desk = Desk(text)
    desk.calm()
    desk.calm()
    return desk


def test_harm_beside_a_concurrent_control_leads_traffic_to_it_at_once() -> None:
    desk = warm()
    sent = desk.harmed()
    assert subjects(sent) == ["OPENED rollback", "ROUTE_TO_SAFE_PATH"]
    command = routed(sent)
    assert (command.from_version, command.target_version, command.drill) == ("v2", "v1", False)
    decided = next(e for e in desk.journal if e.staged)
    assert decided.decision == "open_incident+route_to_safe_path"
    assert set(notes(decided).values()) == {"clear"}
    assert len(decided.vetoes) == 11
    assert (decided.state_before, decided.state_after) == ("HEALTHY", "AWAIT_ACK")
    assert desk.recounted() == []


def test_a_contained_rollback_cools_down_in_windows_and_ends_healthy() -> None:
    desk = warm()
    command = routed(desk.harmed())
    (freeze,) = desk.tell("acks", desk.ack(command))
    assert subjects([freeze]) == ["FREEZE_ROLLOUT"]
    desk.tell("acks", desk.ack(desk.commands[-1]))
    seen = [desk.standing.state]
    for _ in range(14):
        desk.calm("v1")
        seen.append(desk.standing.state)
    assert list(dict.fromkeys(seen)) == ["INCIDENT", "CONTAINED", "COOLDOWN", "HEALTHY"]
    assert seen.count("COOLDOWN") == 6
    told = [f"{a.event.value} {a.subject}" for a in desk.alerts]
    assert told == ["OPENED rollback", "NOTICE contained", "RESOLVED rollback"]
    assert desk.recounted() == []


def test_still_in_breach_two_windows_after_the_ack_calls_people_and_does_nothing_more() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    sent: list[Alert | Command] = []
    for _ in range(6):
        sent += desk.minute(desk.drifted("v1"))
    assert desk.standing.state == "FAILED_ACTION"
    assert "NOTICE action_failed" in subjects(sent)
    assert [s for s in sent if isinstance(s, Command)] == []


@pytest.mark.parametrize("result", [AckResult.NACKED, None])
def test_a_rollback_that_fails_is_never_tried_again(result: AckResult | None) -> None:
    desk = warm()
    command = routed(desk.harmed())
    if result is None:
        desk.round(11 * 60_000)
    else:
        desk.tell("acks", desk.ack(command, result))
    assert desk.standing.state == "FAILED_ACTION"
    before = len({c.command_id for c in desk.commands})
    for _ in range(4):
        desk.harmed()
    assert len({c.command_id for c in desk.commands}) == before
    desk.tell("overrides", desk.override(OverrideAction.RELEASE))
    desk.harmed()
    routes = {c.command_id for c in desk.commands if c.action is Action.ROUTE_TO_SAFE_PATH}
    assert len(routes) == 1
    assert desk.recounted() == []


def test_an_acknowledgement_that_says_another_version_is_a_failure() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed()), observed_version="v9"))
    assert desk.standing.state == "FAILED_ACTION"


def test_unacknowledged_it_is_sent_again_byte_for_byte_and_escalated_once() -> None:
    desk = warm()
    first = routed(desk.harmed())
    sent: list[Alert | Command] = []
    for _ in range(60):
        sent += desk.round(1_000)
    commands = [s for s in sent if isinstance(s, Command)]
    assert commands
    assert all(command == first for command in commands)
    writes = {w.value for w in desk.written if w.topic == "control"}
    assert len(writes) == 1
    assert [s for s in subjects(sent) if "NOTICE" in s] == ["NOTICE command_unacked"]


def test_a_late_acknowledgement_corrects_what_is_known_and_ends_nothing_twice() -> None:
    desk = warm()
    command = routed(desk.harmed())
    desk.round(11 * 60_000)
    sent = desk.tell("acks", desk.ack(command))
    assert subjects(sent) == ["NOTICE action_failed"]
    assert [(e.end, e.corrected) for e in desk.standing.ended] == [("expired", "acked")]
    assert desk.standing.state == "FAILED_ACTION"
    assert desk.standing.incident is not None
    assert desk.standing.incident.acked_at == desk.now


def test_all_named_actuators_must_answer_and_some_are_a_failure() -> None:
    text = ARMED.replace("expires_after: 10m", "expires_after: 10m, actuators: [router-1, router-2]")
    desk = warm(text)
    command = routed(desk.harmed())
    desk.tell("acks", desk.ack(command))
    assert desk.standing.state == "AWAIT_ACK"
    both = warm(text)
    for who in ("router-1", "router-2", "router-3"):
        both.tell("acks", both.ack(routed(both.harmed()) if who == "router-1" else both.commands[0], actuator_id=who))
    assert both.standing.state == "INCIDENT"
    desk.round(11 * 60_000)
    assert desk.standing.state == "FAILED_ACTION"
    assert "only router-1 acknowledged, not router-2" in desk.last.reason


def test_an_answer_to_nothing_is_refused_and_said() -> None:
    desk = warm()
    command = routed(desk.harmed())
    desk.tell("acks", desk.ack(replace(command, command_id="nothing")))
    assert desk.last.decision == "refuse_ack"
    desk.tell("acks", desk.ack(command, environment="elsewhere"))
    assert "wrong_environment" in desk.last.reason
    desk.tell("acks", desk.ack(command, sequence=7))
    assert "mismatch" in desk.last.reason
    assert desk.standing.state == "AWAIT_ACK"


def test_a_shadow_that_does_harm_freezes_and_moves_no_traffic() -> None:
    desk = warm()
    sent = desk.minute(desk.version_report(role=Role.SHADOW))
    assert subjects(sent) == ["OPENED drift", "FREEZE_ROLLOUT"]


def test_drift_alone_never_moves_traffic() -> None:
    desk = warm()
    for _ in range(5):
        desk.minute(desk.report("v1"), desk.drifted("v2", role=Role.CANARY))
    assert {c.action for c in desk.commands} == {Action.FREEZE_ROLLOUT}


def test_streams_and_segments_of_one_window_are_one_alert() -> None:
    desk = warm()
    segments = [desk.drifted("v1", segment=f"region={name}") for name in ("eu", "us", "asia")]
    desk.minute(desk.drifted("v1"), *segments)
    desk.minute(
        *(replace(r, window_start=desk.window, window_end=desk.window + 60_000) for r in segments), desk.drifted()
    )
    assert [a.event.value for a in desk.alerts] == ["OPENED"]
    assert desk.standing.incident is not None
    assert sum(signal.held for stream in desk.streams for signal in stream.signals) == 4


def test_a_graver_command_takes_a_lesser_ones_place() -> None:
    desk = warm()
    for _ in range(2):
        desk.minute(desk.report("v1"), desk.drifted("v2", role=Role.CANARY))
    assert [c.action for c in desk.commands] == [Action.FREEZE_ROLLOUT]
    # The freeze is out, and nobody has answered.
    sent = desk.harmed()
    assert subjects(sent) == ["UPDATED rollback", "ROUTE_TO_SAFE_PATH"]
    assert [(e.action, e.end) for e in desk.standing.ended] == [(Action.FREEZE_ROLLOUT, "superseded")]


def test_in_dry_run_nobody_is_told_and_in_advice_people_are() -> None:
    dry = warm(ARMED.replace("armed", "dry_run"))
    sent = dry.harmed()
    assert subjects(sent) == ["OPENED rollback", "FREEZE_ROLLOUT"]
    advice = warm(ARMED.replace("armed", "advise"))
    sent = advice.harmed()
    assert subjects(sent) == ["OPENED rollback", "FREEZE_ROLLOUT"]
    assert "advice: lead traffic to v1" in next(s for s in sent if isinstance(s, Alert)).summary
    for desk in (dry, advice):
        assert len(next(e for e in desk.journal if e.withheld).withheld) == 1


def test_staged_it_waits_for_the_overrides_that_lay_there() -> None:
    desk = warm()
    desk.append("reports", desk.version_report())
    desk.append("overrides", desk.override(OverrideAction.SUPPRESS))
    desk.read("reports")
    assert [s for s in desk.round() if isinstance(s, Command)] == []
    assert desk.standing.state == "AWAIT_ACK"
    sent = desk.tell("overrides")
    assert [s for s in sent if isinstance(s, Command)] == []
    assert "withdraw" in desk.last.decision
    assert desk.standing.state == "HUMAN_HOLD"
    assert desk.recounted() == []


def test_a_quality_rule_that_is_broken_upstream_vetoes() -> None:
    desk = warm()
    broken = finding(Verdict.DRIFTED)
    pipeline = replace(broken, cause=type(broken.cause).PIPELINE)
    canary = desk.report("v2", role=Role.CANARY, verdict=Verdict.DRIFTED, findings=(pipeline,))
    desk.minute(desk.report("v1"), canary, desk.version_report())
    vetoed = next(e for e in desk.journal if e.vetoes)
    assert [name for name, result in notes(vetoed).items() if result == "stands"] == ["pipeline_cause"]


def test_harm_that_is_not_shown_yet_decides_nothing() -> None:
    desk = warm()
    sent = desk.harmed(harms=(harm(verdict=Verdict.INSUFFICIENT),), verdict=Verdict.INSUFFICIENT)
    assert sent == []


def test_a_person_leads_traffic_back_though_the_router_has_moved_since_the_incident_began() -> None:
    desk = warm()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    back = desk.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH, target_version="v2")
    command = routed(desk.tell("overrides", back))
    stands = Observed(version="v1", generation="7")
    assert approach(command, stands, command.issued_at) == Act("7")
    assert approach(replace(command, from_version="v2"), stands, command.issued_at) != Act("7")
    desk.tell("acks", desk.ack(command))
    for _ in range(4):
        desk.calm("v2")
    advised = [s.summary for s in desk.alerts if s.subject == "contained"]
    assert advised
    assert not any("as a shadow" in summary for summary in advised)
    assert desk.recounted() == []
