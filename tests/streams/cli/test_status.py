"""`kedge status` and `kedge incidents`: what the topics say, and that nothing known is never well."""

from dataclasses import replace
from typing import Any, Final

import pytest

from kedge.schemas.partition import partition_for
from kedge.schemas.records import (
    Ack,
    AckResult,
    Action,
    Alert,
    AlertEvent,
    Command,
    HarmEvidence,
    Journal,
    Note,
    Override,
    OverrideAction,
    Report,
    Role,
    Verdict,
)
from kedge.schemas.report_json import iso_time
from kedge.streams.clock import now_ms
from kedge.streams.demo.cluster import PARTITIONS
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import Deployment, entry
from tests.streams.cli.support import call, lines

NOW: Final = now_ms()
ALL: Final = ("--since", "1970-01-01")
"""The built-in cluster cannot look offsets up by time."""


def sample(kind: type[Any], **parts: Any) -> Any:
    made: Any = SAMPLES[kind.__name__]
    return replace(made, **parts)


def report(model: str, verdict: Verdict = Verdict.STABLE, **parts: Any) -> Report:
    made: Report = sample(Report, model=model, verdict=verdict, segment="", role=Role.PRIMARY, **parts)
    return made


def journal(model: str, sequence: int, decision: str = "none", **parts: Any) -> Journal:
    given = {"input_topic": "tick", "input_partition": 0, "input_offset": -1, "reason": "", **parts}
    return entry(model=model, sequence=sequence, decision=decision, timestamp=NOW + sequence, **given)


def alert(model: str, event: AlertEvent, **parts: Any) -> Alert:
    made: Alert = sample(Alert, model=model, event=event, alert_id=f"{model}-{event}-{len(parts)}", **parts)
    return made


def command(model: str, incident: str, action: Action, sequence: int) -> Command:
    made: Command = sample(
        Command, model=model, incident=incident, action=action, sequence=sequence, command_id=f"{sequence:064x}",
        drill=False, issued_at=NOW, expires_at=NOW + 3_600_000, cancels="",
    )  # fmt: skip
    return made


def at(model: str) -> dict[str, Any]:
    """Name the model's first report as the entry's input."""
    return {"input_topic": "reports", "input_partition": partition_for(model.encode(), PARTITIONS), "input_offset": 0}


@pytest.fixture(scope="module")
def quiet() -> Deployment:
    """One model that is well, and one that nothing was ever said of."""
    deployment = Deployment("quiet")
    for model in ("calm", "silent"):
        deployment.watch(model)
    deployment.put("reports", "calm", report("calm"))
    deployment.put("journal", "calm", journal("calm", 1, state_after="HEALTHY", **at("calm")))
    return deployment


