"""The whole publisher without a broker: it never raises, never waits, and ends in order."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge import KafkaSecurity, Publisher, PublisherSettings
from kedge.streams.publisher.admission import Refusal
from tests.streams.publisher.mock_cluster import MockCluster
from tests.support.certificates import Authority
from tests.support.waiting import wait_for

NOWHERE = "127.0.0.1:1"


def quick(queue_rows_max: int = 1_000, **given: Any) -> PublisherSettings:
    return PublisherSettings(
        brokers=NOWHERE, environment="test", close_timeout_ms=0, queue_rows_max=queue_rows_max, **given
    )


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(settings=quick()) as made:
        yield made


class Hostile:
    """Raises wherever it can."""

    def _raise(self, *_args: object) -> Any:
        raise ZeroDivisionError

    __bool__ = __len__ = __iter__ = __str__ = __repr__ = _raise
    __float__ = __index__ = __hash__ = __eq__ = __getitem__ = _raise


class HostileMapping(Mapping[str, float]):
    """A mapping in name only."""

    def __getitem__(self, key: str) -> float:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        yield "a"

    def __len__(self) -> int:
        return 1


class HostileFloat(float):
    """A number that will not be one."""

    def __float__(self) -> float:
        raise RuntimeError


HOSTILE: list[Any] = [
    Hostile(),
    HostileMapping(),
    HostileFloat(1.0),
    {"a": HostileFloat(1.0)},
    {"a": Hostile()},
    [Hostile(), Hostile()],
    object,
    np.ones(2),
    np.array("x"),
    float("nan"),
    "\ud800",
]
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(
        st.one_of(st.text(max_size=3), st.integers()),
        st.one_of(st.floats(), st.text(), st.lists(st.none())),
        max_size=3,
    ),
    st.sampled_from(range(11)).map(lambda which: HOSTILE[which]),
)
OPTIONAL = ("role", "score", "label", "class_scores", "latency_ms", "error", "segment", "timestamp", "probe")
GOOD: dict[str, Any] = {"model": "m", "version": "1", "features": {"a": 1.0}}


@pytest.fixture(scope="module")
def shared() -> Iterator[Publisher]:
    cluster = MockCluster()
    with Publisher(cluster.bootstrap, "test") as made:
        yield made


everything = st.fixed_dictionaries(dict.fromkeys(GOOD, junk), optional=dict.fromkeys(OPTIONAL, junk))
maps_of_junk = st.dictionaries(st.text(min_size=1, max_size=3), junk, max_size=4)
values_of_junk = st.fixed_dictionaries(
    {
        **dict.fromkeys(("features", "class_scores", "segment"), maps_of_junk),
        **dict.fromkeys(("score", "label", "latency_ms", "error", "probe"), junk),
    }
)


@settings(deadline=None, max_examples=300)
@given(junk, everything, values_of_junk)
def test_nothing_that_is_logged_ever_raises(
    shared: Publisher,
    request_id: Any,
    arguments: dict[str, Any],
    values: dict[str, Any],
) -> None:
    before = shared.stats()
    shared.log(request_id, **arguments)
    shared.log_many(request_id, **arguments)
    shared.log_many(["a", "b"], **arguments)
    shared.log("r", model="m", version="1", **values)
    shared.log_many(["a", "b"], **{**values, "model": "m", "version": "1"})
    after = shared.stats()
    assert after.logged + after.rejected >= before.logged + before.rejected + 4


def test_the_thread_survives_what_was_let_in(shared: Publisher) -> None:
    final = shared.close()
    assert (final.sent, final.dropped, final.undelivered) == (final.logged, 0, 0)
    assert final.logged > 100


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"request_id": 7}, Refusal.REQUEST_ID),
        ({"model": ""}, Refusal.STREAM),
        ({"role": "primary"}, Refusal.STREAM),
        ({"features": [1.0]}, Refusal.FEATURES),
        ({"segment": "eu"}, Refusal.SEGMENT),
        ({"class_scores": 0.7}, Refusal.CLASS_SCORES),
        ({"timestamp": "now"}, Refusal.TIMESTAMP),
        ({"features": HostileMapping()}, Refusal.UNREADABLE),
    ],
)
def test_what_is_not_taken_is_counted_with_its_reason(
    publisher: Publisher, more: dict[str, Any], refusal: Refusal
) -> None:
    publisher.log(**{"request_id": "r", **GOOD, **more})
    stats = publisher.stats()
    assert (stats.logged, stats.rejections) == (0, {refusal: 1})


def test_columns_that_are_not_taken_count_all_their_rows(publisher: Publisher) -> None:
    publisher.log_many(["a", "b", "c"], model="m", version="1", features={"a": [1.0]})
    assert publisher.stats().rejections == {Refusal.COLUMN_LENGTH: 3}
    publisher.log_many([], model="m", version="1", features={})
    assert publisher.stats().rejected == 3


def test_a_full_queue_never_waits() -> None:
    with Publisher(settings=quick(queue_rows_max=10)) as publisher:
        begun = time.monotonic()
        for _ in range(5_000):
            publisher.log("r", **GOOD)
        publisher.log_many(["r"] * 5_000, model="m", version="1", features={"a": np.ones(5_000)})
        assert time.monotonic() - begun < 5
        stats = publisher.stats()
        assert (stats.logged, stats.queued, stats.dropped) == (10_000, 10, 9_990)


def test_what_is_logged_after_the_end_is_dropped() -> None:
    publisher = Publisher(settings=quick())
    assert publisher.close() == publisher.close()
    publisher.log("r", **GOOD)
    publisher.log_many(["r"], **GOOD | {"features": {}})
    stats = publisher.stats()
    assert (stats.logged, stats.dropped) == (2, 2)


def test_an_end_without_kafka_takes_no_longer_than_it_may() -> None:
    publisher = Publisher(settings=quick())
    publisher.log("r", **GOOD)
    begun = time.monotonic()
    stats = publisher.close(timeout_s=1.0)
    assert 0.9 < time.monotonic() - begun < 4
    assert (stats.queued, stats.dropped) == (0, 1)


def test_what_is_lost_at_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with Publisher(settings=quick()) as publisher:
        publisher.log("r", **GOOD)
    assert caplog.messages[-1] == "kedge publisher, closed: 1 rows dropped, 0 undelivered"


def test_a_process_that_only_makes_a_publisher_has_no_thread(publisher: Publisher) -> None:
    assert not publisher.running


def test_settings_stand_alone() -> None:
    with pytest.raises(ValueError, match="settings: expected alone"):
        Publisher("a:1", settings=quick())


def test_options_that_librdkafka_refuses_are_said_and_drop_rows(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "authority").file
    settings = quick(security=KafkaSecurity(protocol="SSL", ca_file=authority))
    authority.unlink()  # it was there when the settings were made
    with Publisher(settings=settings) as publisher:
        publisher.log("r", **GOOD)
        wait_for(lambda: publisher.stats().dropped, "the row to be dropped")
        publisher.log("r", **GOOD)
        assert publisher.stats().dropped == 2
    assert "the publisher has failed" in caplog.text
