"""How the schema registry is come to: over TLS with a user, or not at all; no secret is ever quoted."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from kedge.schemas.contracts import text_of
from kedge.schemas.errors import RegistryUnavailableError
from kedge.schemas.registry import ConfluentRegistry
from kedge.streams.registry_settings import RegistrySettings
from kedge.streams.variables import SettingsError
from tests.schemas.test_registry import Server, serving
from tests.support.certificates import Authority

SECRET = "planted-77aa"  # noqa: S105 - what is looked for
HTTPS = {"KEDGE_REGISTRY_URL": "https://registry:8081"}


def tls(server: Server, authority: Authority) -> int:
    """Let the server speak TLS only; returns its port."""
    certificate, key = authority.issue("registry")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return int(server.server_address[1])


def password(folder: Path) -> str:
    file = folder / "registry.password"
    file.touch(mode=0o600)
    file.write_text(f"{SECRET}\n")
    return str(file)


def test_user_and_authority_are_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with serving() as server:
        server.schemas[3] = text_of("Monitor")
        given = {
            "KEDGE_REGISTRY_URL": f"https://localhost:{tls(server, authority)}",
            "KEDGE_REGISTRY_USERNAME": "ann",
            "KEDGE_REGISTRY_PASSWORD_FILE": password(tmp_path),
            "KEDGE_REGISTRY_CA_FILE": str(authority.file),
        }
        settings = RegistrySettings.from_environment(given)
        assert settings is not None
        assert ConfluentRegistry(settings.http()).schema(3) == text_of("Monitor")
        assert server.headers[0]["Authorization"].startswith("Basic ")
        assert SECRET not in repr(settings)
        other = str(Authority(tmp_path, "other").file)
        stranger = RegistrySettings.from_environment({**given, "KEDGE_REGISTRY_CA_FILE": other})
        assert stranger is not None
        with pytest.raises(RegistryUnavailableError):
            ConfluentRegistry(stranger.http(timeout_s=0.5)).schema(3)
        assert len(server.headers) == 1  # nothing was shown to whom is not trusted


def test_without_an_address_there_is_none() -> None:
    assert RegistrySettings.from_environment({"KEDGE_REGISTRY_URL": " "}) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"KEDGE_REGISTRY_URL": HTTPS["KEDGE_REGISTRY_URL"].replace("//", f"//ann:{SECRET}@")},
            "KEDGE_REGISTRY_URL: .* holds no user",
        ),
        ({"KEDGE_REGISTRY_URL": "registry:8081"}, "KEDGE_REGISTRY_URL: a registry's address begins with http"),
        ({**HTTPS, "KEDGE_REGISTRY_USERNAME": "ann"}, "KEDGE_REGISTRY_PASSWORD_FILE is not set"),
        ({**HTTPS, "KEDGE_REGISTRY_PASSWORD_FILE": "@"}, "KEDGE_REGISTRY_USERNAME is not set"),
        (
            {
                "KEDGE_REGISTRY_URL": "http://registry",
                "KEDGE_REGISTRY_USERNAME": "ann",
                "KEDGE_REGISTRY_PASSWORD_FILE": "@",
            },
            "KEDGE_REGISTRY_URL: http:// would show the password",
        ),
        (
            {**HTTPS, "KEDGE_REGISTRY_PASSWORD_FILE": "/missing"},
            "KEDGE_REGISTRY_PASSWORD_FILE: /missing cannot be read",
        ),
        ({**HTTPS, "KEDGE_REGISTRY_CA_FILE": "@"}, "KEDGE_REGISTRY_CA_FILE: .* holds no certificate in PEM"),
        ({**HTTPS, "KEDGE_REGISTRY_CA_FILE": "/missing"}, "KEDGE_REGISTRY_CA_FILE: /missing cannot be read"),
    ],
)
def test_what_cannot_work_is_refused_by_name(tmp_path: Path, given: Mapping[str, str], said: str) -> None:
    named = {name: password(tmp_path) if value == "@" else value for name, value in given.items()}
    with pytest.raises(SettingsError, match=said) as refused:
        RegistrySettings.from_environment(named)
    assert SECRET not in str(refused.value)
