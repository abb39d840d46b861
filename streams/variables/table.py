"""The list of settings: `from_environment` reads by it, and the table of docs/configuration.md is made from it."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from kedge.streams.variables.kafka import SECURITY_SETTINGS
from kedge.streams.variables.kinds import Number, Setting, Switch, Text, Whole

_PREFIX: Final = "KEDGE_"
_INT32_MAX: Final = 2**31 - 1
_ALL, _WORKER, _ACTUATOR = "all that use Kafka", "worker", "actuator"
_PATH, _NAME, _SECRET_FILE = "path of a file", "a name", "path of a file that holds a secret"

# --- Kafka -----------------------------------------------------------------------------------------------------------
BROKERS: Final = Text(
    name="KEDGE_BROKERS",
    readers=_ALL,
    kind="host:port, several separated by commas",
    doc="The cluster; it must be set.",
)
ENVIRONMENT: Final = Text(
    name="KEDGE_ENVIRONMENT",
    readers=_ALL,
    kind="1 to 64 letters, digits, `_`, `-`",
    default="dev",
    doc="Prefix of all topics, groups and transactions. A publisher has no default: it must be told.",
)
REGISTRY_URL: Final = Text(
    name="KEDGE_REGISTRY_URL",
    readers=_ALL,
    kind="URL",
    doc="A Confluent schema registry ([registry](registry.md)); where none is set, Avro single-object encoding.",
)

# --- trust -----------------------------------------------------------------------------------------------------------
TRUST: Final = Text(
    name="KEDGE_TRUST",
    readers="worker, actuator, `keys`, `override`, `drill`, `monitor publish`",
    kind="`keys` or `development`",
    doc="`keys`: commands, overrides and monitors count only when a trusted key signed them; `development`: unsigned "
    "ones count too, which every start says. It must be chosen, but a named key file means `keys`.",
)
SIGNING_KEY_FILE: Final = Text(
    name="KEDGE_SIGNING_KEY_FILE",
    readers="what signs: worker, `override`, `drill`, `monitor publish`",
    kind=_SECRET_FILE,
    doc="An Ed25519 private key (PEM, PKCS 8); `kedge keys generate` makes one.",
)
TRUSTED_KEYS: Final = Text(
    name="KEDGE_TRUSTED_KEYS",
    readers="what checks: worker, actuator",
    kind="path of a folder or a file",
    doc="Public keys: a folder of them (`*.pem`), or a file; several count at once.",
)
ACTOR: Final = Text(
    name="KEDGE_ACTOR", readers="`override`, `drill`", kind=_NAME, doc="Who wants it, where `--actor` does not say."
)

# --- worker ----------------------------------------------------------------------------------------------------------
WORKER_ID: Final = Text(
    name="KEDGE_WORKER_ID",
    readers=_WORKER,
    kind=_NAME,
    doc="Makes it a static member: after a crash it has its partitions back in about a second. Unique, and the same "
    "after a restart.",
)
HTTP_HOST: Final = Text(
    name="KEDGE_HTTP_HOST",
    readers=_WORKER,
    kind="an address",
    default="127.0.0.1",
    doc="Where `/healthz`, `/readyz`, `/metrics` and the [console](console.md) listen.",
)
HTTP_PORT: Final = Whole(
    name="KEDGE_HTTP_PORT",
    readers=_WORKER,
    unit="port",
    default=8080,
    low=0,
    high=65_535,
    doc="The port of these; 0: any free one, which the log names.",
)
CONSOLE_TOKEN_FILE: Final = Text(
    name="KEDGE_CONSOLE_TOKEN_FILE",
    readers=_WORKER,
    kind=_SECRET_FILE,
    doc="The token that the [console](console.md) asks for, 32 characters or more, 8 of them different. Without one it "
    "is shown on loopback only.",
)
CHECKPOINT_SECONDS: Final = Number(
    name="KEDGE_CHECKPOINT_SECONDS",
    readers=_WORKER,
    unit="seconds",
    default=1.0,
    low=0.02,
    high=5,
    doc="Between checkpoints.",
)
SESSION_TIMEOUT_SECONDS: Final = Number(
    name="KEDGE_SESSION_TIMEOUT_SECONDS",
    readers=_WORKER,
    unit="seconds",
    default=30.0,
    low=6,
    high=300,
    doc="After so many silent ones its partitions go to others; the broker has bounds of its own.",
)
HASH_KEY: Final = Text(
    name="KEDGE_HASH_KEY",
    readers=_WORKER,
    kind="a secret",
    doc="The same for all workers of an environment: ties the hashes in dead letters to it.",
)
HASH_KEY_FILE: Final = Text(
    name="KEDGE_HASH_KEY_FILE", readers=_WORKER, kind=_SECRET_FILE, doc="Holds that secret, and comes before it."
)
KEEP_PAYLOADS: Final = Switch(
    name="KEDGE_KEEP_PAYLOADS", readers=_WORKER, doc="Dead letters hold what was refused, personal data included."
)
EMBEDDED: Final = Switch(
    name="KEDGE_EMBEDDED", readers=_WORKER, doc="For librdkafka's built-in cluster, and only there: `kedge demo`."
)

# --- actuator --------------------------------------------------------------------------------------------------------
ACTUATOR_ID: Final = Text(
    name="KEDGE_ACTUATOR_ID",
    readers=_ACTUATOR,
    kind=_NAME,
    doc="Its name in acks; it must be set. A monitor may list which actuators must answer.",
)
ACTUATOR_STORE: Final = Text(
    name="KEDGE_ACTUATOR_STORE",
    readers=_ACTUATOR,
    kind=_PATH,
    doc="Its memory, SQLite, on a disk that outlives the process; it must be set.",
)
WEBHOOK_SECRET_FILE: Final = Text(
    name="KEDGE_WEBHOOK_SECRET_FILE",
    readers=_ACTUATOR,
    kind=_SECRET_FILE,
    doc="What it shares with a webhook's receiver.",
)

# --- publisher -------------------------------------------------------------------------------------------------------
PUBLISHER: Final[Mapping[str, Whole]] = {
    field: Whole(
        name=f"{_PREFIX}PUBLISHER_{field.upper()}",
        readers="publisher",
        unit=unit,
        default=default,
        low=low,
        high=high,
        doc=doc,
    )
    for field, unit, default, low, high, doc in (
        ("queue_rows_max", "rows", 200_000, 1, 10**9, "On their way at most; what does not fit is counted."),
        ("queue_bytes_max", "bytes", 64 * 2**20, 2**16, 2**40, "Memory that they take at most, about."),
        ("batch_rows_max", "rows", 500, 1, 100_000, "In a message at most."),
        ("batch_bytes_max", "bytes", 900_000, 3_584, 1_000_000, "Of a message at most; workers take no longer ones."),
        ("batch_age_ms", "milliseconds", 1_000, 1, _INT32_MAX, "How long a row waits for others."),
        ("delivery_timeout_ms", "milliseconds", 300_000, 1_000, _INT32_MAX, "Then a message is given up, and counted."),
        ("close_timeout_ms", "milliseconds", 10_000, 0, _INT32_MAX, "How long the end of the process may wait."),
    )
}
"""The publisher's numbers, by the name of their field in `PublisherSettings`."""

