"""How a publisher is set up: arguments, or `KEDGE_*` variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from kedge.streams.names import Topics
from kedge.streams.publisher.batcher import Limits
from kedge.streams.registry_settings import RegistrySettings
from kedge.streams.security import PLAINTEXT, KafkaSecurity
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import BROKERS, ENVIRONMENT, PUBLISHER, REGISTRY_URL

__all__ = ["PublisherSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherSettings:
    """What a publisher needs to know; `brokers` and `environment` have no default.

    Raises:
        ValueError: a number out of its range, or an environment that is no name.
    """

    brokers: str
    """host:port, comma-separated."""
    environment: str
    """The deployment: prefix of every topic."""
    registry: RegistrySettings | None = None
    """A schema registry; None: Avro single-object encoding."""
    queue_rows_max: int = PUBLISHER["queue_rows_max"].default
    """Rows on their way at most, ≥ 1."""
    queue_bytes_max: int = PUBLISHER["queue_bytes_max"].default
    """Bytes of memory that they take at most, about; ≥ 64 KiB."""
    batch_rows_max: int = PUBLISHER["batch_rows_max"].default
    """Rows of a message at most, 1 to 100,000."""
    batch_bytes_max: int = PUBLISHER["batch_bytes_max"].default
    """Bytes of a message at most, 4 KiB to 1,000,000."""
    batch_age_ms: int = PUBLISHER["batch_age_ms"].default
    """How long a row waits for others, ≥ 1."""
    delivery_timeout_ms: int = PUBLISHER["delivery_timeout_ms"].default
    """How long Kafka may take to acknowledge a message before it is given up, ≥ 1,000."""
    close_timeout_ms: int = PUBLISHER["close_timeout_ms"].default
    """How long the end of the process may wait for what is on its way, ≥ 0."""
    security: KafkaSecurity = PLAINTEXT
    """TLS, and who the publisher is."""

    def __post_init__(self) -> None:
        Topics(self.environment)  # raises for a name that is none
        if not self.brokers:
            raise ValueError("brokers: expected host:port, comma-separated")
        for name, setting in PUBLISHER.items():
            value = getattr(self, name)
            if not setting.low <= value <= setting.high:
                raise ValueError(f"{name}: expected {setting.low} to {setting.high}, not {value}")

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, security: KafkaSecurity | None = None, **given: str | None
    ) -> Self:
        """Return the settings of `KEDGE_BROKERS`, `KEDGE_ENVIRONMENT`, `KEDGE_KAFKA_…`, `KEDGE_REGISTRY_…` and
        `KEDGE_PUBLISHER_<NAME>` for the numbers, from the environment or the file that `KEDGE_CONFIG_FILE` names; what
        is given (and not None) comes first.

        Raises:
            ValueError: something is missing or no number; the message names the variable.
        """  # noqa: D205 - the variables do not fit on one line
        environ = all_variables(environ)
        values: dict[str, object] = {name: setting.read(environ) for name, setting in PUBLISHER.items()}
        for name, setting in (("brokers", BROKERS), ("environment", ENVIRONMENT)):
            # An environment has no default here: rows sent to the wrong one are not told from that one's own.
            values[name] = given.get(name) or setting.text(environ)
            if not values[name]:
                raise ValueError(f"{setting.name} is not set, and no {name} was given")
        url = given.get("registry_url")
        values["registry"] = RegistrySettings.from_environment({**environ, REGISTRY_URL.name: url} if url else environ)
        values["security"] = security if security is not None else KafkaSecurity.from_environment(environ)
        return cls(**values)  # type: ignore[arg-type] # built from the fields themselves

    @property
    def limits(self) -> Limits:
        """When a batch closes."""
        return Limits(rows_max=self.batch_rows_max, bytes_max=self.batch_bytes_max, age_s=self.batch_age_ms / 1_000)

    @property
    def producer_options(self) -> dict[str, str | int | bool]:
        """What librdkafka is told."""
        return {
            "client.id": "kedge-publisher",
            "compression.type": "lz4",
            "linger.ms": 5,
            # A broker that is back is found again within seconds: 10 s, librdkafka's own, is long for a full queue.
            "reconnect.backoff.max.ms": 2_000,
            "log_level": 2,  # state changes are logged by the publisher itself, once and not every second
            **self.security.client(),
            "bootstrap.servers": self.brokers,
            "enable.idempotence": True,
            "allow.auto.create.topics": False,  # with whatever partition count the broker is set to
            "message.max.bytes": self.batch_bytes_max + 4_096,
            "message.timeout.ms": self.delivery_timeout_ms,
            # The publisher has bounds of its own, over all that is on its way: librdkafka's must not come first.
            "queue.buffering.max.kbytes": min(2_147_483_647, 2 * self.queue_bytes_max // 1_024 + 2_048),
            "queue.buffering.max.messages": min(2_147_483_647, self.queue_rows_max + 1),
        }
