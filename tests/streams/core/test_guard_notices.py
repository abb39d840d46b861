"""Guard: sensing, promotion, retraining: what people are told beside incidents, and only when it has changed."""

from kedge.schemas.records import (
    Action,
    Alert,
    Command,
    HarmKind,
    OutcomeSection,
    OverrideAction,
    Role,
    Verdict,
)
from kedge.streams.core.guarding.states import TRANSITIONS, State, Trigger, transition_diagram
from tests.streams.core.made_guard import ARMED, Desk, harm, routed, subjects
from tests.streams.core.test_guard_evidence import pairs
from tests.streams.core.test_guard_rollback import warm

HOUR = 3_600_000


def told(sent: list[Alert | Command], subject: str) -> list[Alert]:
    return [s for s in sent if isinstance(s, Alert) and s.subject == subject]


def test_a_live_model_without_reports_for_three_windows_is_sensed_badly_until_they_are_back() -> None:
    desk = warm()
    assert desk.round(2 * 60_000) == []
    assert subjects(desk.round(61_000)) == ["NOTICE sensing_degraded"]
    assert desk.standing.state == "DEGRADED_SENSING"
    assert desk.round(HOUR) == []
    desk.window = desk.now - desk.now % 60_000
    assert subjects(desk.calm()) == ["NOTICE sensing_degraded"]
    assert desk.standing.state == "HEALTHY"
    assert desk.recounted() == []


def test_incomplete_windows_degrade_sensing_too_and_no_data_is_never_healthy() -> None:
    desk = warm()
    for _ in range(3):
        desk.minute(desk.report("v1", completeness=0.5, verdict=Verdict.INSUFFICIENT, findings=()))
    assert desk.standing.state == "DEGRADED_SENSING"
    desk.calm()
    assert desk.standing.state == "HEALTHY"


def test_a_guard_that_was_away_does_not_blame_the_model() -> None:
    desk = warm()
    desk.now += HOUR
    desk.crash()
    assert desk.round() == []


def test_a_model_is_known_from_its_monitor_on() -> None:
    desk = Desk()
    desk.round()
    assert (desk.standing.state, desk.journal[0].input_topic) == ("WARMUP", "tick")
    assert desk.round(HOUR) == []


PROMOTION = ARMED + "promotion: {outcome_duration: 2m, latency_p95_ms_max: 200, disagreement_max: 0.2}\n"


def good(desk: Desk, **changes: object) -> list[Alert | Command]:
    clicks = harm(HarmKind.OUTCOME, "click.positive_rate", change=0.01, verdict=Verdict.STABLE)
    made = {"harms": (clicks,), "verdict": Verdict.STABLE, "outcomes_due": True, "pairs": pairs(0.1), **changes}
    return desk.harmed(**made)


def test_a_candidate_is_promoted_by_every_criterion_and_held_by_any_that_is_unknown() -> None:
    desk = warm(PROMOTION)
    (first,) = told(good(desk), "promotion")
    assert {n.name: n.result for n in first.criteria} == {
        "schema_clean": "pass",
        "latency_p95": "pass",
        "outcome": "unknown",
        "worst_segment": "pass",
        "disagreement": "pass",
        "drill": "unknown",
    }
    assert "HOLD, outcome unknown, drill unknown" in first.summary
    drilled = routed(desk.tell("overrides", desk.override(OverrideAction.DRILL)))
    desk.tell("acks", desk.ack(drilled))
    (second,) = told(good(desk), "promotion")
    assert "PROMOTE" in second.summary
    assert told(good(desk), "promotion") == []
    (third,) = told(good(desk, latency_p95_ms=900.0), "promotion")
    assert "latency_p95 fail" in third.summary


def test_an_overdue_drill_holds_promotion() -> None:
    desk = warm(PROMOTION + "drills: {every: 1d}\n")
    drilled = routed(desk.tell("overrides", desk.override(OverrideAction.DRILL)))
    desk.tell("acks", desk.ack(drilled))
    good(desk)
    good(desk)
    desk.round(25 * HOUR)
    (held,) = told(good(desk), "promotion")
    assert {n.name: n.result for n in held.criteria}["drill"] == "fail"


RETRAIN = ARMED + "retrain: {after: 3m, every: 14d}\n"


def test_a_retraining_is_asked_for_once_the_drift_is_no_blip() -> None:
    desk = warm(RETRAIN)
    sent = [told(desk.minute(desk.drifted("v1")), "retrain") for _ in range(6)]
    assert [len(alerts) for alerts in sent] == [0, 0, 1, 0, 0, 0]
    asked = sent[2][0]
    assert "asked for (advised)" in asked.summary
    assert {n.name: n.result for n in asked.criteria} == {
        "pipeline": "pass",
        "labels": "unknown",
        "blip": "pass",
        "threshold": "unknown",
    }


