"""`kedge topics create`."""

import json

import click

from kedge.streams.cli.options import as_json, kafka_options
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Layout, create_topics

__all__ = ["topics"]

_PLAIN = Layout()


@click.group(short_help="Kafka topics.")
def topics() -> None:
    """Make the topics that Kedge uses (docs/topics.md)."""


@topics.command("create", short_help="Make the topics that are missing.")
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    default=_PLAIN.requests,
    show_default=True,
    metavar="N",
    help="Of topics keyed by request: as many as the traffic needs; not to be changed later.",
)
@click.option(
    "--model-partitions",
    type=click.IntRange(1, 10_000),
    default=_PLAIN.models,
    show_default=True,
    metavar="N",
    help="Of topics keyed by model.",
)
@click.option(
    "--replication",
    type=click.IntRange(1, 100),
    default=_PLAIN.replication,
    show_default=True,
    metavar="N",
    help="Copies of each partition: 3 in production, 1 on a single broker.",
)
@as_json
@kafka_options
def create(kafka: KafkaSettings, *, partitions: int, model_partitions: int, replication: int, as_json: bool) -> None:
    """Make the topics that are missing and check those that exist; to call it again changes nothing."""
    layout = Layout(requests=partitions, models=model_partitions, replication=replication)
    results = create_topics(kafka.client(), kafka.environment, layout)
    if as_json:
        told = [{"topic": r.topic, "outcome": r.outcome.value, "detail": r.detail} for r in results]
        click.echo(json.dumps(told))
        return
    width = max(len(result.topic) for result in results)
    for result in results:
        click.echo(f"{result.topic:{width}}  {result.outcome}{f': {result.detail}' if result.detail else ''}")
