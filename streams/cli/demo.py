"""`kedge demo`."""

import json
from dataclasses import asdict

import click

from kedge.streams.cli.boundary import Exit, UserError
from kedge.streams.demo.breaks import BREAKS

__all__ = ["demo"]

_DEFAULT = ("carrier", "distance")


@click.command(epilog="Exit code 0: the story held; 1: it did not, and what did not is said.")
@click.option(
    "--break",
    "broken",
    type=click.Choice(list(BREAKS)),
    multiple=True,
    default=_DEFAULT,
    show_default=True,
    metavar="COLUMN",
    help=f"What breaks on the way; may be given more than once. One of {', '.join(BREAKS)}.",
)
@click.option(
    "--no-break", is_flag=True, help="Nothing breaks and no version 2 comes: there must be no alert and no command."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output; the rest goes to standard error."
)
@click.pass_context
def demo(context: click.Context, broken: tuple[str, ...], *, no_break: bool, as_json: bool) -> None:
    """The whole system in one command: no broker to install, real flights, less than a minute.

    A model says how likely flights from New York are to be late. Six weeks of its predictions go through the
    publisher, Kafka (librdkafka's built-in cluster) and a worker, as in production. First two features break upstream:
    windows drift, somebody is paged, and the rollout is frozen until they are repaired. Then version 2 comes, as a
    shadow and as a canary: an airport closes, which is not its fault, and moves no traffic; but it is wrong more often
    than version 1, and one signed command leads its flights back.
    """
    from rich.console import Console  # noqa: PLC0415 - what only the demo needs must not slow `kedge --help` down

    from kedge.streams.demo.cluster import BuiltInError  # noqa: PLC0415 - the same
    from kedge.streams.demo.flights import DataMissingError  # noqa: PLC0415 - the same
    from kedge.streams.demo.run import run  # noqa: PLC0415 - the same
    from kedge.streams.demo.screen import Screen  # noqa: PLC0415 - the same
    from kedge.streams.demo.worker import WorkerError  # noqa: PLC0415 - the same

    if no_break and context.get_parameter_source("broken") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--break and --no-break contradict each other.")
    try:
        with Screen(Console(stderr=as_json, highlight=False)) as screen:
            ending = run(() if no_break else tuple(dict.fromkeys(broken)), screen)
    except (BuiltInError, DataMissingError, WorkerError) as error:
        raise UserError(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(ending.summary)))
    context.exit(Exit.FAILED if ending.faults else Exit.WELL)
