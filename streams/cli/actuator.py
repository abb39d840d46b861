"""`kedge actuator`."""

import signal
import sys
from pathlib import Path
from typing import Any, Final

import click

from kedge.schemas.records import Action
from kedge.streams.actuator.actuator import LOG, Actuator
from kedge.streams.actuator.inbox import ControlError, MissingError
from kedge.streams.actuator.router import HungError, Router
from kedge.streams.actuator.settings import ActuatorSettings
from kedge.streams.actuator.symlink import SymlinkRouter
from kedge.streams.actuator.webhook import WebhookRouter
from kedge.streams.cli.options import SettingOption, kafka_options, warn_of_unknown
from kedge.streams.events import DIED, SETTING
from kedge.streams.logs import configure_logs
from kedge.streams.settings import KafkaSettings
from kedge.streams.variables import all_variables
from kedge.streams.variables.table import ACTUATOR_ID, ACTUATOR_STORE, BROKERS, ENVIRONMENT, WEBHOOK_SECRET_FILE

__all__ = ["actuator"]

_AGAIN: Final = 70
_ACTIONS: Final = (Action.ROUTE_TO_SAFE_PATH, Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(short_help="Obey commands beside a router.")
def actuator() -> None:
    """Obey the guard's commands beside whatever routes a model's traffic."""


@actuator.command("run", short_help="Run until SIGTERM.")
@click.option("--model", metavar="NAME", required=True, help="The model whose traffic it routes.")
@click.option("--handler", type=click.Choice(["symlink", "webhook"]), required=True, help="What the router is.")
@click.option("--link", type=click.Path(path_type=Path), help="symlink: the link that names the version in service.")
@click.option("--versions", type=_FOLDER, help="symlink: the folder whose sub-folders are the versions.")
@click.option("--url", help="webhook: GET says where the router stands, POST switches it.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    cls=SettingOption,
    envvar=WEBHOOK_SECRET_FILE.name,
    help=f"webhook: a secret that it shares with the receiver.  [env: {WEBHOOK_SECRET_FILE.name}]",
)
@click.option(
    "--action",
    "actions",
    type=click.Choice([action.value for action in _ACTIONS]),
    multiple=True,
    metavar="ACTION",
    help=f"What it must answer for; may be given again. One of {', '.join(_ACTIONS)}. "
    f"Unless given, all of them for symlink, {Action.ROUTE_TO_SAFE_PATH} for webhook.",
)
@click.option("--id", "actuator_id", metavar="NAME", help=f"Its name in acks.  [env: {ACTUATOR_ID.name}]")
@click.option("--store", metavar="FILE", help=f"Its memory, an SQLite file.  [env: {ACTUATOR_STORE.name}]")
@kafka_options
@click.pass_context
def run(ctx: click.Context, kafka: KafkaSettings, /, **given: Any) -> None:  # noqa: ANN401 - the options above
    """Obey commands for one model, each once, until SIGTERM or SIGINT.

    Whose commands count say KEDGE_TRUST and KEDGE_TRUSTED_KEYS. Exit codes: 0 stopped, 1 starting again would not
    help, 70 start it again.
    """
    configure_logs(sys.stderr)
    warn_of_unknown(all_variables())
    said = {
        BROKERS.name: kafka.brokers,
        ENVIRONMENT.name: kafka.environment,
        ACTUATOR_ID.name: given["actuator_id"],
        ACTUATOR_STORE.name: given["store"],
    }
    variables = {**all_variables(), **{name: value for name, value in said.items() if value is not None}}
    # A receiver that knows switches alone would refuse a freeze, and a freeze that failed stops automation.
    unsaid = (Action.ROUTE_TO_SAFE_PATH,) if given["handler"] == "webhook" else _ACTIONS
    actions = frozenset(Action(action) for action in given["actions"] or unsaid)
    settings = ActuatorSettings.from_environment(variables, actions)
    obeying = Actuator({given["model"]: _router(given)}, settings=settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: obeying.stop())
    try:
        obeying.run()
    except MissingError:
        raise
    except (ControlError, HungError) as error:
        DIED.tell(LOG, f"exit {_AGAIN}: {error}", exit_code=_AGAIN)
        ctx.exit(_AGAIN)


def _router(given: dict[str, Any]) -> Router:
    needed = {"symlink": ("link", "versions"), "webhook": ("url",)}[given["handler"]]
    missing = [f"--{name}" for name in needed if given[name] is None]
    if missing:
        raise click.UsageError(f"--handler {given['handler']} needs {' and '.join(missing)}")
    if given["handler"] == "symlink":
        return SymlinkRouter(given["link"], given["versions"])
    secret = given["secret_file"].read_bytes().strip() if given["secret_file"] is not None else b""
    if not secret:
        words = f"requests to {given['url']} are not signed: the receiver cannot tell who sent them"
        SETTING.tell(LOG, words, setting=WEBHOOK_SECRET_FILE.name)
    return WebhookRouter(given["url"], secret)
