"""`kedge drill`: followed to its end, and what is left behind as evidence."""

import json
from pathlib import Path

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.records import AckResult, Command, OverrideAction
from tests.streams.cli.live_guard import MODEL, LiveGuard, lay_down, todays_desk
from tests.streams.cli.scripted import Deployment
from tests.streams.cli.support import call, lines
from tests.streams.core.made_guard import routed

DRILL = ("drill", MODEL, "--fault", "canary_errors", "--actor", "ana", "--reason", "weekly")
ENV = {"KEDGE_TRUST": "development"}


def test_an_acknowledged_drill_is_exit_0_and_leaves_the_whole_evidence(tmp_path: Path) -> None:
    deployment, desk, out = Deployment(), todays_desk(), tmp_path / "bundle.json"
    lay_down(deployment, desk)
    with LiveGuard(deployment, desk, [AckResult.ACKED]):
        told = call(*DRILL, "--out", out, "--json", *deployment.options, env=ENV)
    assert told.exit_code == 0, told.output
    (bundle,) = lines(told)
    assert json.loads(out.read_text()) == bundle
    command = bundle["command"]
    assert (command["drill"], command["action"], command["target_version"]) == (True, "ROUTE_TO_SAFE_PATH", "v1")
    assert command["incident"] == bundle["trace_id"]
    record = Codec().decode(bytes.fromhex(bundle["command_record"]), Command)
    assert record.command_id == command["command_id"]
    assert {key: bundle["metric"][key] for key in ("name", "version", "control")} == {
        "name": "error_rate", "version": "v2", "control": "v1",
    }  # fmt: skip
    assert [ack["result"] for ack in bundle["acks"]] == ["ACKED"]
    assert (bundle["owner"], bundle["actor"], bundle["fault"]) == ("me", "ana", "canary_errors")
    assert any("drill_passed" in line for line in bundle["log"])
    assert bundle["vetoes"] == {}
    seconds = bundle["seconds"]
    assert all(seconds[step] >= 0 for step in ("decided", "commanded", "acked", "over"))
    assert desk.standing.drilled_at is not None


def test_a_file_that_cannot_be_written_is_said_before_anything_is_injected(tmp_path: Path) -> None:
    deployment, desk = Deployment(), todays_desk()
    lay_down(deployment, desk)
    told = call(*DRILL, "--out", tmp_path / "away" / "drill.json", *deployment.options, env=ENV)
    assert told.exit_code == 1
    assert "drill.json cannot be written (No such file or directory), so that no drill was sent" in told.stderr
    assert deployment.end("overrides", MODEL) == 0


def test_a_drill_that_cannot_be_sent_leaves_the_evidence_of_the_last_one_alone(tmp_path: Path) -> None:
    deployment, kept, fresh = Deployment(), tmp_path / "kept.json", tmp_path / "fresh.json"
    kept.write_text("{}")
    for out in (kept, fresh):
        told = call(*DRILL, "--out", out, *deployment.options, env=ENV)
        assert (told.exit_code, "no monitor of" in told.stderr) == (1, True), told.output
    assert (kept.read_text(), fresh.exists()) == ("{}", False)


def test_the_evidence_names_what_would_withhold_the_real_thing() -> None:
    deployment, desk = Deployment(), todays_desk()
    desk.tell("acks", desk.ack(routed(desk.harmed())))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    lay_down(deployment, desk)
    with LiveGuard(deployment, desk, [AckResult.ACKED]):
        told = call(*DRILL, "--json", *deployment.options, env=ENV)
    assert told.exit_code == 0, told.output
    assert "in earnest it would be vetoed by again" in told.stderr
    (bundle,) = lines(told)
    assert bundle["vetoes"] == {"again": "traffic led elsewhere in 24 h, by whomever: 1; cooldown: 0 windows left"}


def test_a_drill_that_the_router_refuses_is_exit_1() -> None:
    deployment, desk = Deployment(), todays_desk()
    lay_down(deployment, desk)
    with LiveGuard(deployment, desk, [AckResult.NACKED]):
        told = call(*DRILL, *deployment.options, env=ENV)
    assert told.exit_code == 1, told.output
    assert "failed: command" in told.stdout
    assert "router-1 NACKED" in told.stdout


def test_a_drill_while_people_hold_is_refused_with_the_reason() -> None:
    deployment, desk = Deployment(), todays_desk()
    desk.tell("overrides", desk.override(OverrideAction.DISARM))
    lay_down(deployment, desk)
    with LiveGuard(deployment, desk, [AckResult.ACKED]):
        told = call(*DRILL, *deployment.options, env=ENV)
    assert told.exit_code == 1
    assert "refused: held" in told.stdout


def test_silence_is_exit_1_long_before_a_drill_would_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kedge.streams.people.drills.ANSWER_S", 0.3)
    deployment, desk = Deployment(), todays_desk()
    lay_down(deployment, desk)
    told = call(*DRILL, *deployment.options, env=ENV)
    assert (told.exit_code, "nobody has answered: is a worker running?" in told.stdout) == (1, True)
