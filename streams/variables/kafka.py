"""The settings of TLS and SASL, the same for every client of Kafka and of the schema registry."""

from typing import Final

from kedge.streams.variables.kinds import Text

_ALL: Final = "all that use Kafka"
_REGISTRY: Final = "all that use a registry"
_PEM: Final = "path of a PEM file"
_SECRET_FILE: Final = "path of a file that holds a secret"  # noqa: S105 - what kind of value it is

SECURITY_PROTOCOL: Final = Text(
    name="KEDGE_KAFKA_SECURITY_PROTOCOL",
    readers=_ALL,
    kind="`PLAINTEXT`, `SSL`, `SASL_SSL` or `SASL_PLAINTEXT`",
    default="PLAINTEXT",
    doc="How the brokers' listener is spoken to: `SASL_SSL` in production, `SSL` with client certificates.",
)
CA_FILE: Final = Text(
    name="KEDGE_KAFKA_CA_FILE",
    readers=_ALL,
    kind=_PEM,
    doc="Who may sign the brokers' certificates; where it is not set, whom the system trusts.",
)
CERTIFICATE_FILE: Final = Text(
    name="KEDGE_KAFKA_CERTIFICATE_FILE",
    readers=_ALL,
    kind=_PEM,
    doc="The client's certificate with its chain, where the brokers ask for one.",
)
KEY_FILE: Final = Text(name="KEDGE_KAFKA_KEY_FILE", readers=_ALL, kind=_PEM, doc="The key of that certificate.")
KEY_PASSWORD_FILE: Final = Text(
    name="KEDGE_KAFKA_KEY_PASSWORD_FILE", readers=_ALL, kind=_SECRET_FILE, doc="The password of that key."
)
SASL_MECHANISM: Final = Text(
    name="KEDGE_KAFKA_SASL_MECHANISM",
    readers=_ALL,
    kind="`SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`",
    default="SCRAM-SHA-512",
    doc="`PLAIN` only with `SASL_SSL`.",
)
USERNAME: Final = Text(
    name="KEDGE_KAFKA_USERNAME", readers=_ALL, kind="a name", doc="The component's Kafka user (docs/security.md)."
)
PASSWORD_FILE: Final = Text(
    name="KEDGE_KAFKA_PASSWORD_FILE", readers=_ALL, kind=_SECRET_FILE, doc="That user's password, one line."
)
PASSWORD: Final = Text(
    name="KEDGE_KAFKA_PASSWORD",
    readers=_ALL,
    kind="a secret",
    doc="The same where there is no file; what a process starts inherits it.",
)

SECURITY: Final = (
    CA_FILE,
    CERTIFICATE_FILE,
    KEY_FILE,
    KEY_PASSWORD_FILE,
    USERNAME,
    PASSWORD_FILE,
    PASSWORD,
)
"""What has no meaning for PLAINTEXT."""

REGISTRY_USERNAME: Final = Text(
    name="KEDGE_REGISTRY_USERNAME",
    readers=_REGISTRY,
    kind="a name",
    doc="Where the registry asks for one (basic auth).",
)
REGISTRY_PASSWORD_FILE: Final = Text(
    name="KEDGE_REGISTRY_PASSWORD_FILE", readers=_REGISTRY, kind=_SECRET_FILE, doc="That user's password, one line."
)
REGISTRY_CA_FILE: Final = Text(
    name="KEDGE_REGISTRY_CA_FILE",
    readers=_REGISTRY,
    kind=_PEM,
    doc="Who may sign the registry's certificate; where it is not set, whom the system trusts.",
)

CONFIG_FILE: Final = Text(
    name="KEDGE_CONFIG_FILE",
    readers="all",
    kind="path of a file",
    doc="More settings, a `NAME=value` on each line; what is set in the environment comes before them.",
)

SECURITY_SETTINGS: Final = (
    CONFIG_FILE,
    SECURITY_PROTOCOL,
    *(CA_FILE, CERTIFICATE_FILE, KEY_FILE, KEY_PASSWORD_FILE),
    *(SASL_MECHANISM, USERNAME, PASSWORD_FILE, PASSWORD),
    *(REGISTRY_USERNAME, REGISTRY_PASSWORD_FILE, REGISTRY_CA_FILE),
)
"""All of them, in the order in which docs/configuration.md shows them."""
