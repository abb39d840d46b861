"""How Kafka is come to: what cannot work is refused by the name of its variable, and no secret is ever quoted."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from kedge import KafkaSecurity
from kedge.streams.settings import KafkaSettings, SettingsError
from tests.support.certificates import Authority

SECRET = "planted-7f3a"  # noqa: S105 - what is looked for
USER = {
    "KEDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KEDGE_KAFKA_USERNAME": "kedge-worker",
    "KEDGE_KAFKA_PASSWORD": SECRET,
}


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    """Files of every kind, good and bad."""
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")
    certificate, key = authority.issue("client", password=SECRET)
    _, foreign = other.issue("foreign")
    named = {"ca": authority.file, "certificate": certificate, "key": key, "foreign": foreign}
    for name, text in {
        "password": f"{SECRET}\n",
        "empty": "",
        "lines": f"{SECRET}\nmore\n",
        "garbage": f"{SECRET} is no PEM",
    }.items():
        named[name] = tmp_path / name
        named[name].write_text(text)
        named[name].chmod(0o600)
    return {**named, "missing": tmp_path / "missing", "folder": tmp_path}


def read(files: Mapping[str, Path], given: Mapping[str, str]) -> KafkaSecurity:
    """The settings; a value `@name` is a file's path."""
    paths = {name: str(files[value[1:]]) if value.startswith("@") else value for name, value in given.items()}
    return KafkaSecurity.from_environment(paths)


def test_by_itself_nothing_is_shown_and_nothing_hidden() -> None:
    plain = KafkaSettings.from_environment({"KEDGE_BROKERS": "a:1"})
    assert plain.security == KafkaSecurity()
    assert plain.client() == {"bootstrap.servers": "a:1", "log_level": "0", "security.protocol": "PLAINTEXT"}
    assert plain.security.context() is None


def test_librdkafka_and_python_are_told_the_same(files: Mapping[str, Path]) -> None:
    security = read(
        files,
        {
            "KEDGE_KAFKA_SECURITY_PROTOCOL": "sasl_ssl",
            "KEDGE_KAFKA_CA_FILE": "@ca",
            "KEDGE_KAFKA_CERTIFICATE_FILE": "@certificate",
            "KEDGE_KAFKA_KEY_FILE": "@key",
            "KEDGE_KAFKA_KEY_PASSWORD_FILE": "@password",
            "KEDGE_KAFKA_USERNAME": "kedge-worker",
            "KEDGE_KAFKA_PASSWORD_FILE": "@password",
        },
    )
    assert security.client() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "kedge-worker",
        "sasl.password": SECRET,
        "ssl.ca.location": str(files["ca"]),
        "ssl.certificate.location": str(files["certificate"]),
        "ssl.key.location": str(files["key"]),
        "ssl.key.password": SECRET,
    }
    Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **security.client()})
    context = security.context()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1
    assert SECRET not in repr(security) + str(security) + repr(
        KafkaSettings(brokers="a:1", environment="e", security=security)
    )


