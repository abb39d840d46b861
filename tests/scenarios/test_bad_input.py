"""What should not come in and does: each in the middle of a story that goes on as if it had not."""

from dataclasses import replace

import pytest

from kedge.schemas.records import AckResult, ControlKind, Journal, OverrideAction, Role, VersionReport
from tests.scenarios.driver import ARMED, MINUTE, OUTCOMES, WINDOWS, World
from tests.scenarios.traffic import canary, clicked, primary, shadow

COLD = "safe_path: {version: v0}\n"


def healthy(text: str = "", windows: int = 4) -> World:
    """A primary and a canary that are well."""
    world = World(WINDOWS + ARMED + text)
    world.play(windows, primary(), canary())
    assert world.story == ["0 WARMUP", "1 HEALTHY"]
    return world


def test_outcomes_of_unknown_requests_and_those_that_come_twice_or_first_change_no_rate() -> None:
    world = healthy(OUTCOMES)
    for outcome in (clicked("nobody", world.now), clicked("r1", world.now), clicked("r1", world.now)):
        world.send(outcome)
    # Of requests that are still to come.
    world.send(*(clicked(f"r{number}", world.now + MINUTE) for number in range(3_200, 3_210)))
    world.play(4, primary(), canary())
    assert world.story == ["0 WARMUP", "1 HEALTHY"]
    sections = [r.outcomes[0] for r in world.all(VersionReport) if r.outcomes_due]
    assert {(s.n, s.predictions) for s in sections} == {(400, 400)}
    assert world.recounted() == []


def test_a_version_that_comes_and_goes_within_a_window_is_told_and_judged_by_nothing() -> None:
    world = healthy()
    world.part(primary(), canary(), canary("v3", rows=40, errors=1.0))
    world.part(primary(), canary())
    world.play(3, primary(), canary())
    (brief,) = [r for r in world.all(VersionReport) if r.version == "v3"]
    assert (brief.requests, brief.reason) == (20, "20 effective rows of v3, 200 needed")
    assert world.story == ["0 WARMUP", "1 HEALTHY"]


def test_a_shadow_without_a_primary_and_a_control_without_traffic_compare_with_nothing() -> None:
    world = healthy()
    world.play(2, shadow("v5"))
    world.play(2, canary(errors=0.3))
    world.play(2, primary(), shadow("v5"))
    alone = [r for r in world.all(VersionReport) if r.version == "v5"][:2]
    assert {(r.role, r.control, r.control_kind) for r in alone} == {(Role.SHADOW, "", ControlKind.NONE)}
    lonely = [r for r in world.all(VersionReport) if r.version == "v2" and r.control_kind is ControlKind.NONE]
    assert {r.reason for r in lonely} == {"no control: no primary version serves in this window"}
    assert world.router.effects == []


def test_one_sender_that_floods_the_evidence_moves_no_traffic() -> None:
    world = healthy()
    assert world.play(3, primary(), canary(errors=0.3, senders=(0.7, 0.1, 0.1, 0.1))) == [
        "5 vetoed by one_sender",
        "5 INCIDENT",
        "5 PAGE: OPENED rollback",
        "5 FREEZE_ROLLOUT",
    ]
    assert world.vetoes() == {"one_sender": "71.0% of the rows from one of 4; 50% allowed"}
    assert world.router.effects == ["FREEZE_ROLLOUT"]


def test_a_cold_standby_is_led_to_once_its_actuator_vouches_for_it() -> None:
    world = healthy(COLD)
    assert world.play(2, primary(), canary(errors=0.3)) == [
        "5 vetoed by target",
        "5 INCIDENT",
        "5 PAGE: OPENED rollback",
        "5 FREEZE_ROLLOUT",
    ]
    assert world.vetoes() == {"target": "v0: no healthy window within 168 h, and no actuator vouches for it"}
    world.answer(world.router.heartbeat(world.now, "v0"))
    assert world.part(primary(), canary(errors=0.3)) == [
        "6 AWAIT_ACK",
        "6 PAGE: UPDATED rollback",
        "6 ROUTE_TO_SAFE_PATH v0",
    ]


def test_clocks_four_minutes_apart_make_no_drift_and_lose_no_row() -> None:
    world = World(WINDOWS.replace("grace: 0", "grace: 5m") + ARMED)
    for _ in range(6):
        world.play(1, primary(), canary(ahead_ms=4 * MINUTE))
    assert world.play(1, primary(), canary(ahead_ms=4 * MINUTE)) == []
    assert "INCIDENT" not in " ".join(world.story)
    complete = {r.completeness for r in world.all(VersionReport)}
    assert complete == {1.0}
    assert {r.requests for r in world.all(VersionReport) if r.version == "v1"} == {400}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key_id": "", "signature": b""}, "untrusted"),
        ({"signature": b"forged"}, "untrusted"),
        ({"expires_at": 1_700_006_400_000 + 26 * 60 * MINUTE}, "too_long"),
        ({"actor": " "}, "no_actor"),
        ({"environment": "prod"}, "wrong_environment"),
    ],
)
def test_an_override_that_may_not_be_is_refused_and_the_harm_rolled_back(
    changes: dict[str, object], reason: str
) -> None:
    world = healthy()
    assert world.override(OverrideAction.PIN, target_version="v2", **changes) == []
    refused = world.all(Journal)[-1]
    assert (refused.decision, refused.reason.partition(":")[0]) == ("refuse_override", reason)
    world.play(2, primary(), canary(errors=0.3))
    assert world.router.effects == ["ROUTE_TO_SAFE_PATH v1", "FREEZE_ROLLOUT"]
    assert world.recounted() == []


def test_an_answer_to_an_unknown_command_ends_nothing() -> None:
    world = healthy()
    world.play(1, primary(), canary(errors=0.3))
    world.part(primary(), canary(errors=0.3))
    assert world.state is not None
    assert world.state.state == "AWAIT_ACK"
    stray = replace(world.router.heartbeat(world.now), command_id="f" * 64, result=AckResult.NACKED, reason="failed")
    assert world.answer(stray) == []
    assert world.all(Journal)[-1].decision == "refuse_ack"
    assert world.wait(5_000) == ["5 INCIDENT", "5 FREEZE_ROLLOUT"]
    assert world.recounted() == []
