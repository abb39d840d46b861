"""Why Kafka does not let a client in, or not do something: one line that says what to do.

librdkafka tries a refused connection again for ever and says why to a callback alone; the call that waited ends with
"transport failure". So every client has an `Access` as its `error_cb`, and asks it what to say.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined] # the documented place

__all__ = ["Access", "AccessError", "forbidden", "is_forbidden"]

_SLICE_S: Final = 2.0
"""So long a question may take before it is looked whether it waits for something that will not come."""

_REFUSED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - librdkafka's own codes are named so
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
_SSL: Final = KafkaError._SSL  # noqa: SLF001 - the same
_CERTIFICATE: Final = re.compile(
    r"certificate verify failed|alert [\w ]*certificate[\w ]*|unknown ca|hostname mismatch"
)
"""What a second attempt does not change; another handshake may have failed because a broker went down in it."""
_FORBIDDEN: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
_WHERE: Final = re.compile(r"^\w+://\S+: | \(after \d+ms in state \w+\)$")
"""Which of its connections librdkafka means, and its age: another each time."""


class AccessError(Exception):
    """Kafka does not let this client in; the message says what to do."""


class Client(Protocol):
    """Any of librdkafka's clients."""

    def list_topics(self, *given: Any, **named: Any) -> ClusterMetadata:  # noqa: ANN401 - each kind has its own
        """Return the cluster's metadata."""

    def poll(self, timeout: float) -> Any:  # noqa: ANN401 - each kind returns something else
        """Call what is due."""


class Access:
    """What is known of one client's way to the brokers. `heard` is its `error_cb`.

    `client`: what librdkafka is told; brokers, protocol and user of it are named in messages, and nothing else.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._brokers: Final[str] = client["bootstrap.servers"]
        self._protocol: Final[str] = client.get("security.protocol", "PLAINTEXT")
        self._user: Final[str] = client.get("sasl.username", "")
        self._refusal: str | None = None

    def heard(self, error: KafkaError) -> None:
        """Take what librdkafka says by itself."""
        code, text = error.code(), _WHERE.sub("", error.str())
        if code in _REFUSED:
            who = f"the user {self._user!r}" if self._user else "this client"
            self._refusal = (
                f"Kafka at {self._brokers} does not let {who} in: {text}. Set KEDGE_KAFKA_USERNAME, "
                "KEDGE_KAFKA_PASSWORD_FILE and KEDGE_KAFKA_SASL_MECHANISM to what the cluster knows (docs/security.md)"
            )
        elif found := _CERTIFICATE.search(text):
            self._refusal = (
                f"no TLS with Kafka at {self._brokers}: {found[0]}. KEDGE_KAFKA_CA_FILE must hold the authority that "
                "signed the brokers' certificates, which must name the addresses in KEDGE_BROKERS; where the brokers "
                "ask for one, KEDGE_KAFKA_CERTIFICATE_FILE a certificate that they trust (docs/security.md)"
            )

    @property
    def refusal(self) -> str | None:
        """Why the client is not let in, in one line; None: nothing is known of that."""
        return self._refusal

    def well(self) -> None:
        """Forget a refusal: the cluster has answered."""
        self._refusal = None

    @property
    def no_topic(self) -> str:
        """What to do where a topic is not among those that Kafka shows."""
        if self._protocol == "PLAINTEXT":
            return "run `kedge topics create` first"
        return (
            "run `kedge topics create` first, or give this Kafka user its rights (`kedge topics rights`): what it has "
            "no right on, Kafka does not show"
        )

    def words(self, error: KafkaError, name: str | None = None) -> str:
        """Say in one line what an error means, and what to do; `name`: what was asked for."""
        if self._refusal is not None:
            return self._refusal
        if is_forbidden(error):
            return forbidden(error.str(), name)
        return (
            f"Kafka at {self._brokers} does not answer: {error.str()} (is it there, and does it speak "
            f"{self._protocol}, which is what KEDGE_KAFKA_SECURITY_PROTOCOL says?)"
        )

    def metadata(self, client: Client, timeout_s: float, topic: str | None = None) -> ClusterMetadata:
        """Ask for the metadata of a topic, or of all. The client must have nothing assigned.

        Raises:
            AccessError: Kafka does not let the client in, which is known within seconds.
            KafkaException: it does not answer.
        """
        named = {} if topic is None else {"topic": topic}
        deadline_s = time.monotonic() + timeout_s
        while True:
            until_s = min(deadline_s, time.monotonic() + _SLICE_S)
            try:
                found = client.list_topics(**named, timeout=max(until_s - time.monotonic(), 0.001))
            except KafkaException as error:
                client.poll(0)  # only now is `heard` called
                if self._refusal is not None:
                    raise AccessError(self._refusal) from error
                if time.monotonic() < until_s or until_s == deadline_s:
                    raise
            else:
                self.well()
                return found


def is_forbidden(error: KafkaError) -> bool:
    """Whether a right is missing."""
    return error.code() in _FORBIDDEN


def forbidden(text: str, name: str | None = None) -> str:
    """Say that a right is missing: `text` is Kafka's, `name` what was asked for."""
    where, what = f" on {name}" if name else "", text.removeprefix("Broker: ").rstrip(".")
    return (
        f"this Kafka user lacks a right{where}: {what}. `kedge topics rights` prints the ACLs that each component "
        "needs (docs/security.md)"
    )
