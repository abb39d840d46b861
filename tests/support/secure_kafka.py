"""A broker that lets nobody in without TLS and a name, and nobody do anything without a right."""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from confluent_kafka.admin import (  # type: ignore[attr-defined] # the documented place of these names
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from kedge import KafkaSecurity
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Component, Right
from tests.support.certificates import Authority
from tests.support.kafka import Broker, free_port
from tests.support.waiting import wait_for

ADMIN: Final = "admin"
_BROKER: Final = "broker"

# The controller's listener is the only one without a name, and nothing but the broker itself connects there.
_PROPERTIES: Final = """\
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login} required username="{broker}" password="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={login} required;
listener.name.ssl.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{admin};User:{broker};User:ANONYMOUS
"""
_AUDIT: Final = re.compile(
    r"Principal = (\S+) is (Allowed|Denied) operation = (\S+) .*? on resource = (\w+):\w+:(\S+) "
)
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


def user_of(component: Component) -> str:
    """The Kafka user of a component."""
    return f"kedge-{component}"


def _binding(principal: str, right: Right) -> AclBinding:
    return AclBinding(
        ResourceType[right.kind.upper().replace("-", "_")],
        right.name,
        ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
        principal,
        "*",
        AclOperation[right.operation.name],
        AclPermissionType.ALLOW,
    )


class SecureBroker(Broker):
    """TLS with a certificate of its own authority; SCRAM on one listener, client certificates on another.

    Every name of `users` exists from the start, with the password that `password` returns.
    """

    def __init__(self, directory: Path, users: Iterable[str]) -> None:
        """Choose ports and passwords; nothing is started."""
        super().__init__(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._users = {ADMIN, _BROKER, *users}
        self.certificate_bootstrap = f"127.0.0.1:{free_port()}"

    @cached_property
    def authority(self) -> Authority:
        """Who signed the broker's certificate, and signs clients'."""
        return Authority(self.directory, "authority")

    def password(self, user: str) -> str:
        """The password of a user."""
        return f"the-password-of-{user}-{self.port}"

    def client(self, user: str = ADMIN) -> dict[str, str]:
        """What librdkafka is told to come as `user`."""
        return {
            **super().client(),
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.authority.file),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.password(user),
        }

    def settings(self, environment: str, component: Component = Component.ADMIN) -> KafkaSettings:
        """How a component comes to an environment here."""
        user = user_of(component)
        security = KafkaSecurity(
            protocol="SASL_SSL", ca_file=self.authority.file, username=user, password=self.password(user)
        )
        return KafkaSettings(brokers=self.bootstrap, environment=environment, security=security)

    def variables(self, component: Component, directory: Path) -> dict[str, str]:
        """What an operator sets for a component; the file with the password lies in `directory`."""
        user = user_of(component)
        secret = directory / f"{user}.password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(self.password(user) + "\n")
        return {
            "KEDGE_BROKERS": self.bootstrap,
            "KEDGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KEDGE_KAFKA_CA_FILE": str(self.authority.file),
            "KEDGE_KAFKA_USERNAME": user,
            "KEDGE_KAFKA_PASSWORD_FILE": str(secret),
        }

    def grant(self, principal: str, *rights: Right) -> None:
        """Give a user rights, and wait until the broker knows of them."""
        admin, bindings = self.admin(), [_binding(principal, right) for right in rights]
        for made in admin.create_acls(bindings).values():
            made.result(20)
        anything: Any = None
        asked = AclBindingFilter(
            ResourceType.ANY,
            anything,
            ResourcePatternType.ANY,
            principal,
            anything,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        wait_for(lambda: set(bindings) <= set(admin.describe_acls(asked).result(20)), f"the rights of {principal}")

    def told(self, verdict: str) -> set[tuple[str, str, str, str]]:
        """What the authorizer has Allowed or Denied so far: principal, operation, kind and name of the resource."""
        told = _AUDIT.findall(self.log.read_text(errors="replace"))
        return {(who, operation, kind, name) for who, said, operation, kind, name in told if said == verdict}

    def listeners(self) -> str:
        """SCRAM, and client certificates."""
        return f"SASL_SSL://{self.bootstrap},SSL://{self.certificate_bootstrap}"

    def properties(self) -> str:
        """TLS, names and rights."""
        certificate, key = self.authority.issue("kafka")
        keystore = self.directory / "keystore.pem"
        keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
        return _PROPERTIES.format(
            login=_LOGIN,
            admin=ADMIN,
            broker=_BROKER,
            password=self.password(_BROKER),
            keystore=keystore,
            authority=self.authority.file,
        )

    def logging(self) -> str:
        """The authorizer tells of everything that it allows."""
        return super().logging() + "logger.rights.name = kafka.authorizer.logger\nlogger.rights.level = debug\n"

    def format_options(self) -> list[str]:
        """A credential of each mechanism for each user."""
        return [
            option
            for user in sorted(self._users)
            for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256")
            for option in ("--add-scram", f"{mechanism}=[name={user},password={self.password(user)}]")
        ]
