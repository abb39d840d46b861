"""Options that say what the columns of a file mean."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final

import click

from kedge.schemas.monitor import MonitorSpec, parse_monitor

__all__ = ["column_options", "data_file", "monitor_option", "read_monitor", "stem"]

_FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_OPTIONS: Final = {
    "score": click.option("--score", metavar="COLUMN", help="The model's score."),
    "label": click.option("--label", metavar="COLUMN", help="The predicted class."),
    "confidence": click.option("--confidence", metavar="COLUMN", help="The largest class score."),
    "version": click.option("--version", metavar="COLUMN", help="The model's version."),
    "role": click.option("--role", metavar="COLUMN", help="PRIMARY, CANARY or SHADOW."),
    "request_id": click.option(
        "--request-id", metavar="COLUMN", help="Which request a row answers: versions' answers to one are compared."
    ),
    "outcome": click.option("--outcome", metavar="COLUMN", help="What came of the row: 0 or 1, a class or a number."),
    "segments": click.option(
        "--segment", "segments", metavar="COLUMN", multiple=True, help="A segment's value; may be given again."
    ),
    "ignored": click.option(
        "--ignore", "ignored", metavar="COLUMN", multiple=True, help="Leave a column out; may be given again."
    ),
    "allow_id_like": click.option(
        "--allow-id-like",
        metavar="COLUMN",
        multiple=True,
        help="Keep a text column though most of its values differ; may be given again.",
    ),
}

data_file = click.argument("data", type=_FILE)
monitor_option = click.option("--monitor", "monitor", type=_FILE, help="The model's monitor file.")


def column_options(*names: str) -> Callable[[Any], Any]:
    """Give a command the options of these names, in this order."""
    return lambda command: reduce(lambda decorated, name: _OPTIONS[name](decorated), reversed(names), command)


def read_monitor(path: Path | None) -> MonitorSpec | None:
    """Return what a monitor file says; None: there is none. `MonitorError` lists its problems."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{path} is not UTF-8 text", param_hint="--monitor") from error
    return parse_monitor(text, str(path))


def stem(path: Path) -> str:
    """Return a file's name without its endings: what a model is called that nobody has named."""
    return path.name.split(".", 1)[0] or path.name