def test_a_retraining_is_withheld_while_labels_are_late() -> None:
    desk = warm(RETRAIN)
    section = OutcomeSection(outcome="click", n=10, predictions=1_000, mature=False, confusion=())
    late = desk.version_report(
        version="v1",
        role=Role.PRIMARY,
        control="",
        harms=(),
        outcomes=(section,),
        outcomes_due=True,
        verdict=Verdict.STABLE,
    )
    sent = [told(desk.minute(desk.drifted("v1"), late), "retrain") for _ in range(4)]
    (withheld,) = [alert for alerts in sent for alert in alerts]
    assert "withheld because of labels" in withheld.summary


# -- the table --------------------------------------------------------------------------------------------------------


def test_every_state_is_reached_and_left_by_the_table() -> None:
    moves = {(state, target) for state, by in TRANSITIONS.items() for target in by.values() if target is not state}
    assert {target for _, target in moves} | {State.WARMUP} == set(State)
    assert {state for state, _ in moves} == set(State)
    assert {trigger for by in TRANSITIONS.values() for trigger in by} == set(Trigger)


def test_people_can_hold_from_every_state_and_a_failure_can_come_in_every_one() -> None:
    assert all(by[Trigger.HELD] is State.HUMAN_HOLD for by in TRANSITIONS.values())
    failing = {state for state, by in TRANSITIONS.items() if by.get(Trigger.FAILED) is State.FAILED_ACTION}
    assert failing == set(State) - {State.HUMAN_HOLD}


def test_the_diagram_has_every_move() -> None:
    arrows = [line for line in transition_diagram().splitlines() if "-->" in line]
    moves = {(state, target) for state, by in TRANSITIONS.items() for target in by.values() if target is not state}
    assert len(arrows) == len(moves) + 1


UNFROZEN = ARMED.replace("actions: {", "actions: {freeze_rollout: {mode: off}, ")


def test_of_an_incident_that_was_silenced_nobody_hears_the_end_either() -> None:
    desk = warm(UNFROZEN)
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS, expires_at=desk.now + 3 * 60_000))
    for _ in range(2):
        desk.minute(desk.drifted("v1"))
    assert desk.standing.incident is not None
    for _ in range(3):
        desk.calm()
    assert desk.standing.holds == ()
    assert "resolve_incident" in desk.last.decision
    assert "nobody was told of this incident" in desk.last.reason
    assert {alert.subject for alert in desk.alerts} == {"hold"}
    assert desk.recounted() == []


def test_an_incident_that_was_silenced_is_told_of_when_it_freezes_the_rollout_after_all() -> None:
    desk = warm()
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS, expires_at=desk.now + 3 * 60_000))
    for _ in range(2):
        desk.minute(desk.drifted("v1"))
    sent = desk.round(60_000)
    assert subjects(sent) == ["NOTICE hold", "OPENED drift", "FREEZE_ROLLOUT"]
    opened = next(s for s in sent if isinstance(s, Alert) and s.subject == "drift")
    assert opened.summary == "m v1: opened, open since a hold that is over: age"
    assert (opened.version, opened.command_id) == ("v1", desk.commands[-1].command_id)
    assert desk.recounted() == []


def test_once_anything_was_told_of_a_silenced_incident_its_end_is_told_too() -> None:
    desk = warm(UNFROZEN)
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS, expires_at=desk.now + 3 * 60_000))
    for _ in range(2):
        desk.minute(desk.report("v1"), desk.drifted("v2", role=Role.CANARY))
    route = desk.override(OverrideAction.FORCE, forced=Action.ROUTE_TO_SAFE_PATH, target_version="v1")
    desk.tell("overrides", route)
    desk.tell("acks", desk.ack(desk.commands[-1]))
    for _ in range(6):
        desk.calm("v1")
    told = [f"{alert.event.value} {alert.subject}" for alert in desk.alerts if alert.subject != "hold"]
    assert told == ["NOTICE contained", "RESOLVED drift"]


def test_what_a_page_says_is_said_once_and_with_its_evidence() -> None:
    desk = warm()
    opened = next(s for s in desk.harmed() if isinstance(s, Alert))
    reason = harm().reason
    assert opened.summary == f"m v2: opened, in breach beside v1: error_rate; harm: {reason}; traffic is led to v1"
    vetoed = warm()
    alone = next(s for s in vetoed.harmed(senders=4, largest_sender_share=0.9) if isinstance(s, Alert))
    assert alone.summary.endswith(
        "a rollback to v1 is vetoed by one_sender (90.0% of the rows from one of 4; 50% allowed)"
    )
    forced = vetoed.tell("overrides", vetoed.override(OverrideAction.FORCE, forced=Action.FREEZE_ROLLOUT))
    assert [s.summary for s in told(forced, "hold")] == ["m: FREEZE_ROLLOUT is forced by ann: because"]
