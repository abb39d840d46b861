"""Wrong settings are refused when the service starts, with the name of what is wrong."""

import dataclasses

import pytest
from confluent_kafka import Producer

from kedge.streams.publisher.settings import PublisherSettings


def test_the_environment_sets_a_publisher_up() -> None:
    settings = PublisherSettings.from_env(
        {
            "KEDGE_BROKERS": "a:1",
            "KEDGE_ENVIRONMENT": "prod",
            "KEDGE_REGISTRY_URL": "http://registry",
            "KEDGE_PUBLISHER_BATCH_ROWS_MAX": "50",
            "KEDGE_PUBLISHER_CLOSE_TIMEOUT_MS": "0",
        }
    )
    assert settings == PublisherSettings(
        brokers="a:1", environment="prod", registry_url="http://registry", batch_rows_max=50, close_timeout_ms=0
    )


def test_arguments_come_before_the_environment() -> None:
    environ = {"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "prod"}
    settings = PublisherSettings.from_env(environ, brokers="b:2", environment=None)
    assert (settings.brokers, settings.environment) == ("b:2", "prod")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "KEDGE_BROKERS is not set"),
        ({"KEDGE_BROKERS": "a:1"}, "KEDGE_ENVIRONMENT is not set"),
        ({"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "a.b"}, "environment"),
        (
            {"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "e", "KEDGE_PUBLISHER_BATCH_AGE_MS": "1s"},
            "KEDGE_PUBLISHER_BATCH_AGE_MS: expected a whole number",
        ),
        (
            {"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "e", "KEDGE_PUBLISHER_BATCH_BYTES_MAX": "2000000"},
            "batch_bytes_max: expected",
        ),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PublisherSettings.from_env(environ)


def test_secrets_are_not_shown() -> None:
    credentials = "user:secret"
    settings = PublisherSettings(
        brokers="a:1", environment="e", registry_url=f"http://{credentials}@registry", kafka={"sasl.password": "secret"}
    )
    assert "secret" not in repr(settings)


def test_kafka_options_cannot_undo_a_promise() -> None:
    with pytest.raises(ValueError, match=r"kafka: enable\.idempotence"):
        PublisherSettings(brokers="a:1", environment="e", kafka={"enable.idempotence": "false"})


@pytest.mark.parametrize("extreme", [0, 1])
def test_librdkafka_takes_every_setting(extreme: int) -> None:
    from kedge.streams.publisher.settings import _RANGES  # noqa: PLC0415 - the table itself is tested

    ranges = {name: least_most[extreme] for name, least_most in _RANGES.items()}
    settings = PublisherSettings(brokers="127.0.0.1:1", environment="e", kafka={"security.protocol": "ssl"}, **ranges)  # type: ignore[arg-type] # all of them whole numbers
    Producer(settings.producer_options)
    assert dataclasses.asdict(settings)["kafka"] == {"security.protocol": "ssl"}
