"""Run a worker: wait for Kafka, read monitors and baselines, then fold until a signal comes."""

import asyncio
import random
import signal
import threading
from collections.abc import Sequence
from importlib.metadata import version

from faust.worker import Worker

from kedge.schemas.codec import Codec
from kedge.schemas.errors import NotRegisteredError
from kedge.streams import events
from kedge.streams.access import AccessError
from kedge.streams.clock import now_ms
from kedge.streams.names import Topics
from kedge.streams.schemas import Schemas
from kedge.streams.settings import Settings
from kedge.streams.topics import TOPICS
from kedge.streams.worker.cluster import Cluster, ClusterError
from kedge.streams.worker.exits import CRASHED, FAILED, LOG, die
from kedge.streams.worker.faust_app import build_app
from kedge.streams.worker.health import Desk, Health, serve
from kedge.streams.worker.means import AgentSpec, Means
from kedge.streams.worker.owners import Owners
from kedge.streams.worker.reader import Feed, FeedReader
from kedge.streams.worker.restore import RestoreError
from kedge.streams.worker.signals import SIGNALS
from kedge.streams.worker.takeover import refuse_unequal
from kedge.streams.worker.telemetry import Telemetry
from kedge.streams.worker.vitals import Examiner
from kedge.streams.worker.watchdog import Watchdog

__all__ = ["AgentSpec", "run_worker"]


def run_worker(  # noqa: PLR0913 - what a worker is made of, once
    settings: Settings,
    agents: Sequence[AgentSpec],
    feeds: Sequence[Feed],
    codec: Codec,
    *,
    stopping: threading.Event,
    desk: Desk | None = None,
) -> int:
    """Run until a signal; returns the exit code. Call it in the main thread, once in a process, in `noting_signals`.

    0 after SIGTERM or SIGINT: every partition has had its last checkpoint. 1 when to start again would not help: Kafka
    does not let the worker in; a topic is missing, or has another partition count than those that belong to it; the
    HTTP port is taken. A fault of ours, or a partition that another worker has taken over, does not return: it ends
    the process with 70, and whatever runs the worker starts it again.

    Each sink of `feeds` is given the records of its topics: logical topic, key, value. It has been given all there
    are before any core folds, and is called on the thread that folds. `codec` is what agents and sinks decode with.
    `stopping` is what `noting_signals` gave. `desk` answers over HTTP: probes, metrics, and pages where it has any.
    """
    worker, desk = settings.worker, desk or Desk()
    try:
        server = serve(desk, worker.http_host, worker.http_port)
    except OSError as error:
        words = f"cannot listen on {worker.http_host} port {worker.http_port}: {error} (KEDGE_HTTP_PORT)"
        events.DIED.tell(LOG, words, exit_code=FAILED)
        return FAILED
    url = f"http://{worker.http_host}:{server.server_port}"
    events.WORKER_STARTED.tell(
        LOG,
        f"health and metrics on {url}",
        version=version("kedge"),
        environment=settings.kafka.environment,
        url=url,
    )
    try:
        run = _Run(settings, agents, desk.health, Telemetry(desk.registry, now_ms), Schemas(codec, LOG))
        return run.until_stopped(feeds, stopping)
    except (AccessError, ClusterError, NotRegisteredError, RestoreError) as error:
        events.DIED.tell(LOG, str(error), exit_code=FAILED)
        return FAILED
    finally:
        server.shutdown()


class _Run:
    """One run; its steps in order."""

    def __init__(
        self, settings: Settings, agents: Sequence[AgentSpec], health: Health, telemetry: Telemetry, schemas: Schemas
    ) -> None:
        self._settings, self._agents, self._health, self._telemetry = settings, agents, health, telemetry
        self._schemas = schemas
        telemetry.waiting(lambda: schemas.waiting_s)
        self._topics = Topics(settings.kafka.environment)

    def until_stopped(self, feeds: Sequence[Feed], stopping: threading.Event) -> int:
        """Wait for Kafka and the schema registry, read the feeds, run Faust to its end."""
        self._health.waiting_for = lambda: "waiting for Kafka"
        cluster = Cluster(self._settings.kafka)
        if not cluster.wait(stopping=stopping, waiting=_waiting, dice=random.Random()):  # noqa: S311 - jitter
            return 0
        counts = cluster.partitions([self._topics.of(spec.name) for spec in TOPICS])
        for spec in self._agents:
            refuse_unequal(spec, {spec.name: counts[self._topics.of(spec.name)] for spec in TOPICS})
            self._telemetry.expected(spec.name, counts[self._topics.of(spec.sources[0])])
        self._health.waiting_for = lambda: "waiting for the schema registry"
        if not self._schemas.prepare(stopping=stopping):
            return 0
        readers = [FeedReader(self._settings.kafka, feed, self._schemas, die) for feed in feeds]
        for reader, feed in zip(readers, feeds, strict=True):
            read = reader.load(cluster, counts, now_ms(), stopping=stopping)
            events.FEED_READ.tell(LOG, f"read {read} records of {feed}", topics=list(feed.topics), records=read)
        # From here to where Faust has its own handlers, a signal waits; `KedgeApp.on_first_start` lets it through.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        if stopping.is_set():
            return 0
        return self._run_faust(cluster, readers)

    def _run_faust(self, cluster: Cluster, readers: Sequence[FeedReader]) -> int:
        means = Means(
            settings=self._settings,
            topics=self._topics,
            cluster=cluster,
            observer=self._telemetry,
            schemas=self._schemas,
            clock=now_ms,
            die=die,
        )
        owners = Owners(self._agents, means)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        app = build_app(self._settings, self._agents, owners, self._telemetry, loop)
        watchdog = Watchdog(Examiner(owners, loop, lambda: app.crashed), failed=self._health.failed, die=die)
        app.before_stop = [*(reader.stop for reader in readers), watchdog.stop]
        self._health.waiting_for = lambda: None if owners.ready else "the partitions are being restored"
        for reader in readers:
            reader.follow(loop)
        watchdog.start()
        worker = Worker(app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
        worker.spinner = None  # it writes escape codes
        try:
            worker.execute_from_commandline()
        except SystemExit as end:
            if end.code not in (0, None):
                words = f"exit {CRASHED}: Faust has crashed; its reason stands above"
                events.DIED.tell(LOG, words, exit_code=CRASHED)
                return CRASHED
        events.STOPPED.tell(LOG, "stopped", exit_code=0)
        return 0


def _waiting(words: str) -> None:
    events.WAITING.tell(LOG, words, what="kafka")