BAD: list[tuple[dict[str, str], str]] = [
    ({"KEDGE_KAFKA_SECURITY_PROTOCOL": "TLS"}, "KEDGE_KAFKA_SECURITY_PROTOCOL: 'TLS' is none of"),
    ({"KEDGE_KAFKA_USERNAME": "u"}, "KEDGE_KAFKA_USERNAME: set, but KEDGE_KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
    ({"KEDGE_KAFKA_CA_FILE": "@ca"}, "KEDGE_KAFKA_CA_FILE: set, but"),
    ({**USER, "KEDGE_KAFKA_SECURITY_PROTOCOL": "SSL"}, "KEDGE_KAFKA_USERNAME: set, but"),
    ({**USER, "KEDGE_KAFKA_USERNAME": ""}, "KEDGE_KAFKA_USERNAME is not set"),
    ({**USER, "KEDGE_KAFKA_PASSWORD": ""}, "KEDGE_KAFKA_PASSWORD_FILE is not set"),
    ({**USER, "KEDGE_KAFKA_PASSWORD_FILE": "@password"}, "KEDGE_KAFKA_PASSWORD and KEDGE_KAFKA_PASSWORD_FILE: set one"),
    ({**USER, "KEDGE_KAFKA_SASL_MECHANISM": "GSSAPI"}, "KEDGE_KAFKA_SASL_MECHANISM: 'GSSAPI' is none of"),
    (
        {**USER, "KEDGE_KAFKA_SASL_MECHANISM": "PLAIN", "KEDGE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        "KEDGE_KAFKA_SASL_MECHANISM: PLAIN over SASL_PLAINTEXT",
    ),
    (
        {**USER, "KEDGE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KEDGE_KAFKA_CA_FILE": "@ca"},
        "KEDGE_KAFKA_CA_FILE: set, but",
    ),
    *(
        (
            {**USER, "KEDGE_KAFKA_PASSWORD": "", "KEDGE_KAFKA_PASSWORD_FILE": f"@{name}"},
            f"KEDGE_KAFKA_PASSWORD_FILE: .* {said}",
        )
        for name, said in {
            "missing": "cannot be read: No such file",
            "folder": "cannot be read: Is a directory",
            "empty": "must hold one line",
            "lines": "must hold one line",
        }.items()
    ),
    ({**USER, "KEDGE_KAFKA_CA_FILE": "@missing"}, "KEDGE_KAFKA_CA_FILE: .* cannot be read: No such file"),
    ({**USER, "KEDGE_KAFKA_CA_FILE": "@garbage"}, "KEDGE_KAFKA_CA_FILE: .* holds no certificate in PEM"),
    ({**USER, "KEDGE_KAFKA_CERTIFICATE_FILE": "@certificate"}, "KEDGE_KAFKA_KEY_FILE: set both"),
    ({**USER, "KEDGE_KAFKA_KEY_PASSWORD_FILE": "@password"}, "KEDGE_KAFKA_KEY_PASSWORD_FILE: set, but KEDGE_KAFKA_KEY"),
    *(
        (
            {
                **USER,
                "KEDGE_KAFKA_CERTIFICATE_FILE": f"@{certificate}",
                "KEDGE_KAFKA_KEY_FILE": f"@{key}",
                "KEDGE_KAFKA_KEY_PASSWORD_FILE": f"@{password}",
            },
            said,
        )
        for certificate, key, password, said in (
            ("certificate", "foreign", "password", "KEDGE_KAFKA_KEY_FILE: .* is no PEM key of the certificate"),
            ("certificate", "garbage", "password", "KEDGE_KAFKA_KEY_FILE: .* is no PEM key of the certificate"),
            ("certificate", "key", "ca", "KEDGE_KAFKA_KEY_PASSWORD_FILE: .* must hold one line"),
            ("certificate", "missing", "password", "KEDGE_KAFKA_KEY_FILE: .* cannot be read"),
            ("missing", "key", "password", "KEDGE_KAFKA_CERTIFICATE_FILE: .* cannot be read"),
        )
    ),
    (
        {**USER, "KEDGE_KAFKA_CERTIFICATE_FILE": "@certificate", "KEDGE_KAFKA_KEY_FILE": "@key"},
        "KEDGE_KAFKA_KEY_FILE: .* is encrypted with another password",
    ),
]


@pytest.mark.parametrize(("given", "said"), BAD, ids=[said for _, said in BAD])
def test_what_cannot_work_is_refused_by_name_in_one_line(
    files: Mapping[str, Path], given: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read(files, given)
    assert "\n" not in str(refused.value)
    told: list[BaseException | None] = [refused.value, refused.value.__cause__, refused.value.__context__]
    assert SECRET not in " ".join(map(repr, told))


def test_a_secret_that_lies_open_is_taken_and_said(files: Mapping[str, Path], caplog: pytest.LogCaptureFixture) -> None:
    given = {**USER, "KEDGE_KAFKA_PASSWORD": "", "KEDGE_KAFKA_PASSWORD_FILE": "@password"}
    assert read(files, given).password == SECRET
    assert caplog.text == ""
    files["password"].chmod(0o644)
    assert read(files, given).password == SECRET
    assert "KEDGE_KAFKA_PASSWORD_FILE: every user of this machine can read" in caplog.text
    assert SECRET not in caplog.text


def test_a_certificate_alone_is_enough_where_brokers_know_clients_by_it(files: Mapping[str, Path]) -> None:
    given: dict[str, Any] = {
        "KEDGE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "KEDGE_KAFKA_CERTIFICATE_FILE": "@certificate",
        "KEDGE_KAFKA_KEY_FILE": "@key",
        "KEDGE_KAFKA_KEY_PASSWORD_FILE": "@password",
    }
    client = read(files, given).client()
    assert client["security.protocol"] == "SSL"
    assert "sasl.mechanism" not in client
