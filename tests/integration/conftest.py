"""One broker for the whole session, one environment (prefix of all names) for each test."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kedge.streams.topics import Component
from tests.support.kafka import Broker
from tests.support.secure_kafka import SecureBroker, user_of
from tests.support.stage import Stage


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that all tests of the session share; a test that crashes a broker starts one of its own."""
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A broker with TLS, SCRAM and ACLs; every component of `kedge topics rights` has a user of its own."""
    with SecureBroker(tmp_path_factory.mktemp("secure"), map(user_of, Component)) as broker:
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


@pytest.fixture
def stage(kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Stage]:
    """Counting workers on the shared broker."""
    staged = Stage(kafka, environment, tmp_path)
    yield staged
    staged.end()


@pytest.fixture
def own_stage(own_kafka: Broker, environment: str, tmp_path: Path) -> Iterator[Stage]:
    """Counting workers on a broker of their own, not started."""
    staged = Stage(own_kafka, environment, tmp_path)
    yield staged
    staged.end()
