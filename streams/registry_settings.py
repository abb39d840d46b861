"""Where the schema registry is, and how it is come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from kedge.schemas.registry_http import RegistryHttp
from kedge.streams.security import secret_file, trusting
from kedge.streams.variables import SettingsError
from kedge.streams.variables.kafka import REGISTRY_CA_FILE, REGISTRY_PASSWORD_FILE, REGISTRY_USERNAME
from kedge.streams.variables.table import REGISTRY_URL

__all__ = ["RegistrySettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """A Confluent-compatible registry; user and password where it asks for them.

    Raises:
        SettingsError: it is no address, holds a user itself, or something is missing or cannot be read; the message
            names the variable and quotes no secret.
    """

    url: str
    """http or https, without a user: an address is shown in messages."""
    username: str = ""
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """PEM, who may sign the registry's certificate; None: whom the system trusts."""

    def __post_init__(self) -> None:
        self.http()
        secure = urlsplit(self.url).scheme == "https"
        if self.username and not self.password:
            raise SettingsError(f"{REGISTRY_PASSWORD_FILE.name} is not set, and {REGISTRY_USERNAME.name} is")
        if self.password and not self.username:
            raise SettingsError(f"{REGISTRY_USERNAME.name} is not set, and {REGISTRY_PASSWORD_FILE.name} is")
        if self.password and not secure:
            raise SettingsError(
                f"{REGISTRY_URL.name}: http:// would show the password to the whole network: use https://"
            )
        if self.ca_file is not None and not secure:
            raise SettingsError(f"{REGISTRY_CA_FILE.name}: set, but {REGISTRY_URL.name} is without TLS: use https://")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self | None:
        """Read `KEDGE_REGISTRY_…`; None: there is no registry.

        Raises:
            SettingsError: as the class.
        """
        url = REGISTRY_URL.read(variables)
        if not url:
            return None
        file, authority = REGISTRY_PASSWORD_FILE.read(variables), REGISTRY_CA_FILE.read(variables)
        return cls(
            url=url,
            username=REGISTRY_USERNAME.read(variables),
            password=secret_file(REGISTRY_PASSWORD_FILE.name, file) if file else None,
            ca_file=Path(authority) if authority else None,
        )

    def http(self, *, timeout_s: float = 3.0, attempts: int = 3) -> RegistryHttp:
        """Return what asks it."""
        context = trusting(REGISTRY_CA_FILE.name, self.ca_file)
        credentials = (self.username, self.password or "") if self.username else None
        try:
            return RegistryHttp(
                self.url, credentials=credentials, context=context, timeout_s=timeout_s, attempts=attempts
            )
        except ValueError as error:
            raise SettingsError(f"{REGISTRY_URL.name}: {error}") from error
