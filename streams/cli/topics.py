"""`kedge topics`."""

import json

import click

from kedge.streams.cli.options import as_json, kafka_options
from kedge.streams.settings import KafkaSettings
from kedge.streams.topics import Component, Layout, acl_commands, create_topics, rights_of
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import ENVIRONMENT

__all__ = ["topics"]

_PLAIN = Layout()


@click.group(short_help="Kafka topics.")
def topics() -> None:
    """Make the topics that Kedge uses (docs/topics.md), and say who needs which right (docs/security.md)."""


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


@topics.command("rights", short_help="The ACLs that each component needs.")
@click.argument("component", type=click.Choice([component.value for component in Component]), required=False)
@click.option(
    "--principal-prefix",
    default="User:kedge-",
    show_default=True,
    metavar="TEXT",
    help="What stands before the component's name in its Kafka user.",
)
@click.option(
    "--environment",
    default=lambda: ENVIRONMENT.read(all_variables()),
    metavar="NAME",
    help=f"Prefix of all topics (dev).  [env: {ENVIRONMENT.name}]",
)
@as_json
def rights(component: str | None, principal_prefix: str, environment: str, *, as_json: bool) -> None:
    """Print the kafka-acls commands that give COMPONENT, or each one, its least rights; nothing is changed.

    Add --bootstrap-server and --command-config to them. With --json, one object a right.
    """
    for one in [Component(component)] if component is not None else Component:
        principal = f"{principal_prefix}{one}"
        if not as_json:
            click.echo(f"# {one}: {one.who}")
            click.echo("".join(f"{command}\n" for command in acl_commands(one, environment, principal)))
            continue
        for right in rights_of(one, environment):
            told = {"component": one, "principal": principal, "operation": right.operation, "kind": right.kind}
            click.echo(json.dumps({**told, "name": right.name, "prefixed": right.prefixed}))
