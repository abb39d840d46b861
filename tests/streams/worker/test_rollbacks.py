"""Which rollbacks a guard hears of."""

import logging
from dataclasses import replace

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.records import Action, Command
from kedge.schemas.signing import signed_bytes
from kedge.streams.worker.rollbacks import KNOWN_MAX, RecentRollbacks
from tests.schemas.samples import SAMPLES
from tests.support.means import HashSigner, HashVerifier

CODEC = Codec()
NOON = 1_700_000_040_000
MINUTE = 60_000


def rollback() -> Command:
    sample = SAMPLES["Command"]
    assert isinstance(sample, Command)
    return replace(sample, action=Action.ROUTE_TO_SAFE_PATH, model="m", drill=False, issued_at=NOON)


ROLLBACK = rollback()


def told(*commands: Command) -> RecentRollbacks:
    rollbacks = RecentRollbacks(CODEC, HashVerifier())
    for command in commands:
        named = replace(command, key_id=HashSigner.key_id)
        signed = replace(named, signature=HashSigner().sign(signed_bytes(named)))
        rollbacks.take("control", command.model.encode(), CODEC.encode(signed))
    return rollbacks


def test_rollbacks_of_the_last_ten_minutes_are_told_oldest_first() -> None:
    rollbacks = told(
        replace(ROLLBACK, command_id="b", model="late", issued_at=NOON + MINUTE),
        replace(ROLLBACK, command_id="a", model="early"),
        replace(ROLLBACK, command_id="c", model="old", issued_at=NOON - 9 * MINUTE),
    )
    assert rollbacks.recent(NOON + MINUTE) == (("early", NOON), ("late", NOON + MINUTE))
    assert rollbacks.recent(NOON + 11 * MINUTE) == ()


def test_drills_and_other_actions_are_no_rollbacks() -> None:
    others = [replace(ROLLBACK, command_id=action, action=action) for action in Action if action != ROLLBACK.action]
    assert told(replace(ROLLBACK, drill=True), *others).recent(NOON) == ()


def test_a_command_that_is_sent_again_is_one() -> None:
    assert told(ROLLBACK, ROLLBACK).recent(NOON) == (("m", NOON),)


def test_whoever_forges_rollbacks_keeps_no_guard_from_acting(caplog: pytest.LogCaptureFixture) -> None:
    rollbacks = told(ROLLBACK)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            forged = replace(ROLLBACK, command_id=f"f{number}", model=f"other{number}", key_id=HashSigner.key_id)
            rollbacks.take("control", b"m", CODEC.encode(replace(forged, signature=b"forged")))
    assert rollbacks.recent(NOON) == (("m", NOON),)
    assert caplog.text.count("the signature of a rollback counts for nothing here") == 3


def test_what_is_no_command_is_told_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    rollbacks = told(ROLLBACK)
    with caplog.at_level(logging.ERROR):
        rollbacks.take("control", b"m", b"garbage")
        rollbacks.take("control", b"m", None)
    assert caplog.text.count("control: 'm' is left out") == 2
    assert len(rollbacks.recent(NOON)) == 1


def test_a_flood_of_rollbacks_is_bounded() -> None:
    flood = told(*(replace(ROLLBACK, command_id=str(number)) for number in range(KNOWN_MAX + 5)))
    assert len(flood.recent(NOON)) == KNOWN_MAX
