"""What people do from the command line, on a real broker: replay a range."""

from pathlib import Path

from kedge.schemas.report_json import iso_time
from kedge.streams.reading import ends, places
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics.table import TOPICS
from tests.streams.cli.support import call, lines
from tests.support import rides
from tests.support.kafka import Broker
from tests.support.rides import Traffic
from tests.support.service import Service

ALWAYS = "1970-01-02..2100-01-01"


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
