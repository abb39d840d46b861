"""Options that several commands have."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from kedge.schemas.codec import Codec
from kedge.schemas.registry import ConfluentRegistry
from kedge.streams.settings import KafkaSettings, SettingsError
from kedge.streams.topics import OWN_MESSAGE_BYTES_MAX
from kedge.streams.trust import SigningKey

__all__ = ["as_json", "codec", "kafka_options", "signing_key"]

P = ParamSpec("P")
R = TypeVar("R")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def kafka_options(command: Callable[Concatenate[KafkaSettings, P], R]) -> Callable[P, R]:
    """Give a command `--brokers` and `--environment`, and hand it the settings as its first argument."""

    @click.option("--brokers", metavar="HOST:PORT,…", help="The Kafka cluster.  [env: KEDGE_BROKERS]")
    @click.option("--environment", metavar="NAME", help="Prefix of all topics (dev).  [env: KEDGE_ENVIRONMENT]")
    @wraps(command)
    def with_settings(*args: Any, brokers: str | None, environment: str | None, **given: Any) -> R:  # noqa: ANN401
        overrides = {"KEDGE_BROKERS": brokers, "KEDGE_ENVIRONMENT": environment}
        said = {name: value for name, value in overrides.items() if value is not None}
        return command(KafkaSettings.from_environment({**os.environ, **said}), *args, **given)

    return with_settings  # type: ignore[return-value] # the two options are click's to give


def codec() -> Codec:
    """Return the codec that the environment asks for: framed for a registry where KEDGE_REGISTRY_URL names one."""
    url = os.environ.get("KEDGE_REGISTRY_URL", "").strip()
    if not url:
        return Codec(bytes_max=OWN_MESSAGE_BYTES_MAX)
    try:
        return Codec(ConfluentRegistry(url), bytes_max=OWN_MESSAGE_BYTES_MAX)
    except ValueError as error:
        raise SettingsError(f"KEDGE_REGISTRY_URL: {error}") from error


def signing_key() -> SigningKey | None:
    """Return the key that KEDGE_SIGNING_KEY_FILE names; None: nothing is signed."""
    path = os.environ.get("KEDGE_SIGNING_KEY_FILE", "").strip()
    if not path:
        return None
    try:
        return SigningKey.load(Path(path))
    except SettingsError as error:
        raise SettingsError(f"KEDGE_SIGNING_KEY_FILE: {error}") from error
