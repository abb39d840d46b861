"""What an operator sets, read from `KEDGE_*` variables: one frozen dataclass a part, every value checked at once.

`kedge.streams.variables` lists them. A bad value is refused here, with the variable's name and what was expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kedge.streams.names import Topics, reader_group
from kedge.streams.security import PLAINTEXT, KafkaSecurity
from kedge.streams.variables import SettingsError
from kedge.streams.variables.table import (
    BROKERS,
    CHECKPOINT_SECONDS,
    EMBEDDED,
    ENVIRONMENT,
    HTTP_HOST,
    HTTP_PORT,
    SESSION_TIMEOUT_SECONDS,
    WORKER_ID,
)

__all__ = ["KafkaSettings", "Settings", "SettingsError", "WorkerSettings"]

_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where Kafka is, how it is come to, and which environment's topics, groups and transactions are meant.

    >>> KafkaSettings(brokers="a:9092,b:9092", environment="prod").client()["bootstrap.servers"]
    'a:9092,b:9092'
    """

    brokers: str
    environment: str
    security: KafkaSecurity = PLAINTEXT

    def __post_init__(self) -> None:
        for broker in self.brokers.split(","):
            host, _, port = broker.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
                message = f"{BROKERS.name}: {broker!r} is not host:port (several are separated by commas)"
                raise SettingsError(message)
        try:
            Topics(self.environment)
        except ValueError as error:
            message = f"{ENVIRONMENT.name}: {error}"
            raise SettingsError(message) from error

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "KafkaSettings":
        """Read `KEDGE_BROKERS`, `KEDGE_ENVIRONMENT` (default `dev`) and `KEDGE_KAFKA_…`.

        Raises:
            SettingsError: one of them is missing or bad.
        """
        brokers = BROKERS.read(variables)
        if not brokers:
            message = "KEDGE_BROKERS is not set: give the cluster's address, for example KEDGE_BROKERS=localhost:9092"
            raise SettingsError(message)
        return cls(
            brokers=brokers,
            environment=ENVIRONMENT.read(variables),
            security=KafkaSecurity.from_environment(variables),
        )

    def client(self) -> dict[str, str]:
        """The librdkafka settings that every client needs, secrets among them.

        librdkafka's own log stays off: we log what matters.
        """
        return {"bootstrap.servers": self.brokers, "log_level": "0", **self.security.client()}

    def reader(self) -> dict[str, str]:
        """The same for a consumer that is assigned its partitions by hand and belongs to no group."""
        return {**self.client(), "group.id": reader_group(self.environment)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How one worker process behaves.

    Args:
        worker_id: makes the worker a static member of the group: after a crash it has its partitions back in
            about a second. It must be unique, and the same after a restart. None: a dynamic member.
        http_host: where `/healthz`, `/readyz` and `/metrics` listen.
        http_port: 0 takes a free one (the log names it).
        checkpoint_s: seconds between checkpoints (0.02 to 5).
        session_timeout_s: after how many silent seconds the group gives a worker's partitions to others
            (the broker's `group.min.session.timeout.ms`, 6 s, to 300).
        embedded: on librdkafka's built-in cluster: its batches carry stale checksums and it has no static
            members, so both are left out there, and only there.
    """

    worker_id: str | None = None
    http_host: str = HTTP_HOST.default
    http_port: int = HTTP_PORT.default
    checkpoint_s: float = CHECKPOINT_SECONDS.default
    session_timeout_s: float = SESSION_TIMEOUT_SECONDS.default
    embedded: bool = False

    def __post_init__(self) -> None:
        HTTP_PORT.check(self.http_port)
        CHECKPOINT_SECONDS.check(self.checkpoint_s)
        SESSION_TIMEOUT_SECONDS.check(self.session_timeout_s)
        if self.worker_id is not None and not self.worker_id.strip():
            message = f"{WORKER_ID.name} is empty: give a name that no other worker has, or unset it"
            raise SettingsError(message)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "WorkerSettings":
        """Read what a worker reads; what is not set has its default.

        Raises:
            SettingsError: one of them is bad.
        """
        return cls(
            worker_id=WORKER_ID.read(variables) or None,
            http_host=HTTP_HOST.read(variables),
            http_port=HTTP_PORT.read(variables),
            checkpoint_s=CHECKPOINT_SECONDS.read(variables),
            session_timeout_s=SESSION_TIMEOUT_SECONDS.read(variables),
            embedded=EMBEDDED.read(variables),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that `run_worker` is told."""

    kafka: KafkaSettings
    worker: WorkerSettings = field(default_factory=WorkerSettings)
