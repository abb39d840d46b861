"""The pinned Faust and aiokafka still have everything that is not public and that the worker uses.

A new version of either starts here: whatever is missed below would fail in production as a worker that looks alive.
"""

import asyncio
import importlib.metadata
import inspect
import random
from collections.abc import Mapping, Sequence

import faust
import pytest
from aiokafka.consumer import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.consumer import consumer as consumer_module
from aiokafka.consumer.fetcher import Fetcher  # type: ignore[import-untyped]
from aiokafka.consumer.group_coordinator import GroupCoordinator  # type: ignore[import-untyped]
from aiokafka.consumer.subscription_state import (  # type: ignore[import-untyped]
    Assignment,
    SubscriptionState,
    TopicPartitionState,
)
from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]
from faust.tables.recovery import Recovery
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from mode.threads import QueueServiceThread

from kedge.streams.names import SOURCES, Agent
from kedge.streams.settings import KafkaSettings, Settings, WorkerSettings
from kedge.streams.worker.faust_app import _options
from kedge.streams.worker.transport import FETCH_WAIT_MS, FetchThread, SeatedConsumer, Transport


@pytest.mark.parametrize(
    ("package", "version"), [("faust-streaming", "0.15.3"), ("aiokafka", "0.14.0"), ("mode-streaming", "0.7.1")]
)
def test_these_are_the_versions_that_were_read(package: str, version: str) -> None:
    assert importlib.metadata.version(package) == version


def test_our_overrides_override_something_of_the_same_shape() -> None:
    for ours, theirs, names in [
        (FetchThread, driver.AIOKafkaConsumerThread, ("__post_init__", "_create_worker_consumer", "_fetch_records")),
        (
            SeatedConsumer,
            driver.Consumer,
            (
                "_new_consumer_thread",
                "_to_message",
                "highwater",
                "on_partitions_assigned",
                "on_partitions_revoked",
                "perform_seek",
                "verify_event_path",
            ),
        ),
        (Transport, driver.Transport, ("create_consumer",)),
    ]:
        for name in names:
            assert name in vars(ours)
            expected = inspect.signature(getattr(theirs, name)).parameters
            assert list(inspect.signature(getattr(ours, name)).parameters) == list(expected), name


def test_faust_asks_where_we_answer() -> None:
    """The calls through which Faust reaches our overrides."""
    assert "perform_seek" in inspect.getsource(Recovery._resume_streams)
    assert "_fetch_records" in inspect.getsource(driver.AIOKafkaConsumerThread.getmany)
    assert "scheduler.iterate" in inspect.getsource(faust_consumer.Consumer.getmany)
    assert "_read_offset.__getitem__" in inspect.getsource(faust_consumer.Consumer._drain_messages)
    assert "_read_offset.__setitem__" in inspect.getsource(faust_consumer.Consumer._drain_messages)
    assert "acks_enabled_for" in inspect.getsource(faust_consumer.Consumer.ack)
    assert inspect.iscoroutinefunction(QueueServiceThread.call_thread)


def _app() -> faust.App:
    settings = Settings(
        kafka=KafkaSettings(brokers="127.0.0.1:1", environment="test"), worker=WorkerSettings(worker_id="w")
    )
    app = faust.App("contract", **_options(settings))
    app.in_worker = True
    return app


def test_what_is_set_on_the_consumer_is_what_it_starts_with() -> None:
    """Three of them aiokafka keeps until `start`, and hands them to the fetcher and the coordinator then."""
    source = inspect.getsource(AIOKafkaConsumer.start)
    for name in ("_isolation_level", "_fetch_max_wait_ms", "_partition_assignment_strategy"):
        assert f"self.{name}" in source

    async def made() -> AIOKafkaConsumer:
        app = _app()
        transport = Transport(app.conf.broker_consumer, app)
        transport.seats = _Seats()
        thread = transport.create_consumer(
            _ignored, on_partitions_revoked=_ignored, on_partitions_assigned=_ignored
        ).thread
        thread._assignor = RangePartitionAssignor
        return thread._create_worker_consumer(transport)

    consumer = asyncio.run(made())
    assert consumer._isolation_level == "read_committed"
    assert consumer._fetch_max_wait_ms == FETCH_WAIT_MS
    assert consumer._partition_assignment_strategy == [RangePartitionAssignor]
    assert consumer._group_instance_id == "w"
    assert consumer._max_partition_fetch_bytes == 16 * 2**20
    assert consumer._max_poll_interval_ms == 10**9
    assert consumer._check_crcs is True


