"""`kedge actuator run`: what is missing is said before anything is begun."""

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kedge.schemas.records import Action
from kedge.streams.actuator import Actuator, ActuatorSettings, HungError
from kedge.streams.actuator.inbox import ControlError, MissingError
from kedge.streams.settings import SettingsError
from tests.streams.cli.support import call

ENV = {"KEDGE_BROKERS": "localhost:1", "KEDGE_ACTUATOR_ID": "a", "KEDGE_ACTUATOR_STORE": "store", "KEDGE_TRUST": ""}
RUN = ("actuator", "run", "--model", "delay", "--handler")
EVERY = {Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT}


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """The command takes the log and the signals of its process: here of the tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("symlink",), "--handler symlink needs --link and --versions"),
        (("webhook",), "--handler webhook needs --url"),
        (("symlink", "--versions", "missing"), "'missing' does not exist"),
        (("else",), "'else' is not one of"),
        (("webhook", "--url", "http://127.0.0.1/", "--action", "START_SHADOW"), "'START_SHADOW' is not one of"),
    ],
)
def test_wrong_usage_is_two(arguments: tuple[str, ...], told: str) -> None:
    result = call(*RUN, *arguments, env=ENV)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("KEDGE_BROKERS", "KEDGE_BROKERS is not set"),
        ("KEDGE_ACTUATOR_ID", "KEDGE_ACTUATOR_ID is not set"),
        ("KEDGE_ACTUATOR_STORE", "KEDGE_ACTUATOR_STORE is not set"),
        ("KEDGE_TRUST", "KEDGE_TRUST is not set"),
    ],
)
def test_what_is_not_set_is_one_and_says_what_to_set(tmp_path: Path, variable: str, told: str) -> None:
    env = {**ENV, variable: "", "KEDGE_TRUSTED_KEYS": "", "KEDGE_SIGNING_KEY_FILE": ""}
    result = call(*RUN, "symlink", "--link", tmp_path / "current", "--versions", tmp_path, env=env)
    assert (result.exit_code, told in result.stderr) == (1, True), result.stderr


def test_a_url_that_is_none_is_said() -> None:
    result = call(*RUN, "webhook", "--url", "example.com", env={**ENV, "KEDGE_TRUST": "development"})
    assert (result.exit_code, "does not begin with http" in result.stderr) == (1, True), result.stderr


@pytest.mark.parametrize(
    ("fault", "code"), [(HungError("it hangs"), 70), (ControlError("Kafka"), 70), (MissingError("no topic"), 1)]
)
def test_the_exit_code_says_whether_to_start_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: Exception, code: int
) -> None:
    def run(_: Actuator) -> None:
        raise fault

    monkeypatch.setattr(Actuator, "run", run)
    env = {**ENV, "KEDGE_TRUST": "development"}
    result = call(*RUN, "symlink", "--link", tmp_path / "current", "--versions", tmp_path, env=env)
    assert (result.exit_code, str(fault) in result.stderr) == (code, True), result.stderr


@pytest.mark.parametrize(
    ("arguments", "actions"),
    [
        (("symlink", "--link", "current", "--versions", "."), EVERY),
        (("webhook", "--url", "http://127.0.0.1/"), {Action.ROUTE_TO_SAFE_PATH}),
        (("webhook", "--url", "http://127.0.0.1/", "--action", "FREEZE_ROLLOUT"), {Action.FREEZE_ROLLOUT}),
    ],
)
def test_a_link_answers_for_freezes_and_a_webhook_only_where_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], actions: set[Action]
) -> None:
    asked = list[object]()

    def settings(_: object, actions: object) -> None:
        asked.append(actions)
        raise SettingsError("as far as that")

    monkeypatch.setattr(ActuatorSettings, "from_environment", settings)
    assert call(*RUN, *arguments, env=ENV).exit_code == 1
    assert asked == [actions]
