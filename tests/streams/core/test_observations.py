"""What cores notice for the metrics: of windows, of incidents and commands, and of rows that are missing."""

from collections.abc import Iterable
from dataclasses import replace

from kedge.schemas.records import AckResult, Action, AlertEvent, Role, Verdict
from kedge.streams.core.instructions import Observation
from kedge.streams.core.measures import Shown
from tests.streams.core.made import NOON, Log, Rec, Sender, tally
from tests.streams.core.made_guard import ARMED, LENGTH, Desk, harm, routed
from tests.streams.core.versions_made import START, Answers, Stage

Found = dict[str, list[tuple[dict[str, str], float]]]


def found(observations: Iterable[Observation]) -> Found:
    by_name: Found = {}
    for observation in observations:
        labels = {name: value for name, value in observation.labels.items() if name != "model"}
        by_name.setdefault(observation.name, []).append((labels, observation.value))
    return by_name


def test_what_was_dropped_and_what_lies_in_a_gap_is_noted_apart_and_refunded_when_it_comes() -> None:
    core, log, sender = tally(), Log(), Sender()
    first, lost, second = (sender.batch([NOON + i] * rows) for i, rows in enumerate((3, 5, 2)))
    core.fold([log.append(first)], NOON)
    assert {labels["why"]: n for labels, n in found(core.drain())["missing"]} == {"dropped": 0, "gap": 0, "found": 0}
    core.fold([log.append(replace(second, dropped=7))], NOON)
    assert {labels["why"]: n for labels, n in found(core.drain())["missing"]} == {"dropped": 7, "gap": 5, "found": 0}
    core.fold([log.append(lost)], NOON)
    assert {labels["why"]: n for labels, n in found(core.drain())["missing"]} == {"dropped": 0, "gap": 0, "found": 5}


def test_the_newest_row_is_noted_by_its_append() -> None:
    core, log = tally(), Log()
    core.fold([log.append(Sender().batch([NOON - 5_000]), NOON + 77)], NOON)
    assert found(core.drain())["last_row_ms"] == [({}, NOON + 77)]


def test_a_report_is_delayed_since_what_closed_its_window_was_appended() -> None:
    stage = Stage()
    stage.counted(0, Answers())
    closing = Rec("e.kedge.partials", 1, START, stage.progress(START + 60_000))
    stage.judge.fold([closing], START + 61_500)
    seen = found(stage.judge.drain())
    assert seen["report_delay_ms"] == [({}, 1_500)]
    assert seen["model_watermark_ms"] == [({}, START + 60_000)]


def test_an_amendment_and_a_segment_never_stand_where_the_newest_window_is_shown() -> None:
    desk, shown = Desk(), Shown()
    newest = desk.report(window_start=LENGTH, window_end=2 * LENGTH)
    assert {o.name for o in shown.of(newest)} >= {"window_verdict", "psi_debiased", "window_completeness"}
    assert list(shown.of(replace(newest, window_start=0, window_end=LENGTH, revision=3))) == []
    part = replace(newest, window_start=0, window_end=LENGTH, segment="region=eu", verdict=Verdict.DRIFTED)
    labels = {"model": "m", "version": "v1", "role": "PRIMARY", "segment": "region=eu"}
    assert list(shown.of(part)) == [Observation("segment_verdict", labels, 4)]


def test_evidence_of_harm_is_shown_by_its_threshold() -> None:
    told = Desk().version_report(harms=(harm(log_evidence=23.0, log_threshold=11.5),), traffic_share=0.1)
    seen = found(Shown().of(told))
    stream = {"version": "v2", "role": "CANARY"}
    assert seen == {
        "traffic_share": [(stream, 0.1)],
        "harm_evidence": [({**stream, "measure": "error_rate"}, 2.0)],
    }


