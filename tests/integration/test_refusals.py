"""What each component says when Kafka does not let it in, or not do something: one line, what to do, no secret."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from kedge import Actuator, KafkaSecurity, Publisher, PublisherSettings
from kedge.streams.access import AccessError
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.names import group_id, reader_group
from kedge.streams.topics import Component, Layout, create_topics, rights_of
from kedge.streams.topics.rights import Kind, Operation, Right
from tests.streams.actuator.made import RING, CountingRouter
from tests.streams.cli.support import call
from tests.support.certificates import Authority
from tests.support.secure_kafka import SecureBroker, user_of
from tests.support.service import WORKER
from tests.support.shell import ShellWorker
from tests.support.waiting import wait_for

WRONG = "wrong-4c1e"
CREDENTIALS = "KEDGE_KAFKA_USERNAME, KEDGE_KAFKA_PASSWORD_FILE and KEDGE_KAFKA_SASL_MECHANISM"
LAYOUT = Layout(requests=1, models=1, replication=1)


@pytest.fixture
def opened(secure_kafka: SecureBroker, environment: str) -> str:
    """The environment, its topics made; nobody has a right yet."""
    create_topics(secure_kafka.client(), environment, LAYOUT)
    return environment


def wrong(broker: SecureBroker, component: Component) -> KafkaSecurity:
    """A component with another password than its own."""
    return replace(broker.settings("e", component).security, password=WRONG)


def with_wrong_password(broker: SecureBroker, component: Component, folder: Path) -> dict[str, str]:
    """The same as variables."""
    file = folder / "wrong.password"
    file.write_text(WRONG)
    file.chmod(0o600)
    return {**broker.variables(component, folder), "KEDGE_KAFKA_PASSWORD_FILE": str(file)}


def grant(
    broker: SecureBroker, component: Component, environment: str, but: Callable[[Right], bool] = lambda _: False
) -> None:
    """Give a component its rights, except some."""
    rights = [right for right in rights_of(component, environment) if not but(right)]
    broker.grant(f"User:{user_of(component)}", *rights)


def one_line(result: Result) -> str:
    """The only line that a command has said."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    [line] = result.stderr.splitlines()
    assert WRONG not in line
    assert "the-password-of" not in line
    return line


