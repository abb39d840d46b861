"""`kedge actuator run`: what is missing is said before anything is begun."""

from pathlib import Path

import pytest

from tests.streams.cli.support import call

ENV = {"KEDGE_BROKERS": "localhost:1", "KEDGE_ACTUATOR_ID": "a", "KEDGE_ACTUATOR_STORE": "store", "KEDGE_TRUST": ""}
RUN = ("actuator", "run", "--model", "delay", "--handler")


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
