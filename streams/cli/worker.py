"""`kedge worker`."""

import sys
import threading

import click
from prometheus_client import CollectorRegistry

from kedge.streams.cli.options import codec, kafka_options, warn_of_unknown
from kedge.streams.console.console import Console
from kedge.streams.console.door import Door, console_token
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.guard_means import GuardMeans
from kedge.streams.core.rollbacks import RECENT_MS
from kedge.streams.events import SETTING
from kedge.streams.logs import configure_logs
from kedge.streams.settings import KafkaSettings, Settings, WorkerSettings
from kedge.streams.trust import trust_from_environment
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import HASH_KEY
from kedge.streams.worker.agents import CoreSettings, catalog_sink, make_agents
from kedge.streams.worker.app import run_worker
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.health import Desk
from kedge.streams.worker.reader import CATALOG, Feed
from kedge.streams.worker.rollbacks import RecentRollbacks
from kedge.streams.worker.signals import noting_signals

__all__ = ["worker"]


@click.command
@kafka_options
@click.pass_context
def worker(ctx: click.Context, kafka: KafkaSettings) -> None:
    """Count, judge and guard: run one worker until SIGTERM.

    Settings come from KEDGE_* variables (docs/configuration.md has the list). Exit codes: 0 stopped, 1 starting again
    would not help, 70 start it again.
    """
    with noting_signals() as stopping:
        ctx.exit(_run(kafka, stopping))


def _run(kafka: KafkaSettings, stopping: threading.Event) -> int:
    configure_logs(sys.stderr)
    warn_of_unknown(all_variables())
    core = CoreSettings.from_environment(all_variables())
    if not core.hash_key:
        words = f"{HASH_KEY.name} is not set: the hashes in dead letters can be guessed by trying payloads"
        SETTING.tell(LOG, words, setting=HASH_KEY.name)
    trust = trust_from_environment(all_variables())
    shared, catalog, registry = codec(), Catalog(), CollectorRegistry()
    settings = Settings(kafka=kafka, worker=WorkerSettings.from_environment(all_variables()))
    rollbacks = RecentRollbacks(shared, trust.verifier)
    means = GuardMeans(rollbacks=rollbacks, signer=trust.signer(), verifier=trust.verifier)
    agents = make_agents(catalog, shared, kafka.environment, core, means)
    feeds = [
        Feed(topics=CATALOG, sink=catalog_sink(catalog, shared, trust.verifier, registry)),
        Feed(topics=("control",), sink=rollbacks.take, back_ms=RECENT_MS),
    ]
    token = console_token(all_variables())
    console = Console(kafka, catalog, codec(), Door(host=settings.worker.http_host, token=token), registry)
    console.start()
    desk = Desk(registry=registry, pages=console)
    return run_worker(settings, agents, feeds, shared, stopping=stopping, desk=desk)
