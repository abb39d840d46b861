"""How a client comes to Kafka: TLS, and a user or a certificate. The same few settings for every client there is.

Files are read and checked when the settings are made, so that what cannot work is refused before anything starts.
"""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from kedge.streams.events import SETTING
from kedge.streams.variables import SettingsError
from kedge.streams.variables.kafka import (
    CA_FILE,
    CERTIFICATE_FILE,
    KEY_FILE,
    KEY_PASSWORD_FILE,
    PASSWORD,
    PASSWORD_FILE,
    SASL_MECHANISM,
    SECURITY,
    SECURITY_PROTOCOL,
    USERNAME,
)

__all__ = ["PLAINTEXT", "KafkaSecurity", "secret_file", "trusting"]

_LOG: Final = logging.getLogger("kedge.settings")

_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
_MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
_SECRET_BYTES_MAX: Final = 65_536
_OTHERS_READ: Final = 0o004


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """What a client shows and what it trusts; by itself: neither.

    >>> KafkaSecurity(protocol="SASL_SSL", username="kedge-worker", password="secret")
    KafkaSecurity(protocol='SASL_SSL', ca_file=None, certificate_file=None, key_file=None, mechanism='SCRAM-SHA-512', \
username='kedge-worker')

    Raises:
        SettingsError: something is missing, contradicts something else, or cannot be read; the message names the
            variable and quotes no secret.
    """

    protocol: str = "PLAINTEXT"
    """PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT."""
    ca_file: Path | None = None
    """PEM, who may sign the brokers' certificates; None: whom the system trusts."""
    certificate_file: Path | None = None
    """PEM, the client's certificate with its chain, where the brokers ask for one."""
    key_file: Path | None = None
    """PEM, its key."""
    key_password: str | None = field(default=None, repr=False)
    """Of an encrypted key."""
    mechanism: str = "SCRAM-SHA-512"
    """SCRAM-SHA-512, SCRAM-SHA-256, or PLAIN, which is refused without TLS."""
    username: str = ""
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.protocol not in _PROTOCOLS:
            raise SettingsError(f"{SECURITY_PROTOCOL.name}: {self.protocol!r} is none of {', '.join(_PROTOCOLS)}")
        self._check_sasl()
        self._check_tls()

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Read `KEDGE_KAFKA_…`.

        Raises:
            SettingsError: as the class; or something is set that would not be used.
        """
        protocol = SECURITY_PROTOCOL.read(variables).upper()
        if protocol == "PLAINTEXT":
            unused = [setting.name for setting in SECURITY if setting.text(variables)]
            if unused:
                raise SettingsError(
                    f"{' and '.join(unused)}: set, but {SECURITY_PROTOCOL.name} is PLAINTEXT, which shows nothing and "
                    f"hides nothing: set it to SASL_SSL or SSL"
                )
        given = {setting: setting.read(variables) for setting in (PASSWORD, PASSWORD_FILE, KEY_PASSWORD_FILE)}
        if given[PASSWORD] and given[PASSWORD_FILE]:
            raise SettingsError(f"{PASSWORD.name} and {PASSWORD_FILE.name}: set one of them, not both")
        password = given[PASSWORD] or None
        if given[PASSWORD_FILE]:
            password = secret_file(PASSWORD_FILE.name, given[PASSWORD_FILE])
        key_password = None
        if given[KEY_PASSWORD_FILE]:
            key_password = secret_file(KEY_PASSWORD_FILE.name, given[KEY_PASSWORD_FILE])
        return cls(
            protocol=protocol,
            ca_file=_path(CA_FILE.read(variables)),
            certificate_file=_path(CERTIFICATE_FILE.read(variables)),
            key_file=_path(KEY_FILE.read(variables)),
            key_password=key_password,
            mechanism=SASL_MECHANISM.read(variables).upper(),
            username=USERNAME.read(variables),
            password=password,
        )

    @property
    def tls(self) -> bool:
        """Whether what goes over the wire is hidden."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        """Whether the client shows a user and a password."""
        return self.protocol.startswith("SASL_")

    def client(self) -> dict[str, str]:
        """The librdkafka settings; they hold the secrets."""
        settings = {"security.protocol": self.protocol}
        if self.sasl:
            settings |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password or "",
            }
        files = {
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.certificate_file,
            "ssl.key.location": self.key_file,
        }
        settings |= {name: str(path) for name, path in files.items() if path is not None}
        if self.key_password is not None:
            settings["ssl.key.password"] = self.key_password
        return settings

    def context(self) -> ssl.SSLContext | None:
        """The same for a client that speaks through Python's `ssl`; None: no TLS."""
        if not self.tls:
            return None
        context = trusting(CA_FILE.name, self.ca_file)
        if self.certificate_file is not None and self.key_file is not None:
            _readable(CERTIFICATE_FILE.name, self.certificate_file)
            _readable(KEY_FILE.name, self.key_file)
            try:
                # A function, because without one OpenSSL asks for a missing password on the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, lambda: self.key_password or "")
            except (ssl.SSLError, ValueError) as error:
                raise SettingsError(
                    f"{KEY_FILE.name}: {self.key_file} is no PEM key of the certificate in {CERTIFICATE_FILE.name}, or "
                    f"is encrypted with another password than that in {KEY_PASSWORD_FILE.name}"
                ) from error
        return context

    def _check_sasl(self) -> None:
        if not self.sasl:
            if self.username or self.password:
                raise SettingsError(
                    f"{USERNAME.name}: set, but {SECURITY_PROTOCOL.name} is {self.protocol}: set it to SASL_SSL"
                )
            return
        if self.mechanism not in _MECHANISMS:
            raise SettingsError(f"{SASL_MECHANISM.name}: {self.mechanism!r} is none of {', '.join(_MECHANISMS)}")
        if not self.username:
            raise SettingsError(f"{USERNAME.name} is not set, and {SECURITY_PROTOCOL.name} is {self.protocol}")
        if not self.password:
            raise SettingsError(
                f"{PASSWORD_FILE.name} is not set, and {USERNAME.name} is: name the file of its password"
            )
        if self.mechanism == "PLAIN" and not self.tls:
            raise SettingsError(
                f"{SASL_MECHANISM.name}: PLAIN over SASL_PLAINTEXT would show the password to the whole network: set "
                f"{SECURITY_PROTOCOL.name} to SASL_SSL, or use SCRAM-SHA-512"
            )

    def _check_tls(self) -> None:
        files = {CA_FILE: self.ca_file, CERTIFICATE_FILE: self.certificate_file, KEY_FILE: self.key_file}
        given = [setting.name for setting, path in files.items() if path is not None]
        if given and not self.tls:
            raise SettingsError(
                f"{given[0]}: set, but {SECURITY_PROTOCOL.name} is {self.protocol}, which is without TLS"
            )
        if (self.certificate_file is None) != (self.key_file is None):
            raise SettingsError(f"{CERTIFICATE_FILE.name} and {KEY_FILE.name}: set both, or neither")
        if self.key_password is not None and self.key_file is None:
            raise SettingsError(f"{KEY_PASSWORD_FILE.name}: set, but {KEY_FILE.name} is not")
        self.context()


