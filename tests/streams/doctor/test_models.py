"""Models: what each check needs to be well, and what is told where it is not."""

from dataclasses import replace
from typing import Any, Final

import pytest

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import (
    Ack,
    AckResult,
    Action,
    Alert,
    AlertEvent,
    Baseline,
    Command,
    Monitor,
    Report,
    Role,
    Verdict,
)
from kedge.schemas.signing import signed_bytes
from kedge.streams.announce import Catalogued
from kedge.streams.core.trusting import Verifier
from kedge.streams.doctor.finding import Finding, Level
from kedge.streams.doctor.models import back_to, catalog_of, models
from kedge.streams.people.standing import Drilled, Standing
from kedge.streams.trust import DevelopmentVerifier, KeyRing, SigningKey
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import entry
from tests.support import rides

NOW: Final = rides.START + 3_600_000
MORE: Final = "escalation: [lead@example.com]\nactions: {route_to_safe_path: {mode: armed}}\n"


def sample(kind: type[Any], **parts: Any) -> Any:
    made: Any = SAMPLES[kind.__name__]
    return replace(made, model=rides.MODEL, **parts)


def report(**parts: Any) -> Report:
    newest = {"window_start": NOW - 300_000, "window_end": NOW, "version": "v1", "segment": "", "role": Role.PRIMARY}
    made: Report = sample(Report, **{"verdict": Verdict.STABLE, **newest, **parts})
    return made


def heard(actuator: str = "router-1", at: int = NOW) -> dict[str, list[Ack]]:
    return {"": [sample(Ack, command_id="", actuator_id=actuator, timestamp=at)]}


def standing(**parts: Any) -> Standing:
    """A model that is well."""
    well: dict[str, Any] = {
        "last": entry(model=rides.MODEL, state_after="HEALTHY"),
        "reports": [report()],
        "acks": heard(),
        "drilled": Drilled(passed=True, at=NOW, words="canary_errors"),
    }
    return Standing(rides.MODEL, **{**well, **parts})


def told(
    where: Standing, *, more: str = MORE, baselines: tuple[Baseline, ...] = (rides.baseline(500),)
) -> dict[str, Finding]:
    catalog, found = catalog_of(Catalogued((rides.monitor(more),), baselines), DevelopmentVerifier(), NOW)
    checked = [*found, *models(catalog, {rides.MODEL: where}, NOW, NOW - 86_400_000)]
    assert {finding.model for finding in checked} == {rides.MODEL}
    return {finding.check: finding for finding in checked}


def test_a_model_that_is_well_is_well_in_every_line() -> None:
    found = told(standing())
    assert {finding.level for finding in found.values()} == {Level.OK}, found
    assert list(found) == ["monitor", "people", "baseline", "windows", "incident", "freeze", "actuator", "drill"]


AMISS: Final[list[tuple[str, Level, str, dict[str, Any]]]] = [
    ("windows", Level.FAIL, "none was reported", {"reports": []}),
    ("windows", Level.FAIL, "newest until", {"reports": [report(window_end=NOW - 1_800_000)]}),
    ("windows", Level.WARN, "INSUFFICIENT", {"reports": [report(verdict=Verdict.INSUFFICIENT)]}),
    ("incident", Level.FAIL, "an action has failed", {"last": entry(state_after="FAILED_ACTION")}),
    ("incident", Level.WARN, "open (INCIDENT), and no alert", {"last": entry(state_after="INCIDENT")}),
    ("incident", Level.WARN, "open (AWAIT_ACK), and no alert", {"last": entry(state_after="AWAIT_ACK")}),
    ("incident", Level.WARN, "open (CONTAINED), and no alert", {"last": entry(state_after="CONTAINED")}),
    ("incident", Level.UNKNOWN, "nothing is journalled since", {"last": None}),
    (
        "incident",
        Level.WARN,
        "open since",
        {"alerts": {"a": sample(Alert, alert_id="a", incident="i", event=AlertEvent.OPENED, drill=False)}},
    ),
    ("actuator", Level.FAIL, "none was heard", {"acks": {}}),
    ("actuator", Level.FAIL, "router-1 was last heard", {"acks": heard(at=NOW - 181_000)}),
    ("drill", Level.WARN, "none is known", {"drilled": None}),
    ("drill", Level.FAIL, "failed: nobody", {"drilled": Drilled(passed=False, at=NOW, words="nobody")}),
    ("drill", Level.WARN, "overdue", {"drilled": Drilled(passed=True, at=NOW - 8 * 86_400_000, words="")}),
]


@pytest.mark.parametrize(("check", "level", "said", "parts"), AMISS, ids=[case[2] for case in AMISS])
def test_what_is_amiss_is_told_with_what_to_do(check: str, level: Level, said: str, parts: dict[str, Any]) -> None:
    found = told(standing(**parts))
    assert (found[check].level, said in found[check].said) == (level, True), found[check]
    assert found[check].do
    assert {name for name, finding in found.items() if finding.level is not Level.OK} == {check}