def test_a_monitor_says_whom_and_by_what_to_measure() -> None:
    desk = Desk(f'escalation: [lead@example.com, cto@example.com]\ntrained_at: "2023-01-02"\n{ARMED}')
    desk.calm("v1")
    seen = found(desk.guard.drain())
    assert seen["model_info"] == [({"owner": "me", "escalation": "lead@example.com,cto@example.com"}, 1)]
    assert seen["window_length_ms"] == [({}, LENGTH)]
    assert seen["latency_slo_ms"] == [({}, 200)]
    assert seen["trained_ms"] == [({}, 1_672_617_600_000)]
    [(_, due)] = seen["drill_due_ms"]
    assert due == desk.standing.since + 7 * 24 * 3_600_000
    assert not seen.keys() & {"incident_opened_ms", "rollback_sent_ms", "command_sent_ms", "drill_age_ms"}


def test_a_model_that_never_sent_is_known_from_its_monitor() -> None:
    desk = Desk()
    desk.round()
    assert found(desk.guard.drain())["model_info"] == [({"owner": "me", "escalation": ""}, 1)]


def test_commands_and_alerts_are_counted_from_nothing() -> None:
    desk = Desk()
    desk.round()
    seen = found(desk.guard.drain())
    assert {(labels["action"], n) for labels, n in seen["commands"]} == {(action.value, 0) for action in Action}
    assert {(labels["event"], n) for labels, n in seen["alerts"]} == {(event.value, 0) for event in AlertEvent}


def test_a_rollback_is_shown_with_its_incident_for_a_day_and_its_command_until_it_is_answered() -> None:
    desk = Desk()
    desk.calm()
    desk.calm()
    command = routed(desk.harmed())
    seen = found(desk.guard.drain())
    incident = desk.standing.incident
    assert incident is not None
    about = {"incident": incident.incident, "subject": "rollback", "severity": "page"}
    assert seen["incident_opened_ms"] == [(about, incident.opened_at)]
    assert seen["rollback_sent_ms"] == [({"incident": incident.incident}, desk.now)]
    waiting = {"incident": incident.incident, "action": "ROUTE_TO_SAFE_PATH", "drill": "false"}
    assert seen["command_sent_ms"] == [(waiting, desk.now)]
    sent_at = desk.now
    desk.now += 4_000
    desk.tell("acks", desk.ack(command))
    seen = found(desk.guard.drain())
    assert seen["rollback_sent_ms"] == [({"incident": incident.incident}, sent_at)]
    assert seen["command_sent_ms"] == [({**waiting, "action": "FREEZE_ROLLOUT"}, desk.now)]
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert "command_sent_ms" not in found(desk.guard.drain())
    desk.round(passed_ms=25 * 3_600_000)
    assert "rollback_sent_ms" not in found(desk.guard.drain())


def test_a_command_is_delayed_since_the_append_of_what_led_to_it_and_a_resend_is_no_delay() -> None:
    desk = Desk()
    desk.calm()
    desk.calm()
    for report in (desk.report("v1"), desk.report("v2", role=Role.CANARY), desk.version_report()):
        desk.append("reports", report)
    desk.read("reports")
    desk.guard.drain()
    desk.round(passed_ms=700)
    assert found(desk.guard.drain())["command_delay_ms"] == [({}, 700)]
    assert desk.round(passed_ms=6_000) == [desk.commands[0]]
    assert "command_delay_ms" not in found(desk.guard.drain())


def test_a_command_that_a_guard_before_had_staged_is_delayed_since_its_decision() -> None:
    desk = Desk()
    desk.calm()
    desk.calm()
    for report in (desk.report("v1"), desk.report("v2", role=Role.CANARY), desk.version_report()):
        desk.append("reports", report)
    desk.read("reports")
    list(desk.leave(desk.guard.snapshot(desk.now)))
    desk.crash()
    desk.round(passed_ms=9_000)
    assert found(desk.guard.drain())["command_delay_ms"] == [({}, 9_000)]


def test_a_failed_action_and_blindness_are_shown_apart_from_the_state() -> None:
    desk = Desk()
    desk.calm()
    desk.calm()
    desk.tell("acks", desk.ack(routed(desk.harmed()), AckResult.NACKED))
    assert found(desk.guard.drain())["action_failed"] == [({}, 1)]
    desk.round(passed_ms=10 * LENGTH)
    seen = found(desk.guard.drain())
    assert (seen["action_failed"], seen["sensing_degraded"], seen["guard_state"]) == ([({}, 1)], [({}, 1)], [({}, 9)])
