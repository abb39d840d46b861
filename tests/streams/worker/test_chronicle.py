"""What a guard did is in the log once, joins to its journal, and quotes nobody."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from kedge.schemas.records import AckResult, OverrideAction
from kedge.streams.core.instructions import Write
from kedge.streams.events import EVENTS
from kedge.streams.logs import JsonFormatter
from kedge.streams.names import Agent
from kedge.streams.worker.chronicle import Chronicle
from kedge.streams.worker.means import Seat
from tests.streams.core.made_guard import CODEC, Desk, routed
from tests.streams.core.test_guard_rollback import warm

SEAT = Seat(Agent.GUARD, 0)


def lines(caplog: pytest.LogCaptureFixture, writes: Sequence[Write]) -> list[dict[str, Any]]:
    """What is logged of a checkpoint with these, each a line that the table of events describes."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "kedge.worker"):
        Chronicle(SEAT, CODEC).tell(writes)
    found = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    for line in found:
        assert set(line) == {"time", "level", "logger", "message", "event", *EVENTS[line["event"]].fields}
    return found


def names(found: Sequence[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in found]


def test_a_rollback_from_the_harm_to_the_ack(caplog: pytest.LogCaptureFixture) -> None:
    desk = warm()
    before = len(desk.written)
    command = routed(desk.harmed())
    desk.tell("acks", desk.ack(command))
    found = lines(caplog, desk.written[before:])
    assert names(found)[:6] == [
        "incident_opened",
        "command_staged",
        "state_changed",
        "alert_sent",
        "command_sent",
        "command_acked",
    ]
    assert {line["model"] for line in found} == {"m"}
    assert {line["incident"] for line in found[:6]} == {command.incident}
    assert {line["command_id"] for line in found[:6] if "command_id" in line} >= {command.command_id}
    assert found[5]["command_id"] == command.command_id
    entries = {entry.sequence: entry for entry in desk.journal}
    assert entries[found[1]["journal_sequence"]].staged == (command.command_id,)
    assert entries[found[4]["journal_sequence"]].commands == (command.command_id,)
    assert (found[2]["state_before"], found[2]["state"]) == ("HEALTHY", "AWAIT_ACK")
    assert found[3]["alert_id"] == desk.alerts[0].alert_id


def test_what_nobody_answers_is_sent_again_escalated_and_refused(caplog: pytest.LogCaptureFixture) -> None:
    desk = warm()
    command = routed(desk.harmed())
    before = len(desk.written)
    for _ in range(4):
        desk.round(15_000)
    desk.tell("acks", desk.ack(command, AckResult.NACKED))
    found = lines(caplog, desk.written[before:])
    assert {"command_resent", "command_unacked", "command_nacked", "action_failed"} <= set(names(found))


def test_people_are_told_of_by_what_they_did_and_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    desk = warm()
    words = {"actor": "ann.example", "reason": "see the mail of jane.doe"}
    desk.tell("overrides", desk.override(OverrideAction.PIN, target_version="v1", **words))
    desk.tell("overrides", desk.override(OverrideAction.SUPPRESS, **{**words, "actor": " "}))
    found = lines(caplog, desk.written)
    told = [line for line in found if line["event"].startswith("override")]
    assert [(line["event"], line["step"], line.get("reason")) for line in told] == [
        ("override_taken", "override_pin", None),
        ("override_refused", "refuse_override", "no_actor"),
    ]
    text = json.dumps(found)
    assert "alert_sent" in text
    assert "ann.example" not in text
    assert "jane.doe" not in text


def test_a_veto_is_named(caplog: pytest.LogCaptureFixture) -> None:
    desk = warm()
    desk.harmed(senders=1, largest_sender_share=1.0, n_eff=3.0)
    [line] = [line for line in lines(caplog, desk.written) if line["event"] == "rollback_vetoed"]
    assert "few_samples" in line["vetoes"]


def test_a_window_in_which_nothing_happens_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    desk = warm()
    before = len(desk.written)
    desk.calm()
    assert desk.journal
    assert lines(caplog, desk.written[before:]) == []


def test_refused_records_are_summed_up(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.tell("reports", b"garbage", b"more of it", b"")
    with caplog.at_level(logging.INFO, "kedge.worker"):
        chronicle = Chronicle(SEAT, CODEC)
        chronicle.tell(desk.written)
        chronicle.tell(desk.written)
    [record] = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["agent"], line["partition"]) == ("records_refused", "guard", 0)
    assert sum(line["reasons"].values()) == 3