@pytest.mark.parametrize(
    ("check", "level", "said", "more"),
    [
        ("people", Level.WARN, "nobody to escalate to", MORE.partition("\n")[2]),
        ("actuator", Level.WARN, "no action", "escalation: [a@b]\nactions: {freeze_rollout: {mode: advise}}\n"),
        (
            "actuator",
            Level.FAIL,
            "router-2 must answer and was never heard",
            "escalation: [a@b]\nactions: {route_to_safe_path: {mode: armed, actuators: [router-1, router-2]}}\n",
        ),
    ],
)
def test_what_a_monitor_leaves_out_is_told(check: str, level: Level, said: str, more: str) -> None:
    found = told(standing(), more=more)
    assert (found[check].level, said in found[check].said) == (level, True), found[check]


@pytest.mark.parametrize(("kept_at", "level"), [(-1, Level.OK), (NOW, Level.WARN)])
def test_a_freeze_that_waits_for_a_person_is_told_and_one_that_ends_by_itself_is_well(
    kept_at: int, level: Level
) -> None:
    frozen: Command = sample(
        Command, action=Action.FREEZE_ROLLOUT, drill=False, incident="i-9", sequence=1, expires_at=NOW + 60_000
    )
    answers = {
        **heard(),
        frozen.command_id: [
            sample(Ack, command_id=frozen.command_id, actuator_id="router-1", timestamp=NOW, result=AckResult.ACKED)
        ],
    }
    found = told(standing(commands={frozen.command_id: frozen}, acks=answers, kept_at=kept_at))
    assert found["freeze"].level is level
    assert ("until a person resumes it" in found["freeze"].said) == (level is Level.WARN)
    assert ("--action RESUME_ROLLOUT" in found["freeze"].do) == (level is Level.WARN)
    assert {name for name, finding in found.items() if finding.level is not Level.OK} <= {"freeze"}


def test_a_freeze_alone_that_nobody_would_obey_is_a_warning() -> None:
    found = told(standing(acks={}), more="escalation: [a@b]\n")
    assert (found["actuator"].level, "freeze_rollout armed" in found["actuator"].said) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("more", "days"),
    [
        ("", 8),
        ("drills: {every: 2d}\n", 7),
        ("drills: {every: 30d}\n", 31),
        ("drills: {every: 30d}\nactions: {route_to_safe_path: {mode: 'off'}}\n", 7),
    ],
)
def test_the_journal_is_read_so_far_back_that_a_drill_which_is_due_is_seen(more: str, days: int) -> None:
    catalog, _ = catalog_of(Catalogued((rides.monitor(more),), ()), DevelopmentVerifier(), NOW)
    assert NOW - back_to(catalog, NOW) == days * 86_400_000


def test_a_rollback_that_is_off_needs_no_drill() -> None:
    found = told(standing(drilled=None), more="escalation: [a@b]\nactions: {route_to_safe_path: {mode: 'off'}}\n")
    assert found["drill"].level is Level.OK


def test_a_version_without_a_baseline_is_told_by_name() -> None:
    found = told(standing(), baselines=(replace(rides.baseline(500), version="v0"),))
    assert (found["baseline"].level, found["baseline"].said) == (Level.FAIL, "none acts for v1")


@pytest.mark.parametrize(
    ("verifier", "level", "said"),
    [(KeyRing(()), Level.FAIL, "it is unsigned"), (None, Level.UNKNOWN, "its signature was not checked")],
)
def test_a_monitor_that_workers_leave_out_is_told(verifier: Verifier | None, level: Level, said: str) -> None:
    _, (finding,) = catalog_of(Catalogued((rides.monitor(),), ()), verifier, NOW)
    assert (finding.level, said in finding.said) == (level, True)


def test_a_monitor_of_the_past_that_is_left_out_is_only_a_warning() -> None:
    key = SigningKey.generate()
    late = replace(rides.monitor(), effective_from=NOW - 60_000, key_id=key.key_id)
    signed = replace(late, signature=key.sign(signed_bytes(late)))
    _, found = catalog_of(Catalogued((rides.monitor(), signed), ()), KeyRing([key.public_pem()]), NOW)
    assert [finding.level for finding in found] == [Level.OK, Level.WARN]
    assert "--effective-from 1970-01-01T00:00:00Z" in found[1].do


def test_no_model_at_all_fails_and_a_baseline_alone_is_told() -> None:
    catalog, (orphan,) = catalog_of(Catalogued((), (rides.baseline(500),)), None, NOW)
    assert (orphan.level, orphan.model) == (Level.WARN, rides.MODEL)
    (nothing,) = models(catalog, {}, NOW, 0)
    assert (nothing.level, nothing.said) == (Level.FAIL, "no model is monitored")


def test_a_monitor_that_does_not_act_yet_is_told() -> None:
    document = to_document(parse_monitor(rides.TEXT, "rides.yaml"))
    later = Monitor(model=rides.MODEL, hash=monitor_hash(document), effective_from=NOW + 60_000, document=document)
    catalog, _ = catalog_of(Catalogued((later,), ()), None, NOW)
    assert [finding.said for finding in models(catalog, {}, NOW, 0)] == ["none acts yet"]