@pytest.mark.parametrize(
    "command",
    [("watch",), ("topics", "create"), ("status", "m"), ("replay", "--from-kafka", "2020-01-01..2020-01-02")],
)
def test_a_command_with_a_wrong_password_ends_with_what_to_set(
    secure_kafka: SecureBroker, environment: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = {**with_wrong_password(secure_kafka, Component.READER, tmp_path), "KEDGE_ENVIRONMENT": environment}
    line = one_line(call(*command, env=env))
    assert re.search(rf"does not let the user 'kedge-reader' in: .* Set {CREDENTIALS} to what the cluster knows", line)


def test_a_command_that_does_not_trust_the_brokers_ends_with_what_to_set(
    secure_kafka: SecureBroker, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other").file
    env = {**secure_kafka.variables(Component.READER, tmp_path), "KEDGE_KAFKA_CA_FILE": str(other)}
    line = one_line(call("watch", env=env))
    assert re.search(r"no TLS with Kafka at .* KEDGE_KAFKA_CA_FILE must hold the authority", line)


def test_a_client_certificate_is_a_way_in_and_the_lack_of_one_is_told(
    secure_kafka: SecureBroker, opened: str, tmp_path: Path
) -> None:
    certificate, key = secure_kafka.authority.issue(opened, password=WRONG)
    secure_kafka.grant(
        f"User:CN={opened}",
        Right(Operation.READ, Kind.TOPIC, f"{opened}.kedge.control"),
        Right(Operation.DESCRIBE, Kind.GROUP, reader_group(opened)),
    )
    trusting = {
        "KEDGE_BROKERS": secure_kafka.certificate_bootstrap,
        "KEDGE_ENVIRONMENT": opened,
        "KEDGE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "KEDGE_KAFKA_CA_FILE": str(secure_kafka.authority.file),
    }
    (tmp_path / "key.password").write_text(WRONG)
    shown = {
        "KEDGE_KAFKA_CERTIFICATE_FILE": str(certificate),
        "KEDGE_KAFKA_KEY_FILE": str(key),
        "KEDGE_KAFKA_KEY_PASSWORD_FILE": str(tmp_path / "key.password"),
    }
    seen = call("watch", "commands", "--timeout", 1, env={**trusting, **shown})
    assert (seen.exit_code, seen.stderr.splitlines()[-1]) == (4, "kedge: nothing came in 1 s")
    assert "KEDGE_KAFKA_CERTIFICATE_FILE a certificate that they trust" in one_line(call("watch", env=trusting))


def test_what_may_not_be_seen_or_read_is_said(secure_kafka: SecureBroker, opened: str, tmp_path: Path) -> None:
    env = {**secure_kafka.variables(Component.READER, tmp_path), "KEDGE_ENVIRONMENT": opened}
    assert "or give this Kafka user its rights (`kedge topics rights`)" in one_line(call("watch", "alerts", env=env))
    topic = f"{opened}.kedge.alerts"
    secure_kafka.grant(
        "User:kedge-reader",
        Right(Operation.DESCRIBE, Kind.TOPIC, topic),
        Right(Operation.DESCRIBE, Kind.GROUP, reader_group(opened)),
    )
    line = one_line(call("watch", "alerts", "--from-beginning", env=env))
    assert re.search(rf"this Kafka user lacks a right on {topic}: .*`kedge topics rights` prints the ACLs", line)


def test_a_publisher_says_it_once_and_keeps_its_rows(
    secure_kafka: SecureBroker, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = PublisherSettings(
        brokers=secure_kafka.bootstrap,
        environment=opened,
        close_timeout_ms=0,
        security=wrong(secure_kafka, Component.PUBLISHER),
    )
    with Publisher(settings=settings) as publisher:
        publisher.log("r", model="m", version="1", features={})
        wait_for(lambda: "does not let the user 'kedge-publisher' in" in caplog.text, "the publisher to say so")
        assert publisher.stats().queued == 1
    told = [line for line in caplog.messages if "publishing" in line]
    assert len(told) == 1
    assert CREDENTIALS in told[0]
    assert WRONG not in caplog.text + repr(settings) + repr(publisher.stats())


def test_a_publisher_that_came_before_its_rights_sends_when_it_has_them(
    secure_kafka: SecureBroker, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    security = secure_kafka.settings(opened, Component.PUBLISHER).security
    settings = PublisherSettings(brokers=secure_kafka.bootstrap, environment=opened, batch_age_ms=10, security=security)
    with Publisher(settings=settings) as publisher:
        publisher.log("r", model="m", version="1", features={})
        wait_for(lambda: "right" in caplog.text, "the publisher to say so")
        grant(secure_kafka, Component.PUBLISHER, opened)
        wait_for(lambda: publisher.stats().sent, "the row to arrive")
        assert publisher.stats().undelivered == publisher.stats().dropped == 0


def test_a_publisher_without_a_right_says_which(
    secure_kafka: SecureBroker, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    grant(secure_kafka, Component.PUBLISHER, opened, lambda right: right.name.endswith("outcomes"))
    security = secure_kafka.settings(opened, Component.PUBLISHER).security
    settings = PublisherSettings(brokers=secure_kafka.bootstrap, environment=opened, batch_age_ms=10, security=security)
    with Publisher(settings=settings) as publisher:
        publisher.outcome("r", model="m", observed=1.0)
        wait_for(lambda: publisher.stats().undelivered, "the outcome to be refused")
        publisher.log("r", model="m", version="1", features={})
        wait_for(lambda: publisher.stats().sent, "the prediction to arrive")
    assert f"lacks a right on {opened}.kedge.outcomes" in caplog.text


def test_a_worker_ends_with_what_to_set(secure_kafka: SecureBroker, opened: str, tmp_path: Path) -> None:
    """Each in a process of its own, side by side."""
    joining = Right(Operation.READ, Kind.GROUP, group_id(opened))
    grant(secure_kafka, Component.WORKER, opened, lambda right: right == joining)
    right = secure_kafka.variables(Component.WORKER, tmp_path)

    def start(name: str, variables: Mapping[str, str]) -> ShellWorker:
        return ShellWorker(tmp_path, secure_kafka.bootstrap, opened, name, program=WORKER, **variables)

    let_in_not = start("password", with_wrong_password(secure_kafka, Component.WORKER, tmp_path))
    joins_not = start("group", right)
    assert (let_in_not.process.wait(60), joins_not.process.wait(60)) == (1, 70)
    assert re.search(rf"does not let the user 'kedge-worker' in: .* Set {CREDENTIALS}", let_in_not.messages()[-1])
    assert re.search(rf"lacks a right on the group {opened}\.kedge: .*kedge topics rights", joins_not.messages()[-1])
    assert WRONG not in let_in_not.log.read_text()


def test_an_actuator_says_what_to_set(
    secure_kafka: SecureBroker, opened: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = secure_kafka.settings(opened, Component.ACTUATOR)
    settings = ActuatorSettings(
        kafka=replace(kafka, security=wrong(secure_kafka, Component.ACTUATOR)), actuator_id="a", store=tmp_path / "a"
    )
    with pytest.raises(AccessError, match=f"does not let the user 'kedge-actuator' in: .* Set {CREDENTIALS}"):
        Actuator({"m": CountingRouter()}, settings=settings, verifier=RING).run()
    grant(secure_kafka, Component.ACTUATOR, opened, lambda right: right.operation is Operation.WRITE)
    with pytest.raises(AccessError, match=rf"lacks a right on {opened}\.kedge\.acks: .*kedge topics rights"):
        Actuator({"m": CountingRouter()}, settings=replace(settings, kafka=kafka), verifier=RING).run()
    assert WRONG not in caplog.text + repr(settings)
