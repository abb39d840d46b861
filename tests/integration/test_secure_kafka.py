"""TLS, SCRAM and ACLs on a real broker: each component has its least rights, uses each of them, and has no other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from kedge.schemas.report_json import iso_time
from kedge.streams.names import Agent, Topics, transactional_id
from kedge.streams.topics import Component, Right, rights_of
from tests.streams.cli.support import call, lines, table
from tests.support.incidents import LENGTH, START, Scene, bad_canary
from tests.support.secure_kafka import SecureBroker, user_of
from tests.support.service import MODELS
from tests.support.shell import PARTITIONS
from tests.support.waiting import wait_for

LAYOUT = ("--partitions", PARTITIONS, "--model-partitions", MODELS, "--replication", 1)
KINDS = {"findings", "harms", "alert_id", "command_id"}
PASSWORD = "the-password-of"  # noqa: S105 - what all of them begin with
MONITOR = "model: other\nowner: ops@example.com\n"

Variables = Mapping[Component, dict[str, str]]


@pytest.fixture
def variables(secure_kafka: SecureBroker, environment: str, tmp_path: Path) -> Variables:
    """Each component's settings; each has the rights of `kedge topics rights`."""
    for component in Component:
        secure_kafka.grant(f"User:{user_of(component)}", *rights_of(component, environment))
    return {
        component: {**secure_kafka.variables(component, tmp_path), "KEDGE_ENVIRONMENT": environment}
        for component in Component
    }


def done(*arguments: object, env: Mapping[str, str]) -> list[Any]:
    """What a command says with `--json`; it must do it."""
    result = call(*arguments, "--json", env=env)
    assert result.exit_code in (0, 3), result.output
    assert PASSWORD not in result.output
    return lines(result)


