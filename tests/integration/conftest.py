"""One broker for the whole session, one environment (prefix of all names) for each test."""

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.support.kafka import Broker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that all tests of the session share; a test that crashes a broker starts one of its own."""
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for one test, not started: for tests that start it late, kill it or restart it."""
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.kill()


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> str:
    """A KEDGE_ENVIRONMENT that no other test has, so that topics, groups and transactional ids never collide."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40]
    return f"{readable}-{uuid.uuid4().hex[:8]}"
