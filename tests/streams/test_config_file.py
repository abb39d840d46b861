"""`KEDGE_CONFIG_FILE`: the same names as in the environment, which comes first."""

from pathlib import Path

import pytest

from kedge import PublisherSettings
from kedge.streams.variables import SettingsError, all_variables
from tests.streams.cli.support import call

SECRET = "planted-91c0"  # noqa: S105 - what is looked for


def written(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    return {"KEDGE_CONFIG_FILE": str(path)}


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    text = "# the cluster\n\nKEDGE_BROKERS = a:1,b:2\nKEDGE_ENVIRONMENT=prod\nKEDGE_KAFKA_PASSWORD=a=b # c\n"
    found = all_variables({**written(tmp_path / "kedge.conf", text), "KEDGE_ENVIRONMENT": "test"})
    assert (found["KEDGE_BROKERS"], found["KEDGE_ENVIRONMENT"]) == ("a:1,b:2", "test")
    assert found["KEDGE_KAFKA_PASSWORD"] == "a=b # c"  # noqa: S105 - taken as it stands


@pytest.mark.parametrize("empty", ["", "  "])
def test_what_is_set_and_empty_hides_nothing_of_the_file(tmp_path: Path, empty: str) -> None:
    text = "KEDGE_KAFKA_SECURITY_PROTOCOL=SASL_SSL\nKEDGE_TRUST=keys\n"
    found = all_variables({**written(tmp_path / "kedge.conf", text), "KEDGE_TRUST": empty, "KEDGE_X": empty})
    assert (found["KEDGE_KAFKA_SECURITY_PROTOCOL"], found["KEDGE_TRUST"], found["KEDGE_X"]) == (
        *("SASL_SSL", "keys"),
        empty,
    )


def test_without_a_file_there_is_the_environment() -> None:
    assert all_variables({"KEDGE_BROKERS": "a:1", "KEDGE_CONFIG_FILE": ""})["KEDGE_BROKERS"] == "a:1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SECRET, "line 1 of .* is not NAME=value"),
        (f"\n\nexport KEDGE_KAFKA_PASSWORD={SECRET}", "line 3 of .* begins with KEDGE_"),
        (f"PASSWORD={SECRET}", "line 1 of .* begins with KEDGE_"),
        (f"KEDGE_A={SECRET}\nKEDGE_A={SECRET}", "line 2 of .* sets KEDGE_A again"),
        (f"KEDGE_CONFIG_FILE={SECRET}", "line 1 of .* names another file"),
    ],
)
def test_a_line_that_is_no_setting_is_refused_by_its_number_alone(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"KEDGE_CONFIG_FILE: {said}") as refused:
        all_variables(written(tmp_path / "kedge.conf", text))
    assert SECRET not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"KEDGE_CONFIG_FILE: .*missing cannot be read: No such file"):
        all_variables({"KEDGE_CONFIG_FILE": str(tmp_path / "missing")})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="something else than text"):
        all_variables({"KEDGE_CONFIG_FILE": str(tmp_path / "binary")})


def test_a_publisher_and_the_command_line_read_it(tmp_path: Path) -> None:
    environ = written(tmp_path / "kedge.conf", "KEDGE_BROKERS=a:1\nKEDGE_ENVIRONMENT=prod\nKEDGE_ACTOR=jo\n")
    settings = PublisherSettings.from_env(environ)
    assert (settings.brokers, settings.environment) == ("a:1", "prod")
    told = call("topics", "rights", "actuator", "--json", env=environ)
    assert '"prod.kedge.control"' in told.stdout
    # What an option takes from the file is there too: the actor, so that only the key is missing.
    refused = call("override", "release", "m", "--reason", "r", env={**environ, "KEDGE_TRUST": "keys"})
    assert "KEDGE_SIGNING_KEY_FILE is not set" in refused.stderr
