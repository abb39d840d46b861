"""What an operator sets, read from `KEDGE_*` variables: one frozen dataclass a part, every value checked at once.

A bad value is refused here, with the variable's name and what was expected, never replaced by a default.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from kedge.streams.names import Topics

T = TypeVar("T")

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_PORT_MAX = 65_535


class SettingsError(ValueError):
    """A setting is missing or cannot be used; the message says which one and what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where Kafka is, and which environment's topics, groups and transactions are meant.

    >>> KafkaSettings(brokers="a:9092,b:9092", environment="prod").client()["bootstrap.servers"]
    'a:9092,b:9092'
    """

    brokers: str
    environment: str

    def __post_init__(self) -> None:
        for broker in self.brokers.split(","):
            host, _, port = broker.strip().rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
                message = f"KEDGE_BROKERS: {broker!r} is not host:port (several are separated by commas)"
                raise SettingsError(message)
        try:
            Topics(self.environment)
        except ValueError as error:
            message = f"KEDGE_ENVIRONMENT: {error}"
            raise SettingsError(message) from error

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "KafkaSettings":
        """Read `KEDGE_BROKERS` and `KEDGE_ENVIRONMENT` (default `dev`).

        Raises:
            SettingsError: one of them is missing or bad.
        """
        brokers = variables.get("KEDGE_BROKERS", "").strip()
        if not brokers:
            message = "KEDGE_BROKERS is not set: give the cluster's address, for example KEDGE_BROKERS=localhost:9092"
            raise SettingsError(message)
        return cls(brokers=brokers, environment=variables.get("KEDGE_ENVIRONMENT", "dev").strip())

    def client(self) -> dict[str, str]:
        """The librdkafka settings that every client needs. librdkafka's own log stays off: we log what matters."""
        return {"bootstrap.servers": self.brokers, "log_level": "0"}


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
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    checkpoint_s: float = 1.0
    session_timeout_s: float = 30.0
    embedded: bool = False

    def __post_init__(self) -> None:
        _within("KEDGE_HTTP_PORT", self.http_port, 0, _PORT_MAX)
        _within("KEDGE_CHECKPOINT_SECONDS", self.checkpoint_s, 0.02, 5)
        _within("KEDGE_SESSION_TIMEOUT_SECONDS", self.session_timeout_s, 6, 300)
        if self.worker_id is not None and not self.worker_id.strip():
            message = "KEDGE_WORKER_ID is empty: give a name that no other worker has, or unset it"
            raise SettingsError(message)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "WorkerSettings":
        """Read the variables named below; what is not set has its default.

        Raises:
            SettingsError: one of them is bad.
        """
        readers: dict[str, tuple[str, Callable[[str], Any]]] = {
            "worker_id": ("KEDGE_WORKER_ID", str),
            "http_host": ("KEDGE_HTTP_HOST", str),
            "http_port": ("KEDGE_HTTP_PORT", int),
            "checkpoint_s": ("KEDGE_CHECKPOINT_SECONDS", float),
            "session_timeout_s": ("KEDGE_SESSION_TIMEOUT_SECONDS", float),
            "embedded": ("KEDGE_EMBEDDED", _boolean),
        }
        return cls(
            **{
                name: _parsed(variable, variables[variable], parse)
                for name, (variable, parse) in readers.items()
                if variable in variables
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that `run_worker` is told."""

    kafka: KafkaSettings
    worker: WorkerSettings = field(default_factory=WorkerSettings)


def _parsed(variable: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text.strip())
    except ValueError as error:
        expected = {int: "a whole number", float: "a number"}.get(cast("type", parse), str(error))
        message = f"{variable}: {text!r} is not {expected}"
        raise SettingsError(message) from error


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    message = "true or false"
    raise ValueError(message)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        message = f"{name}: {value:g} is not between {low:g} and {high:g}"
        raise SettingsError(message)
