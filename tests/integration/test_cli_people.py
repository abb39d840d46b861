"""What people do from the command line, on a real broker with a worker and a router."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from kedge.schemas.report_json import iso_time
from kedge.streams.actuator.actuator import Actuator
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.reading import ends, places
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics.table import TOPICS
from kedge.streams.trust import DevelopmentVerifier
from tests.streams.actuator.made import FreezingRouter
from tests.streams.cli.support import call, lines
from tests.support import rides
from tests.support.control import running
from tests.support.kafka import Broker
from tests.support.rides import MODEL, Traffic
from tests.support.service import Service
from tests.support.waiting import wait_for

ALWAYS = "1970-01-02..2100-01-01"
ARMED = "actions: {route_to_safe_path: {mode: armed}}\nsafe_path: {version: v0}\n"
WHO = ("--actor", "ana", "--reason", "a test")
DEVELOPMENT = {"KEDGE_TRUST": "development"}


def options(service: Service) -> tuple[str, ...]:
    return ("--brokers", service.broker.bootstrap, "--environment", service.environment)


def test_a_range_of_kafka_is_replayed_as_the_service_counts_it_and_nothing_is_written(
    kafka: Broker, environment: str, tmp_path: Path
) -> None:
    service = Service(kafka, environment, tmp_path)
    service.open(rides.monitor(), rides.baseline())
    drifted = Traffic(km_factor=2.5)
    service.send(drifted.minutes(0, 20, 300))
    settings = KafkaSettings(brokers=kafka.bootstrap, environment=environment)
    every = places(settings, [service.topics.of(spec.name) for spec in TOPICS])
    before = ends(settings, every)
    told = call("replay", "--from-kafka", ALWAYS, "--json", *options(service))
    assert told.exit_code == 3, told.output
    found = {report["window_start"]: report["n"] for report in lines(told)}
    assert found == {iso_time(start): rows for start, rows in drifted.windows().items()}
    shown = call("replay", "--from-kafka", ALWAYS, *options(service))
    assert "would have commanded FREEZE_ROLLOUT" in shown.stdout
    assert ends(settings, every) == before


def test_a_range_in_which_nothing_was_appended_is_exit_4(kafka: Broker, environment: str, tmp_path: Path) -> None:
    service = Service(kafka, environment, tmp_path)
    service.open(rides.monitor(), rides.baseline())
    service.send(Traffic().minutes(0, 6, 300))
    told = call("replay", "--from-kafka", "1970-01-02..1970-01-03", "--json", *options(service))
    assert (told.exit_code, told.stdout) == (4, "")


class Guarded:
    """One environment with a worker, a router that has v0 standing by, and rides that are as usual so far."""

    def __init__(self, service: Service) -> None:
        self.service, self.traffic = service, Traffic()
        service.open(rides.monitor(ARMED), rides.baseline())
        service.worker("w1")
        self.send(15, ends_at=16)

    def send(self, minutes: int, *, ends_at: int, first: int = 0) -> None:
        """Send rides, and one a partition so much later that all windows close."""
        self.service.send(self.traffic.minutes(first, minutes, 300))
        self.service.send(self.traffic.end(ends_at))

    def call(self, *arguments: object) -> Result:
        return call(*arguments, *options(self.service), env=DEVELOPMENT)

    def wait_for_exit(self, code: int, *arguments: object) -> Result:
        """Ask until a command ends so."""
        seen: list[Result] = []

        def found() -> bool:
            seen.append(self.call(*arguments))
            return seen[-1].exit_code == code

        try:
            wait_for(found, f"{arguments} with exit code {code}", timeout_s=60)
        except TimeoutError:
            pytest.fail(seen[-1].output)
        return seen[-1]


@pytest.fixture(scope="module")
def guarded(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    directory = tmp_path_factory.mktemp("people")
    service = Service(kafka, f"people-{uuid.uuid4().hex[:8]}", directory)
    made = Guarded(service)
    settings = ActuatorSettings(
        kafka=KafkaSettings(brokers=kafka.bootstrap, environment=service.environment),
        actuator_id="router-1",
        store=directory / "store",
    )
    with running(Actuator({MODEL: FreezingRouter("v1")}, settings=settings, verifier=DevelopmentVerifier())):
        yield made
    service.end()


def test_a_model_that_is_well_says_so_and_an_unknown_one_does_not(guarded: Guarded) -> None:
    told = guarded.wait_for_exit(0, "status", MODEL)
    for said in (f"{MODEL}  HEALTHY", "v1 PRIMARY", "STABLE", "by nobody", "none is known"):
        assert said in told.stdout
    assert guarded.call("incidents", MODEL).stdout == "no incident is open\n"
    assert [guarded.call(command, "unheard-of").exit_code for command in ("status", "incidents")] == [4, 4]


def test_a_doctor_sees_what_is_well_and_what_is_not(guarded: Guarded) -> None:
    guarded.wait_for_exit(0, "status", MODEL)
    found = {line["check"]: line for line in lines(guarded.wait_for_exit(1, "doctor", "--json"))}
    # One copy of each topic, on one broker, and one worker: no more than a test has.
    levels = {check: line["level"] for check, line in found.items()}
    well = ("tally", "judge", "guard", "monitor", "baseline", "incident", "actuator")
    assert {check: levels[check] for check in well} == dict.fromkeys(well, "ok"), found
    assert [levels[check] for check in ("trust", "brokers", "topics", "workers", "people", "drill")] == ["warn"] * 6
    # Its rides are of years ago.
    assert (levels["windows"], "docs/runbooks/no_data.md" in found["windows"]["do"]) == ("fail", True)


def test_what_people_hold_is_taken_shown_and_let_go(guarded: Guarded) -> None:
    guarded.wait_for_exit(0, "status", MODEL)
    pinned = guarded.call("override", "pin", MODEL, "--version", "v1", "--for", "10m", *WHO)
    assert (pinned.exit_code, "taken (journal" in pinned.stdout) == (0, True), pinned.output
    assert "PIN v1 by ana until" in guarded.call("status", MODEL).stdout
    refused = guarded.call("drill", MODEL, "--fault", "canary_errors", *WHO)
    assert (refused.exit_code, "refused: held" in refused.stdout) == (1, True), refused.output
    assert guarded.call("override", "release", MODEL, *WHO).exit_code == 0
    assert "by nobody" in guarded.call("status", MODEL).stdout


def test_a_drill_is_acknowledged_and_its_command_can_be_decided_again(guarded: Guarded, tmp_path: Path) -> None:
    guarded.wait_for_exit(0, "status", MODEL)
    bundle = tmp_path / "bundle.json"
    drilled = guarded.call("drill", MODEL, "--fault", "canary_errors", "--out", bundle, *WHO)
    assert drilled.exit_code == 0, drilled.output
    evidence = json.loads(bundle.read_text())
    assert [ack["actuator_id"] for ack in evidence["acks"]] == ["router-1"]
    assert evidence["command"]["target_version"] == "v0"
    assert "passed" in guarded.call("status", MODEL).stdout
    checked = guarded.call("verify-decision", evidence["command"]["command_id"])
    assert (checked.exit_code, " stands: " in checked.stdout) == (0, True), checked.output


def test_an_incident_is_told_with_its_command_which_can_be_decided_again(guarded: Guarded) -> None:
    guarded.wait_for_exit(0, "status", MODEL)
    guarded.traffic.km_factor = 2.5
    guarded.send(20, first=16, ends_at=37)
    guarded.wait_for_exit(3, "incidents", MODEL)
    told = wait_for(
        lambda: found if "router-1: ACKED" in (found := guarded.call("incidents", MODEL)).stdout else None,
        "the answer to the freeze",
    )
    assert told is not None
    for said in ("km (psi", "FREEZE_ROLLOUT", "taxis@example.com"):
        assert said in told.stdout
    assert guarded.call("status", MODEL).exit_code == 3
    (incident,) = lines(guarded.call("incidents", MODEL, "--json"))
    checked = guarded.call("verify-decision", incident["commands"][0]["command_id"])
    assert checked.exit_code == 0, checked.output
