"""Settings: every bad value is refused by the name of its variable."""

import pytest

from kedge.streams.settings import KafkaSettings, SettingsError, WorkerSettings
from kedge.streams.variables import SETTINGS
from kedge.streams.worker.agents import CoreSettings


def test_what_is_not_set_has_its_default() -> None:
    assert WorkerSettings.from_environment({}) == WorkerSettings()
    assert KafkaSettings.from_environment({"KEDGE_BROKERS": "a:1"}) == KafkaSettings(brokers="a:1", environment="dev")


def test_what_is_set_is_read() -> None:
    variables = {
        "KEDGE_WORKER_ID": "w-3",
        "KEDGE_HTTP_HOST": "0.0.0.0",  # noqa: S104 - a value, nothing listens
        "KEDGE_HTTP_PORT": " 9000 ",
        "KEDGE_CHECKPOINT_SECONDS": "0.5",
        "KEDGE_SESSION_TIMEOUT_SECONDS": "12",
        "KEDGE_EMBEDDED": "yes",
    }
    read = WorkerSettings.from_environment(variables)
    assert (read.worker_id, read.http_port, read.checkpoint_s) == ("w-3", 9000, 0.5)
    assert (read.session_timeout_s, read.embedded) == (12.0, True)
    kafka = KafkaSettings.from_environment({"KEDGE_BROKERS": "a:9092, b:9093", "KEDGE_ENVIRONMENT": "prod"})
    assert kafka.client()["bootstrap.servers"] == "a:9092, b:9093"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("KEDGE_HTTP_PORT", "http", "a whole number"),
        ("KEDGE_HTTP_PORT", "70000", "between 0 and 65535"),
        ("KEDGE_CHECKPOINT_SECONDS", "soon", "a number"),
        ("KEDGE_CHECKPOINT_SECONDS", "nan", "between 0.02 and 5"),
        ("KEDGE_CHECKPOINT_SECONDS", "0", "between 0.02 and 5"),
        ("KEDGE_SESSION_TIMEOUT_SECONDS", "5", "between 6 and 300"),
        ("KEDGE_EMBEDDED", "perhaps", "true or false"),
    ],
)
def test_a_bad_worker_value_is_refused_by_name(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}.*{said}"):
        WorkerSettings.from_environment({variable: value})


def test_what_is_set_and_empty_counts_as_not_set() -> None:
    empty = dict.fromkeys((setting.name for setting in SETTINGS), " ")
    assert WorkerSettings.from_environment(empty) == WorkerSettings()
    assert CoreSettings.from_environment(empty) == CoreSettings(hash_key=b"")


def test_a_name_that_is_only_space_is_refused() -> None:
    with pytest.raises(SettingsError, match="KEDGE_WORKER_ID is empty: give a name"):
        WorkerSettings(worker_id=" ")


@pytest.mark.parametrize("brokers", ["", "localhost", "localhost:", ":9092", "a:1,,b:2", "a:0", "a:99999", "a:x"])
def test_bad_brokers_are_refused(brokers: str) -> None:
    with pytest.raises(SettingsError, match="KEDGE_BROKERS"):
        KafkaSettings.from_environment({"KEDGE_BROKERS": brokers})


def test_a_bad_environment_is_refused() -> None:
    with pytest.raises(SettingsError, match="KEDGE_ENVIRONMENT"):
        KafkaSettings.from_environment({"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "a.b"})
