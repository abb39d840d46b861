"""Wrong settings are refused when the service starts, with the name of what is wrong."""

import pytest
from confluent_kafka import Producer

from kedge import KafkaSecurity
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.registry_settings import RegistrySettings
from kedge.streams.variables.table import PUBLISHER


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
        brokers="a:1",
        environment="prod",
        registry=RegistrySettings(url="http://registry"),
        batch_rows_max=50,
        close_timeout_ms=0,
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
            "KEDGE_PUBLISHER_BATCH_AGE_MS: '1s' is not a whole number",
        ),
        (
            {"KEDGE_BROKERS": "a:1", "KEDGE_ENVIRONMENT": "e", "KEDGE_PUBLISHER_BATCH_BYTES_MAX": "2000000"},
            "KEDGE_PUBLISHER_BATCH_BYTES_MAX: 2000000 is not between 3584 and 1000000",
        ),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PublisherSettings.from_env(environ)


def test_an_argument_out_of_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_rows_max: expected 1 to 100000, not 0"):
        PublisherSettings(brokers="a:1", environment="e", batch_rows_max=0)


def test_secrets_are_not_shown() -> None:
    secret = "planted-5d02"  # noqa: S105 - what is looked for
    settings = PublisherSettings(
        brokers="a:1",
        environment="e",
        registry=RegistrySettings(url="https://registry", username="u", password=secret),
        security=KafkaSecurity(protocol="SASL_SSL", username="u", password=secret),
    )
    assert secret not in repr(settings)


@pytest.mark.parametrize("extreme", [0, 1])
def test_librdkafka_takes_every_setting(extreme: int) -> None:
    ranges = {name: (setting.low, setting.high)[extreme] for name, setting in PUBLISHER.items()}
    tls = KafkaSecurity(protocol="SSL")
    settings = PublisherSettings(brokers="127.0.0.1:1", environment="e", security=tls, **ranges)  # type: ignore[arg-type] # all of them whole numbers
    Producer(settings.producer_options)
    assert settings.producer_options["security.protocol"] == "SSL"