# --- all -------------------------------------------------------------------------------------------------------------
DEBUG: Final = Text(
    name="KEDGE_DEBUG", readers="all commands", kind="anything", doc="Shows the traceback of our faults."
)

SETTINGS: Final[tuple[Setting, ...]] = (
    *(BROKERS, ENVIRONMENT, REGISTRY_URL),
    *SECURITY_SETTINGS,
    *(TRUST, SIGNING_KEY_FILE, TRUSTED_KEYS, ACTOR),
    *(WORKER_ID, HTTP_HOST, HTTP_PORT, CONSOLE_TOKEN_FILE, CHECKPOINT_SECONDS, SESSION_TIMEOUT_SECONDS),
    *(HASH_KEY, HASH_KEY_FILE, KEEP_PAYLOADS, EMBEDDED),
    *(ACTUATOR_ID, ACTUATOR_STORE, WEBHOOK_SECRET_FILE),
    *PUBLISHER.values(),
    DEBUG,
)
"""Every one that is read, in the order in which docs/configuration.md shows them."""


def settings_markdown() -> str:
    """Return the table of docs/configuration.md."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    yield "| variable | read by | default | unit, range | meaning |"
    yield "|---|---|---|---|---|"
    for setting in SETTINGS:
        cells = (f"`{setting.name}`", setting.readers, setting.usual(), setting.values(), setting.doc)
        yield f"| {' | '.join(cells)} |"


def unknown(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what looks like a setting and is none, each with the nearest name that there is (or nothing).

    >>> unknown({"KEDGE_BROKER": "a:9092", "KEDGE_BROKERS": "a:9092", "PATH": "/bin", "KEDGE_ZZ": ""})
    {'KEDGE_BROKER': 'KEDGE_BROKERS', 'KEDGE_ZZ': ''}
    """
    known = [setting.name for setting in SETTINGS]
    strange = sorted(name for name in variables if name.startswith(_PREFIX) and name not in known)
    return {name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.75)), "") for name in strange}