@pytest.fixture(scope="module")
def troubled() -> Deployment:
    """A canary that does harm: an incident, a freeze, a rollback that is out, a hold, a drill, a promotion."""
    deployment = Deployment("troubled")
    deployment.watch("fraud")
    partition = partition_for(b"fraud", PARTITIONS)
    deployment.put("reports", "fraud", report("fraud", Verdict.DRIFTED, reason="distance drifted"))
    harm = HarmEvidence(
        measure="error_rate", version="v2", control="v1", rate=0.05, control_rate=0.01, change=4.0, n=10_000,
        control_n=90_000, verdict="DRIFTED", reason="log evidence 20.1, 11.5 needed",
    )  # fmt: skip
    shift = replace(harm, measure="score", rate=1.12886, control_rate=0.000619, change=None, reason="PSI of score")
    told = {"incident": "i-9", "subject": "rollback", "runbook_url": "https://example.com/rb"}
    vetoes = (
        Note(name="hold", result="clear", evidence="nobody holds"),
        Note(name="rollbacks_today", result="stands", evidence="one this morning"),
    )
    deployment.put(
        "alerts", "fraud",
        alert("fraud", AlertEvent.OPENED, timestamp=NOW, summary="v2 errs", harms=(harm, shift), **told),
        alert("fraud", AlertEvent.UPDATED, timestamp=NOW + 1, summary="v2 still errs", vetoes=vetoes, **told),
        alert("fraud", AlertEvent.OPENED, timestamp=NOW + 2, summary="drill begins", drill=True, incident="d-1"),
        alert("fraud", AlertEvent.NOTICE, timestamp=NOW + 3, subject="promotion", version="v2", summary="v2: HOLD"),
    )  # fmt: skip
    freeze, route = (
        command("fraud", "i-9", Action.FREEZE_ROLLOUT, 1),
        command("fraud", "i-9", Action.ROUTE_TO_SAFE_PATH, 2),
    )
    deployment.put("control", "fraud", freeze, route, route)
    ack = sample(
        Ack, model="fraud", command_id=freeze.command_id, actuator_id="router-1", result=AckResult.ACKED, reason=""
    )
    deployment.put("acks", "fraud", ack)
    pin: Override = sample(
        Override, model="fraud", action=OverrideAction.PIN, target_version="v1", actor="ana", reason="noon labels",
        expires_at=NOW + 3_600_000,
    )  # fmt: skip
    disarm = replace(pin, action=OverrideAction.DISARM, expires_at=NOW - 1)
    deployment.put("overrides", "fraud", pin, disarm)
    by_people = {"input_topic": "overrides", "input_partition": partition}
    deployment.put(
        "journal", "fraud",
        journal("fraud", 1, "open_incident", staged=(freeze.command_id,), state_after="INCIDENT", **at("fraud")),
        journal("fraud", 2, "send_freeze_rollout", commands=(freeze.command_id,), state_after="INCIDENT"),
        journal("fraud", 3, "command_acked", reason="FREEZE_ROLLOUT: router-1", state_after="INCIDENT"),
        journal("fraud", 4, "send_route_to_safe_path", commands=(route.command_id,), state_after="AWAIT_ACK"),
        journal("fraud", 5, "drill_passed", reason="drill canary_errors passed", state_after="AWAIT_ACK"),
        journal("fraud", 6, "override_disarm", input_offset=1, state_after="HUMAN_HOLD", **by_people),
        journal("fraud", 7, "override_pin", input_offset=0, state_after="HUMAN_HOLD", **by_people),
        journal("fraud", 8, "resend", commands=(route.command_id,), state_after="HUMAN_HOLD"),
    )  # fmt: skip
    return deployment


def test_a_model_that_is_well_is_exit_0(quiet: Deployment) -> None:
    told = call("status", "calm", *ALL, *quiet.options)
    assert told.exit_code == 0, told.output
    for said in ("calm  HEALTHY", "none open", "none stands", "STABLE", "by nobody", "route_to_safe_path advise"):
        assert said in told.stdout


@pytest.mark.parametrize("model", ["silent", "unheard-of", None])
def test_what_nothing_is_known_of_is_exit_4(quiet: Deployment, model: str | None) -> None:
    named = [] if model is None else [model]
    assert call("status", *named, *ALL, *quiet.options).exit_code == 4
    if model is not None:
        asked = call("incidents", model, *ALL, *quiet.options)
        assert (asked.exit_code, asked.stdout) == (4, "")


def test_nothing_open_is_said_and_exit_0(quiet: Deployment) -> None:
    told = call("incidents", "calm", *ALL, *quiet.options)
    assert (told.exit_code, told.stdout) == (0, "no incident is open\n")


def test_an_incident_that_is_over_is_pointed_to_and_shown_when_asked_for() -> None:
    deployment = Deployment("over")
    deployment.watch("over")
    told = {"incident": "i-1", "subject": "rollback"}
    deployment.put(
        "alerts", "over",
        alert("over", AlertEvent.OPENED, timestamp=NOW, summary="v2 errs", **told),
        alert("over", AlertEvent.RESOLVED, timestamp=NOW + 1, summary="v2: over", **told),
    )  # fmt: skip
    deployment.put("journal", "over", journal("over", 1, state_after="COOLDOWN", **at("over")))
    asked = ("incidents", "over", *ALL, *deployment.options)
    now, then = call(*asked), call(*asked, "--all")
    assert (now.exit_code, now.stdout) == (0, "no incident is open; --all shows 1 that is over\n")
    assert (then.exit_code, "incident i-1" in then.stdout) == (0, True)


def test_a_model_whose_windows_could_not_be_judged_is_not_well() -> None:
    deployment = Deployment("thin")
    deployment.watch("thin")
    deployment.put("reports", "thin", report("thin", Verdict.INSUFFICIENT))
    deployment.put("journal", "thin", journal("thin", 1, state_after="HEALTHY", **at("thin")))
    assert call("status", "thin", *ALL, *deployment.options).exit_code == 4