PLAINTEXT: Final = KafkaSecurity()
"""Nobody is asked who he is, and everybody on the way can read along: for a machine of one's own."""


def secret_file(variable: str, name: str) -> str:
    """Return what a file holds, without the line end.

    It is taken however open it lies, because secrets that are mounted into containers often lie open to all in there;
    but that is said.

    Raises:
        SettingsError: it cannot be read, is empty, or holds more than one line; nothing of it is quoted.
    """
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(_SECRET_BYTES_MAX)
        open_to_all = path.stat().st_mode & _OTHERS_READ
    except OSError as error:
        raise SettingsError(f"{variable}: {path} cannot be read: {error.strerror}") from error
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: {path} holds something else than text") from None
    if not text or "\n" in text:
        raise SettingsError(f"{variable}: {path} must hold one line, and nothing else")
    if open_to_all:
        words = f"{variable}: every user of this machine can read {path}: chmod 600 it"
        SETTING.tell(_LOG, words, setting=variable)
    return text


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _readable(variable: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingsError(f"{variable}: {path} cannot be read: {error.strerror}") from error


def trusting(variable: str, ca_file: Path | None) -> ssl.SSLContext:
    """Return what trusts an authority, or whom the system trusts; `variable` named the file.

    Raises:
        SettingsError: the file cannot be read, or holds no certificate.
    """
    if ca_file is not None:
        _readable(variable, ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(f"{variable}: {ca_file} holds no certificate in PEM") from error
