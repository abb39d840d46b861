"""The commands."""

from importlib.metadata import version

import click

from kedge.streams.cli.boundary import LazyGroup
from kedge.streams.logs import plain_logs

__all__ = ["kedge"]

_HOME = "kedge.streams.cli"


@click.group(
    cls=LazyGroup,
    commands={
        "demo": f"{_HOME}.demo:demo",
        "replay": f"{_HOME}.replay:replay",
        "baseline": f"{_HOME}.baseline:baseline",
        "monitor": f"{_HOME}.monitor:monitor",
        "topics": f"{_HOME}.topics:topics",
        "schemas": f"{_HOME}.schemas:schemas",
        "worker": f"{_HOME}.worker:worker",
        "watch": f"{_HOME}.watch:watch",
        "dlq": f"{_HOME}.dlq:dlq",
        "actuator": f"{_HOME}.actuator:actuator",
        "keys": f"{_HOME}.keys:keys",
        "status": f"{_HOME}.status:status",
        "incidents": f"{_HOME}.incidents:incidents",
        "override": f"{_HOME}.override:override",
        "drill": f"{_HOME}.drill:drill",
        "doctor": f"{_HOME}.doctor:doctor",
        "verify-decision": f"{_HOME}.verify:verify_decision",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version("kedge"), prog_name="kedge")
def kedge() -> None:
    """Watch models in production: say when what goes in or comes out has drifted, and freeze the rollout.

    Exit codes: 0 done and no drift, 1 failure, 2 usage, 3 drift found, 4 nothing could be judged.
    """
    plain_logs()