def test_an_incident_whose_alerts_are_gone_is_still_open() -> None:
    deployment = Deployment("forgotten")
    deployment.watch("forgotten")
    deployment.put("journal", "forgotten", journal("forgotten", 1, state_after="INCIDENT", **at("forgotten")))
    told = call("incidents", "forgotten", *ALL, *deployment.options)
    assert told.exit_code == 3
    assert told.stdout == ""
    assert "an incident of forgotten is open, and no alert of it is there any more" in told.stderr


def test_status_shows_all_that_is_open(troubled: Deployment) -> None:
    told = call("status", "fraud", *ALL, *troubled.options)
    assert told.exit_code == 3, told.output
    for said in (
        "fraud  HUMAN_HOLD",
        "i-9, open since",
        "v2 still errs",
        "ROUTE_TO_SAFE_PATH 000000",
        "DRIFTED: distance drifted",
        "PIN v1 by ana until",
        "noon labels",
        "passed",
        "drill canary_errors passed",
        "v2: HOLD",
        "stands until a person resumes it, because of a rollback; renewed before",
        "entry 8 of",
    ):
        assert said in told.stdout, said
    assert "DISARM" not in told.stdout


def test_status_as_json_says_the_same(troubled: Deployment) -> None:
    (document,) = lines(call("status", "fraud", *ALL, "--json", *troubled.options))
    assert (document["state"], document["incident"]) == ("HUMAN_HOLD", "i-9")
    assert document["command"]["action"] == "ROUTE_TO_SAFE_PATH"
    assert list(document["holds"]) == ["PIN"]
    assert document["drill"]["passed"] is True
    assert document["modes"]["freeze_rollout"] == "armed"
    freeze = document["freeze"]
    assert (freeze["stands"], freeze["until_resumed"], freeze["command_id"]) == (True, True, f"{1:064x}")
    assert freeze["until"] == iso_time(NOW + 3_600_000)
    assert [window["verdict"] for window in document["windows"]] == ["DRIFTED"]


def test_an_incident_is_told_with_evidence_vetoes_commands_answers_and_owner(troubled: Deployment) -> None:
    told = call("incidents", "fraud", *ALL, *troubled.options)
    assert told.exit_code == 3, told.output
    for said in (
        "incident i-9",
        "distance (psi 0.81), pipeline: below 187",
        "v2 beside v1, error_rate: 5.000% of 10,000 beside 1.000% of 90,000 (+400.0%)",
        "v2 beside v1, score: PSI 1.13 of 10,000 answers beside 0.000619 of 90,000; DRIFTED: PSI of score",
        "rollbacks_today: one this morning",
        "FREEZE_ROLLOUT",
        "acked",
        "router-1: ACKED",
        "lead, head",
        "docs/runbooks/rollback.md, https://example.com/rb",
    ):
        assert said in told.stdout, said
    for unsaid in ("nobody holds", "d-1"):
        assert unsaid not in told.stdout
    (document,) = lines(call("incidents", *ALL, "--json", *troubled.options))
    assert [found["end"] for found in document["commands"]] == ["acked", None]
    assert document["commands"][0]["answers"][0]["actuator_id"] == "router-1"


def test_an_incident_whose_monitor_names_no_runbook_still_has_its_page() -> None:
    deployment = Deployment("unnamed")
    deployment.watch("unnamed")
    told = alert("unnamed", AlertEvent.OPENED, timestamp=NOW, incident="i-1", subject="drift", runbook_url=None)
    deployment.put("alerts", "unnamed", told)
    deployment.put("journal", "unnamed", journal("unnamed", 1, state_after="INCIDENT", **at("unnamed")))
    shown = call("incidents", "unnamed", *ALL, *deployment.options).stdout.splitlines()
    assert [line.split() for line in shown if "runbook" in line] == [["runbook", "docs/runbooks/drift.md"]]


def test_what_cannot_be_read_says_nothing_and_stops_nothing(quiet: Deployment) -> None:
    for topic in ("journal", "alerts", "reports", "acks"):
        quiet.put(topic, "calm", b"garbage")
    assert call("status", "calm", *ALL, *quiet.options).exit_code == 0
