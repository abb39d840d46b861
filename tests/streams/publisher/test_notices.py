"""Little is said, and nothing twice."""

import logging

import pytest

from kedge.streams.publisher.notices import EVERY_S, Notices


def test_a_state_is_told_once_and_not_more_often_than_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "notices")
    notices = Notices(logging.getLogger("notices"))
    notices.tell("kafka", None, 0)
    for now in range(10):
        notices.tell("kafka", "away", now)
    notices.tell("kafka", None, 20)  # too soon
    notices.tell("kafka", None, EVERY_S)
    notices.tell("kafka", None, 2 * EVERY_S)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "kedge publisher, kafka: away"),
        ("INFO", "kedge publisher, kafka: well again"),
    ]


def test_a_count_that_grows_is_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices(logging.getLogger("notices"))
    for now in range(121):
        notices.tell("dropped", str(now + 1), now)
    assert [record.message for record in caplog.records] == [f"kedge publisher, dropped: {n}" for n in (1, 61, 121)]
