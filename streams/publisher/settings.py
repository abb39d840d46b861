"""How a publisher is set up: arguments, or `KEDGE_*` variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Final, Self

from kedge.streams.names import Topics
from kedge.streams.publisher.batcher import HEAD_BYTES, Limits

__all__ = ["PublisherSettings"]

MESSAGE_BYTES_MAX: Final = 1_000_000
"""A message has to stay below the worker's limit and the broker's, 1 MiB with Kafka's own bytes."""

_RESERVED: Final = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "bootstrap.servers",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "error_cb",
        "message.max.bytes",
        "message.timeout.ms",
        "delivery.timeout.ms",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "transactional.id",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherSettings:
    """What a publisher needs to know; `brokers` and `environment` have no default.

    Raises:
        ValueError: a number out of its range, an environment that is no name, or a Kafka option that the
            publisher's promises rest on.
    """

    brokers: str
    """host:port, comma-separated."""
    environment: str
    """The deployment: prefix of every topic."""
    registry_url: str | None = field(default=None, repr=False)
    """A Confluent schema registry, credentials included; None: Avro single-object encoding."""
    queue_rows_max: int = 200_000
    """Rows on their way at most, ≥ 1."""
    queue_bytes_max: int = 64 * 2**20
    """Bytes of memory that they take at most, about; ≥ 64 KiB."""
    batch_rows_max: int = 500
    """Rows of a message at most, 1 to 100,000."""
    batch_bytes_max: int = 900_000
    """Bytes of a message at most, 4 KiB to 1,000,000."""
    batch_age_ms: int = 1_000
    """How long a row waits for others, ≥ 1."""
    delivery_timeout_ms: int = 300_000
    """How long Kafka may take to acknowledge a message before it is given up, ≥ 1,000."""
    close_timeout_ms: int = 10_000
    """How long the end of the process may wait for what is on its way, ≥ 0."""
    kafka: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """More of librdkafka's options, for TLS and SASL; it may hold secrets, and so is not shown."""

    def __post_init__(self) -> None:
        Topics(self.environment)  # raises for a name that is none
        if not self.brokers:
            raise ValueError("brokers: expected host:port, comma-separated")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name}: expected {least} to {most}, not {value}")
        reserved = sorted(_RESERVED & self.kafka.keys())
        if reserved:
            raise ValueError(f"kafka: {', '.join(reserved)} cannot be set: what the publisher promises rests on it")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, **given: str | None) -> Self:
        """Return the settings of `KEDGE_BROKERS`, `KEDGE_ENVIRONMENT`, `KEDGE_REGISTRY_URL` and
        `KEDGE_PUBLISHER_<NAME>` for the numbers; what is `given` (and not None) comes first.

        Raises:
            ValueError: something is missing or no number; the message names the variable.
        """  # noqa: D205 - the variables do not fit on one line
        values: dict[str, object] = {}
        for option in fields(cls):
            if option.name == "kafka":
                continue
            variable = f"KEDGE_PUBLISHER_{option.name}" if option.name in _RANGES else f"KEDGE_{option.name}"
            text = given.get(option.name) or environ.get(variable.upper())
            if text:
                values[option.name] = _whole(variable.upper(), text) if option.name in _RANGES else text
            elif option.name in ("brokers", "environment"):
                raise ValueError(f"{variable.upper()} is not set, and no {option.name} was given")
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
            **self.kafka,
            "bootstrap.servers": self.brokers,
            "enable.idempotence": True,
            "allow.auto.create.topics": False,  # with whatever partition count the broker is set to
            "message.max.bytes": self.batch_bytes_max + 4_096,
            "message.timeout.ms": self.delivery_timeout_ms,
            # The publisher has bounds of its own, over all that is on its way: librdkafka's must not come first.
            "queue.buffering.max.kbytes": min(2_147_483_647, 2 * self.queue_bytes_max // 1_024 + 2_048),
            "queue.buffering.max.messages": min(2_147_483_647, self.queue_rows_max + 1),
        }


_INT32_MAX: Final = 2**31 - 1
_RANGES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "queue_rows_max": (1, 10**9),
        "queue_bytes_max": (2**16, 2**40),
        "batch_rows_max": (1, 100_000),
        "batch_bytes_max": (HEAD_BYTES + 1_024, MESSAGE_BYTES_MAX),
        "batch_age_ms": (1, _INT32_MAX),
        "delivery_timeout_ms": (1_000, _INT32_MAX),
        "close_timeout_ms": (0, _INT32_MAX),
    }
)


def _whole(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{variable}: expected a whole number, not {text!r}") from None
