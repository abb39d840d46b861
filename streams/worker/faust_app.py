"""The Faust app: agents that hand batches to owners. Every setting is given here, none comes from elsewhere."""

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import faust
from faust import Stream
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.types import StreamT
from mode import CrashingSupervisor

from kedge.streams.names import Topics, group_id
from kedge.streams.security import KafkaSecurity
from kedge.streams.settings import Settings
from kedge.streams.worker.exits import end
from kedge.streams.worker.means import AgentSpec
from kedge.streams.worker.owners import Owners
from kedge.streams.worker.scheduler import BatchScheduler
from kedge.streams.worker.signals import SIGNALS
from kedge.streams.worker.telemetry import Telemetry
from kedge.streams.worker.transport import Transport

FETCH_BYTES_MAX = 16 * 2**20
"""Of one partition, in one fetch."""

_NO_ENVIRONMENT = {"KEDGE": "keeps Faust from reading the environment"}
"""Faust lets a variable such as BROKER_URL or APP_DATADIR override what the program says."""

_NEVER_S = 1e6
"""A worker without partitions fetches nothing, and aiokafka would take it for dead and leave the group for good."""

_HINT_S = 2.0

_LEAVE_S = 5.0
"""Once the owners have finished, nothing depends on Faust's own stopping, which hangs while the broker is away."""


class KedgeApp(faust.App):
    """A Faust app that finishes its owners before it stops, and writes nothing to the disk."""

    owners: Owners
    before_stop: Sequence[Callable[[], None]] = ()

    async def on_first_start(self) -> None:
        """Faust's signal handlers are in place: let the signals through that came while we were starting.

        What it would do here is to create a directory for tables, which we have none of.
        """
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    async def on_stop(self) -> None:
        """A last checkpoint, while the group still knows us as the owner."""
        for step in self.before_stop:
            step()
        await self.owners.finish()
        leaving = threading.Timer(_LEAVE_S, end, ("stopped, without a word to the group: Kafka does not answer",))
        leaving.daemon = True
        leaving.start()
        await super().on_stop()


def build_app(
    settings: Settings,
    agents: Sequence[AgentSpec],
    owners: Owners,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
) -> KedgeApp:
    """Make the app: a Faust agent for each source of each of `agents`, all of them with the same body."""
    topics = Topics(settings.kafka.environment)
    app = KedgeApp(group_id(settings.kafka.environment), loop=loop, **_options(settings))
    transport = Transport(app.conf.broker_consumer, app, loop=loop)
    transport.seats = app.owners = owners
    app.transport = transport
    for spec in agents:
        for name in spec.sources:
            source = app.topic(topics.of(name), value_type=None, value_serializer="raw", acks=False)
            app.agent(source, name=f"kedge.{spec.name}.{name}")(_body(owners))

    async def report() -> None:
        await _report(app, agents, telemetry)

    app.task(report)
    return app


def _options(settings: Settings) -> dict[str, Any]:
    worker = settings.worker
    return {
        "env": _NO_ENVIRONMENT,
        "broker": [f"kafka://{broker.strip()}" for broker in settings.kafka.brokers.split(",")],
        "broker_credentials": _credentials(settings.kafka.security),
        # The group
        "consumer_group_instance_id": None if worker.embedded else worker.worker_id,
        "broker_session_timeout": worker.session_timeout_s,
        "broker_heartbeat_interval": worker.session_timeout_s / 10,
        "broker_max_poll_interval": _NEVER_S,
        # Reading
        "broker_check_crcs": not worker.embedded,
        "consumer_max_fetch_size": FETCH_BYTES_MAX,
        "consumer_auto_offset_reset": "earliest",
        "ConsumerScheduler": BatchScheduler,
        "stream_buffer_maxsize": 16,  # batches
        "stream_wait_empty": False,  # waits for acknowledgements, which we do not use
        "value_serializer": "raw",
        "agent_supervisor": CrashingSupervisor,
        # What Faust must leave alone
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "reply_create_topic": False,
        "table_standby_replicas": 0,
        "store": "memory://",
        "web_enabled": False,
        "autodiscover": False,
        "worker_redirect_stdouts": False,
        "producer_request_timeout": 30.0,  # its own producer, which we never use
    }


def _credentials(security: KafkaSecurity) -> Credentials | None:
    """The same for Faust's consumer as librdkafka's clients are told."""
    context = security.context()
    if security.sasl:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def _body(owners: Owners) -> Callable[[StreamT[Any]], Awaitable[None]]:
    async def obey(stream: StreamT[Any]) -> None:
        async for event in cast("Stream[Any]", stream).noack().events():
            await owners.fold(event.value)

    return obey


async def _report(app: KedgeApp, agents: Sequence[AgentSpec], telemetry: Telemetry) -> None:
    """Every other second: how far each partition is behind, in the metrics and as the group's offsets."""
    while not app.should_stop:
        counting = [owner for owner in app.owners.owners if owner.counting]
        for owner in counting:
            records = {source.name: source.behind for source in owner.sources}
            telemetry.behind(owner.seat, uncommitted_s=owner.waiting_s, records=records)
        owned = Counter(owner.spec.name for owner in counting)
        for spec in agents:
            telemetry.owned(spec.name, owned[spec.name])
        sources = [source for owner in counting for source in owner.sources]
        offsets = {source.tp: source.committed + 1 for source in sources if source.committed >= 0}
        if offsets and app.owners.consumer_thread is not None:
            await app.owners.consumer_thread.hint(offsets)
        await app.sleep(_HINT_S)