def test_aiokafka_has_the_attributes_that_are_read() -> None:
    assert {"_fetcher", "_coordinator", "_closed"} <= set(_assigned_in(AIOKafkaConsumer.__init__))
    assert {"_pending_exception", "_coordination_task"} <= set(_assigned_in(GroupCoordinator.__init__))
    assert "_subscriptions" in _assigned_in(Fetcher.__init__)
    assert isinstance(vars(SubscriptionState)["subscription"], property)
    assert hasattr(Assignment, "state_value")
    assert {"position", "has_valid_position"} <= set(vars(TopicPartitionState))
    assert "lso" in _assigned_in(TopicPartitionState.__init__)
    assert "_coordinator" in inspect.getsource(consumer_module)


def test_a_seek_drops_what_was_fetched_before_it() -> None:
    """Else a batch could carry the new epoch and the old position."""
    assert "del self._records[tp]" in inspect.getsource(Fetcher.seek_to)
    assert "tp_state.position != fetch_offset" in inspect.getsource(Fetcher._proc_fetch_request)


class _Cluster:
    """What the assignor asks of aiokafka's metadata."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._counts[topic]))


class _Member:
    """What it asks of a member: every worker reads all sources."""

    subscription = tuple(source for sources in SOURCES.values() for source in sources)


def _held(members: Sequence[str], counts: Mapping[str, int]) -> list[dict[str, tuple[int, ...]]]:
    """Which numbers of which topic each member is given."""
    assigned = RangePartitionAssignor.assign(_Cluster(counts), {name: _Member() for name in members})
    return [{topic: tuple(sorted(numbers)) for topic, numbers in of.assignment} for of in assigned.values()]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 12, 31])
def test_the_range_assignor_gives_what_one_owner_needs_to_one_worker(count: int) -> None:
    """`predictions` and `outcomes` of one request are counted in one place, however many workers, however named."""
    counts = {source: count if source in SOURCES[Agent.TALLY] else count + 2 for source in _Member.subscription}
    dice = random.Random(count)
    for members in range(1, 10):
        names = [f"{dice.randrange(10**6)}-w{number}" for number in range(members)]
        held = _held(names, counts)
        for sources in SOURCES.values():
            for numbers in held:
                assert len({numbers.get(source, ()) for source in sources}) == 1
            given = [number for numbers in held for number in numbers.get(sources[0], ())]
            assert sorted(given) == list(range(counts[sources[0]]))


def test_with_unequal_counts_it_does_not_and_so_they_are_refused() -> None:
    counts = dict.fromkeys(_Member.subscription, 8)
    held = _held(["w1", "w2", "w3"], {**counts, "outcomes": 7})
    assert any(numbers["predictions"] != numbers["outcomes"] for numbers in held)
    assert TopicPartition("a", 0) == ("a", 0)


def _assigned_in(function: object) -> list[str]:
    lines = (line.strip() for line in inspect.getsource(function).splitlines())  # type: ignore[arg-type] # a function
    return [line[5:].split("=")[0].split(":")[0].strip() for line in lines if line.startswith("self.")]


async def _ignored(*_: object) -> None:
    """A callback that nothing calls."""


class _Seats:
    def connected(self, thread: FetchThread) -> None:
        """Nothing."""

    def assigned(self, partitions: frozenset[object]) -> None:
        """Nothing."""

    async def revoked(self) -> None:
        """Nothing."""
