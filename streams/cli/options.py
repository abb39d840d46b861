"""Options that several commands have."""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import duration_ms
from kedge.schemas.registry import ConfluentRegistry
from kedge.schemas.registry_http import RegistryHttp
from kedge.streams.core.trusting import Signer
from kedge.streams.events import SETTING
from kedge.streams.registry_settings import RegistrySettings
from kedge.streams.settings import KafkaSettings, SettingsError
from kedge.streams.topics import OWN_MESSAGE_BYTES_MAX
from kedge.streams.trust import trust_from_environment
from kedge.streams.variables import all_variables, unknown
from kedge.streams.variables.table import BROKERS, ENVIRONMENT, REGISTRY_URL

__all__ = [
    "DurationType",
    "SettingOption",
    "as_json",
    "cluster_options",
    "codec",
    "kafka_options",
    "kafka_settings",
    "registry_http",
    "signing_key",
    "warn_of_unknown",
]

LOG: Final = logging.getLogger("kedge.settings")

P = ParamSpec("P")
R = TypeVar("R")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def kafka_options(command: Callable[Concatenate[KafkaSettings, P], R]) -> Callable[P, R]:
    """Give a command `--brokers` and `--environment`, and hand it the settings as its first argument."""

    @cluster_options
    @wraps(command)
    def with_settings(*args: Any, brokers: str | None, environment: str | None, **given: Any) -> R:  # noqa: ANN401
        return command(kafka_settings(brokers, environment), *args, **given)

    return with_settings  # type: ignore[no-any-return] # the two options are click's to give


def cluster_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    """Give a command `--brokers` and `--environment`, which it need not be given."""
    environment = click.option(
        "--environment", metavar="NAME", help="Prefix of all topics (dev).  [env: KEDGE_ENVIRONMENT]"
    )
    brokers = click.option("--brokers", metavar="HOST:PORT,…", help="The Kafka cluster.  [env: KEDGE_BROKERS]")
    return brokers(environment(command))


def kafka_settings(brokers: str | None, environment: str | None) -> KafkaSettings:
    """Return the settings that the options and the environment give; raises `SettingsError`."""
    overrides = {BROKERS.name: brokers, ENVIRONMENT.name: environment}
    said = {name: value for name, value in overrides.items() if value is not None}
    return KafkaSettings.from_environment({**all_variables(), **said})


class SettingOption(click.Option):
    """An option whose `envvar` may also stand in the file that KEDGE_CONFIG_FILE names."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what is set; None: nothing."""
        del ctx
        return all_variables().get(str(self.envvar), "").strip() or None


class DurationType(click.ParamType):
    """A duration such as 90s, 5m, 1h or 1d; as milliseconds, at most `greatest_ms`."""

    name = "duration"

    def __init__(self, greatest_ms: int) -> None:
        self._greatest_ms = greatest_ms

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the milliseconds."""
        found = value if isinstance(value, int) else duration_ms(str(value))
        if found is None:
            self.fail(f"{value!r} is no duration, such as 90s, 5m, 1h or 1d", param, ctx)
        if found > self._greatest_ms:
            self.fail(f"{value} is too long: at most {self._greatest_ms // 3_600_000} h", param, ctx)
        return found


def codec() -> Codec:
    """Return the codec that the environment asks for: framed for a registry where KEDGE_REGISTRY_URL names one."""
    registry = RegistrySettings.from_environment(all_variables())
    if registry is None:
        return Codec(bytes_max=OWN_MESSAGE_BYTES_MAX)
    return Codec(ConfluentRegistry(registry.http()), bytes_max=OWN_MESSAGE_BYTES_MAX)


def registry_http() -> RegistryHttp:
    """Return what asks the registry that KEDGE_REGISTRY_URL names; raises `SettingsError`."""
    registry = RegistrySettings.from_environment(all_variables())
    if registry is None:
        raise SettingsError(
            f"{REGISTRY_URL.name} is not set: give the registry's address, such as http://localhost:8081"
        )
    return registry.http()


def warn_of_unknown(variables: Mapping[str, str]) -> None:
    """Say which variables look like settings and are none: a name mistyped would leave a default in force unseen."""
    for name, near in unknown(variables).items():
        meant = f": is {near} meant?" if near else ""
        SETTING.tell(LOG, f"{name} is no setting of Kedge and changes nothing{meant}", setting=name)


def signing_key() -> Signer:
    """Return what signs a person's word: a key, or nothing where KEDGE_TRUST=development says so.

    Raises:
        SettingsError: the key is missing or cannot be read, or nobody has chosen.
    """
    return trust_from_environment(all_variables(), checks=False).signer()
