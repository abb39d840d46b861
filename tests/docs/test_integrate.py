"""The recipes for serving nodes and consumers do what they say, against a broker."""

import os
import subprocess
import sys
from typing import Final

import pytest
from confluent_kafka import Producer

from kedge.schemas.codec import Codec
from tests.docs.markdown import Page
from tests.schemas.samples import SAMPLES
from tests.streams.publisher.mock_cluster import MockCluster
from tests.support.repository import ROOT

PAGES: Final = ROOT / "docs" / "integrate"

FASTAPI: Final = """
from fastapi.testclient import TestClient

with TestClient(app) as client:
    good = {"request_id": "r-1", "features": {"distance": 733, "carrier": "UA"}}
    assert client.post("/predict", json=good).json() == {"score": 0.2}
    refused = client.post("/predict", json={"request_id": "r-2", "features": {"distance": "far"}})
    assert refused.status_code == 422
    assert refused.json()["detail"]["missing"] == ["carrier"]
    assert client.post("/outcome", json={"request_id": "r-1", "late": True}).status_code == 200
"""
BENTOML: Final = """
from starlette.testclient import TestClient

with TestClient(Delay.to_asgi()) as client:
    asked = {"request_id": "r-1", "features": {"distance": 733, "carrier": "UA"}}
    assert client.post("/predict", json=asked).json() == 0.2
"""
PLAIN: Final = """
assert publisher.stats().logged == 2  # the shadow, and what came of it
"""
CONSUMER: Final = """
print(next(alerts()).alert_id)
"""


@pytest.fixture
def cluster() -> MockCluster:
    """A broker that a recipe publishes to."""
    return MockCluster()


def run(page: str, more: str, bootstrap: str) -> str:
    """What the page's code and `more` after it print."""
    code = "\n\n".join([*Page.of(PAGES / page).python(), more])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KEDGE_BROKERS": bootstrap, "KEDGE_ENVIRONMENT": "test"},
        cwd=PAGES,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("page", "more", "rows"),
    [("publish.md", PLAIN, 1), ("fastapi.md", FASTAPI, 1), ("bentoml.md", BENTOML, 1)],
)
def test_what_a_serving_node_logs_arrives(page: str, more: str, rows: int, cluster: MockCluster) -> None:
    run(page, more, cluster.bootstrap)
    assert cluster.reader.rows() == rows


def test_a_consumer_reads_what_is_told(cluster: MockCluster) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    producer.produce("test.kedge.alerts", Codec().encode(SAMPLES["Alert"]), key=b"delay")
    assert producer.flush(10) == 0
    assert run("consume.md", CONSUMER, cluster.bootstrap).strip() == "a-1"


def test_every_recipe_is_run() -> None:
    assert {path.name for path in PAGES.glob("*.md") if Page.of(path).python()} == {
        "publish.md",
        "fastapi.md",
        "bentoml.md",
        "consume.md",
    }
