"""What an actuator's store forgets, and what it never does."""

from pathlib import Path

import pytest

from kedge.schemas.records import AckResult, Command
from kedge.streams.actuator.rules import Result
from kedge.streams.actuator.store import Store
from tests.streams.actuator.made import NOW, command

DAY = 24 * 3_600_000
DONE = Result(result=AckResult.ACKED)


def made(attempt: int, expires_at: int = NOW + 1_000) -> Command:
    return command(attempt=attempt, expires_at=expires_at)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", "test")


def test_what_has_long_expired_is_forgotten_but_for_the_newest(store: Store) -> None:
    for attempt in range(70):
        store.settle(made(attempt), DONE, NOW)
    known = [store.known(made(attempt)).entry is not None for attempt in range(70)]
    assert known == [True] * 70, "none of them has expired for a day"
    store.settle(made(70), DONE, NOW + DAY + 2_000)
    known = [store.known(made(attempt)).entry is not None for attempt in range(71)]
    assert known == [False] * 7 + [True] * 64


def test_what_has_not_expired_or_was_only_begun_is_never_forgotten(store: Store) -> None:
    store.settle(made(0, expires_at=NOW + 9 * DAY), DONE, NOW)
    store.intend(made(1), "7")
    store.settle(made(2), DONE, NOW)
    for attempt in range(3, 80):
        store.settle(made(attempt), DONE, NOW + 5 * DAY)
    known = [store.known(made(attempt)).entry is not None for attempt in range(3)]
    assert known == [True, True, False]


def test_another_models_commands_are_not_its_business(store: Store) -> None:
    store.settle(command(model="other", expires_at=NOW + 1_000), DONE, NOW)
    for attempt in range(80):
        store.settle(made(attempt), DONE, NOW + 5 * DAY)
    assert store.known(command(model="other", expires_at=NOW + 1_000)).entry is not None
