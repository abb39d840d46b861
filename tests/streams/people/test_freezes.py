"""Whether a rollout is frozen: what the topics of a real guard say, from the first freeze to a person's resumption."""

from dataclasses import replace

import pytest

from kedge.schemas.monitor import parse_monitor
from kedge.schemas.records import Ack, AckResult, Action, OverrideAction
from kedge.streams.people.freezes import STILL, Freeze, freeze_of, led_away
from kedge.streams.people.standing import Standing
from tests.streams.core.made_guard import ARMED, CODEC, Desk, routed
from tests.streams.core.test_guard_freeze import HOUR, RESUMING, called_back, calm, drifts, rolled_back, warm


def standing_of(desk: Desk) -> Standing:
    """What whoever reads the topics finds."""
    standing = Standing(desk.model, monitor=parse_monitor(f"model: m\nowner: me\n{desk.text}", "test"))
    standing.commands = {command.command_id: command for command in desk.commands}
    standing.alerts = {alert.alert_id: alert for alert in desk.alerts}
    for (topic, _), value in desk.told.items():
        if topic == "acks":
            ack = CODEC.decode(value, Ack)
            standing.acks.setdefault(ack.command_id, []).append(ack)
    for entry in desk.journal:
        standing.take(entry)
    return standing


def seen(desk: Desk) -> Freeze | None:
    """The freeze that they find."""
    return freeze_of(standing_of(desk), desk.now)


def stood(desk: Desk) -> tuple[int, bool]:
    """Until when the freeze stands, and whether it is renewed until a person resumes."""
    freeze = seen(desk)
    assert freeze is not None
    assert (freeze.stands, freeze.called_back) == (True, False)
    return freeze.command.expires_at, freeze.kept


def test_a_freeze_stands_once_it_is_answered_until_it_expires() -> None:
    desk = warm(ARMED)
    assert seen(desk) is None
    for _ in range(2):
        desk.minute(desk.drifted("v1"), desk.report("v2"))
    sent = seen(desk)
    assert sent is not None
    assert (sent.stands, sent.called_back, sent.kept) == (False, False, False)
    (freeze,) = desk.commands
    desk.tell("acks", desk.ack(freeze))
    calm(desk, "v1", "v2")
    assert stood(desk) == (freeze.expires_at, False)
    desk.now = freeze.expires_at
    assert seen(desk) is None


def test_what_was_resumed_or_refused_does_not_stand() -> None:
    desk = warm()
    drifts(desk)
    assert desk.commands[-1].action is Action.RESUME_ROLLOUT
    assert seen(desk) is None
    desk = warm(ARMED)
    for _ in range(2):
        desk.minute(desk.drifted("v1"), desk.report("v2"))
    desk.tell("acks", desk.ack(desk.commands[-1], AckResult.NACKED))
    assert seen(desk) is None


@pytest.mark.parametrize("answer", [None, *AckResult])
def test_one_that_was_called_back_stands_only_if_a_router_says_so(answer: AckResult | None) -> None:
    desk = warm(ARMED)
    called_back(desk, obeyed=answer)
    freeze = seen(desk)
    found = None if freeze is None else (freeze.stands, freeze.called_back)
    assert found == {None: (False, True), AckResult.ACKED: (True, False), AckResult.NACKED: None}[answer]


def test_after_a_rollback_it_stands_until_a_person_resumes() -> None:
    desk = warm()
    freeze = rolled_back(desk)
    assert stood(desk) == (freeze.expires_at, True)
    desk.round(12 * HOUR)
    renewed = desk.commands[-1]
    assert stood(desk) == (freeze.expires_at, True)  # the renewal is not answered yet
    desk.tell("acks", desk.ack(renewed))
    assert stood(desk) == (renewed.expires_at, True)
    desk.tell("overrides", desk.override(OverrideAction.FORCE, forced=Action.RESUME_ROLLOUT))
    assert stood(desk) == (renewed.expires_at, True)
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert seen(desk) is None


def test_a_version_is_led_away_once_a_router_says_so_until_a_person_resumes() -> None:
    desk = warm()
    routed(desk.harmed())
    assert led_away(standing_of(desk)) == {}
    desk = warm()
    rolled_back(desk)
    assert led_away(standing_of(desk)) == {"v2": STILL}
    desk.tell("overrides", desk.override(OverrideAction.FORCE, forced=Action.RESUME_ROLLOUT))
    assert led_away(standing_of(desk)) == {"v2": STILL}
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert led_away(standing_of(desk)) == {"v2": desk.commands[-1].issued_at}


def test_a_version_that_is_led_back_to_is_not_away() -> None:
    desk = warm()
    rolled_back(desk)
    standing = standing_of(desk)
    route = next(command for command in desk.commands if command.action is Action.ROUTE_TO_SAFE_PATH)
    back = replace(route, command_id="back", sequence=99, from_version="v1", target_version="v2")
    standing.commands["back"] = back
    standing.acks["back"] = [desk.ack(back)]
    assert led_away(standing) == {"v1": STILL}


def test_a_rollback_that_a_person_took_back_keeps_nothing() -> None:
    desk = warm(ARMED)
    for _ in range(2):
        desk.minute(desk.drifted("v1"), desk.report("v2"))
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert not stood(desk)[1]
    routed(desk.harmed())
    assert stood(desk)[1]
    desk.tell("overrides", desk.override(OverrideAction.DISARM))
    assert not stood(desk)[1]


def test_a_rollback_that_was_left_to_people_keeps_it_too() -> None:
    desk = warm(RESUMING.replace("path: {mode: armed", "path: {mode: advise"))
    desk.harmed()
    desk.tell("acks", desk.ack(desk.commands[-1]))
    assert stood(desk) == (desk.commands[-1].expires_at, True)