def test_every_component_does_its_work_with_its_least_rights_and_needs_each_of_them(
    secure_kafka: SecureBroker,
    environment: str,
    variables: Variables,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    done("topics", "create", *LAYOUT, env=variables[Component.ADMIN])
    scene = Scene(secure_kafka, environment, tmp_path, ["m"])
    with scene.opened(**variables[Component.WORKER]):
        scene.service.send([(0, b"no record")])
        bad_canary(scene, "m")
        scene.worker.end()
        known = len(scene.worker.messages())
        scene.worker.start_again()  # it reads its state back
        wait_for(lambda: any("counting" in line for line in scene.worker.messages()[known:]), "the worker to be back")
        owners_change_what_is_watched(scene, variables[Component.OWNER], tmp_path)
        people_on_call_hold_it(scene, variables[Component.OPERATOR])
        people_look(scene, variables[Component.READER])
        examined = lines(call("doctor", "--json", env=variables[Component.DOCTOR]))
        assert [one for one in examined if one["check"] == "workers"], examined
        told = [scene.worker.log.read_text(), scene.worker.get("/metrics")[1], repr(scene.outputs.seen), caplog.text]
    assert PASSWORD in secure_kafka.password("")
    assert PASSWORD not in "".join(told)
    window = f"{iso_time(0)}..2100-01-01T00:00:00Z"
    replayed = done("replay", "--from-kafka", window, env=variables[Component.REPLAY])
    assert {iso_time(START + LENGTH)} <= {report["window_start"] for report in replayed}
    for component in Component:
        check_rights(secure_kafka, component, environment)


def owners_change_what_is_watched(scene: Scene, owner: Mapping[str, str], folder: Path) -> None:
    (folder / "other.yaml").write_text(MONITOR)
    key = {"KEDGE_SIGNING_KEY_FILE": str(scene.keys.operator_file())}
    rows = table(folder / "rows.csv", 100)
    fitted = call("baseline", "fit", rows, "-o", folder / "b", "--model", "other", "--ignore", "when")
    assert fitted.exit_code == 0, fitted.output
    for what, file in (("monitor", "other.yaml"), ("baseline", "b")):
        [published] = done(what, "publish", folder / file, env={**owner, **key})
        assert published["published"]


def people_on_call_hold_it(scene: Scene, operator: Mapping[str, str]) -> None:
    key = {"KEDGE_SIGNING_KEY_FILE": str(scene.keys.operator_file()), "KEDGE_ACTOR": "ann"}
    drilled = call("drill", "m", "--fault", "canary_errors", "--reason", "r", "--timeout", 30, env={**operator, **key})
    assert drilled.exit_code == 0, drilled.output
    [told] = done("override", "pin", "m", "--version", "v1", "--reason", "r", env={**operator, **key})
    assert told["result"] == "taken", told


def people_look(scene: Scene, reader: Mapping[str, str]) -> None:
    [command] = scene.commands("m")
    seen = lines(call("watch", "--from-beginning", "--timeout", 3, "--json", env=reader))
    assert {key for line in seen for key in KINDS & set(line)} == KINDS
    for asked in (("status", "m"), ("incidents", "m", "--all"), ("verify-decision", command.command_id)):
        assert done(*asked, env=reader)
    wait_for(lambda: done("dlq", env=reader), "the dead letter")


def check_rights(broker: SecureBroker, component: Component, environment: str) -> None:
    """Every right was used for what it is for, and no other was wanted."""
    allowed, denied = (
        {(what, kind, name) for who, what, kind, name in broker.told(verdict) if who == f"User:{user_of(component)}"}
        for verdict in ("Allowed", "Denied")
    )
    unused = [right for right in rights_of(component, environment) if not any(_is(right, *one) for one in allowed)]
    assert unused == [], f"{component} does not need them"
    assert {one for one in denied if one[2].startswith(f"{environment}.")} == set(), f"{component} needs them"


def _is(right: Right, operation: str, kind: str, name: str) -> bool:
    same = (operation, kind.lower()) == (right.operation.name, right.kind.replace("-", ""))
    return same and (name.startswith(right.name) if right.prefixed else name == right.name)


def test_nobody_does_anothers_work(secure_kafka: SecureBroker, environment: str, variables: Variables) -> None:
    done("topics", "create", *LAYOUT, env=variables[Component.ADMIN])
    topics = Topics(environment)
    for component, topic in (
        (Component.PUBLISHER, topics.control),
        (Component.PUBLISHER, topics.reports),
        (Component.ACTUATOR, topics.reports),
        (Component.ACTUATOR, topics.control),
        (Component.READER, topics.alerts),
        (Component.OPERATOR, topics.control),
        (Component.OWNER, topics.overrides),
        (Component.WORKER, topics.overrides),
        (Component.WORKER, topics.acks),
    ):
        assert refused(secure_kafka, component, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED, (component, topic)
    assert refused(secure_kafka, Component.PUBLISHER, topics.predictions) is None


def refused(broker: SecureBroker, component: Component, topic: str) -> int | None:
    """With what a component is refused that writes to a topic; None: it is not."""
    outcome: list[KafkaError | None] = []
    producer = Producer({**broker.client(user_of(component)), "log_level": 0})
    producer.produce(topic, b"", b"key", on_delivery=lambda error, _: outcome.append(error))
    assert producer.flush(30) == 0
    [error] = outcome
    return None if error is None else error.code()


@pytest.mark.parametrize("beside", ["{}x", "{}-tally", "x{}"])
def test_a_worker_cannot_take_the_transactions_of_another_environment(
    secure_kafka: SecureBroker, environment: str, variables: Variables, beside: str
) -> None:
    assert variables  # the worker of `environment` has its rights, and there is another environment of a name like it
    producer = Producer(
        {
            **secure_kafka.client(user_of(Component.WORKER)),
            "transactional.id": transactional_id(beside.format(environment), Agent.TALLY, 0),
            "log_level": 0,
        }
    )
    with pytest.raises(KafkaException) as denied:
        producer.init_transactions(30)
    assert denied.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
