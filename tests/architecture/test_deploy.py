"""What deploy/ promises is what the code and the tests know."""

import re

import yaml

from tests.support.kafka import kafka_version
from tests.support.repository import ROOT, files

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
_VARIABLE = re.compile(r"\bKEDGE_[A-Z_]+\b")


def test_compose_runs_the_kafka_that_the_tests_run() -> None:
    assert COMPOSE["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_every_variable_that_is_set_is_one_that_the_code_reads() -> None:
    read = {name for path in files("streams", suffix=".py") for name in _VARIABLE.findall(path.read_text())}
    deployed = [ROOT / "docker-compose.yml", *files("deploy")]
    assert {name for path in deployed for name in _VARIABLE.findall(path.read_text())} <= read


def test_prometheus_scrapes_the_port_that_the_worker_serves() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    port = re.search(r"KEDGE_HTTP_PORT=(\d+)", (ROOT / "deploy/Dockerfile").read_text())
    assert port is not None
    assert scraped[0]["static_configs"][0]["targets"] == [f"worker:{port[1]}"]
