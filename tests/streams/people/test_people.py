"""What makes an override one that may be sent, and what belongs to a drill."""

from dataclasses import replace

import pytest

from kedge.schemas.records import OverrideAction
from kedge.schemas.signing import signed_bytes
from kedge.streams.people.drills import Course
from kedge.streams.people.overrides import HOLD_MS_MAX, PeopleError, Sent, Word, signed
from kedge.streams.trust import KeyRing, SigningKey
from tests.streams.cli.scripted import entry

WORD = Word(
    model="m", action=OverrideAction.DRILL, actor="ana", reason="weekly", lasts_ms=60_000, fault="canary_errors"
)
KEY = SigningKey.generate()


def test_an_override_is_signed_over_everything_that_it_says() -> None:
    override = signed(WORD, KEY, environment="prod", override_id="o-1", now_ms=1_000)
    ring = KeyRing([KEY.public_pem()])
    assert (override.issued_at, override.expires_at) == (1_000, 61_000)
    assert ring.accepts(override.key_id, signed_bytes(override), override.signature)
    forged = replace(override, environment="dev")
    assert not ring.accepts(forged.key_id, signed_bytes(forged), forged.signature)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (replace(WORD, lasts_ms=HOLD_MS_MAX + 1), "at most 24 h"),
        (replace(WORD, lasts_ms=0), "at most 24 h"),
        (replace(WORD, actor=" "), "--actor is empty"),
        (replace(WORD, reason=""), "--reason is empty"),
    ],
)
def test_nobody_holds_for_longer_than_a_day_or_without_a_name_and_a_reason(word: Word, said: str) -> None:
    with pytest.raises(PeopleError, match=said):
        signed(word, KEY, environment="prod", override_id="o-1", now_ms=1_000)


def test_what_else_happens_to_the_model_meanwhile_is_no_part_of_the_drill() -> None:
    override = signed(WORD, KEY, environment="prod", override_id="o-1", now_ms=1_000)
    course = Course(Sent(override, 0, 7, {}))
    by_people = {"input_topic": "overrides", "input_partition": 0, "drill": True, "incident": "d-1"}
    assert not course.take(entry(**{**by_people, "input_offset": 6, "decision": "override_drill"}))
    assert course.take(entry(**{**by_people, "input_offset": 7, "decision": "override_drill"}))
    assert not course.take(entry(input_topic="reports", drill=False, decision="open_incident", incident="i-1"))
    assert not course.over
    assert course.take(entry(input_topic="tick", drill=True, decision="command_superseded+drill_failed"))
    assert (course.over, course.passed, course.trace) == (True, False, "d-1")
    assert [taken.decision for taken in course.entries] == ["override_drill", "command_superseded+drill_failed"]
