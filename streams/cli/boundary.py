"""Where every error of a command ends: a user's mistake is one line, and what to do about it."""

import errno
import os
import traceback
from collections.abc import Callable, Mapping
from enum import IntEnum
from importlib import import_module
from typing import Any, Final

import click

from kedge.streams.pictures import printable
from kedge.streams.variables.table import DEBUG

__all__ = ["Exit", "LazyGroup", "UserError", "told"]


class Exit(IntEnum):
    """What a command's end means to a script."""

    WELL = 0
    """All that was asked for is done; all that was judged is well."""
    FAILED = 1
    USAGE = 2
    DRIFT = 3
    """Drift was found."""
    NOTHING_JUDGED = 4
    """No data, or none that can be judged: never 0."""


class UserError(click.ClickException):
    """A mistake that the user can mend; the message says how."""

    exit_code = Exit.FAILED

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print the message."""
        # What a message quotes from a file may hold control codes.
        shown = "\n".join(printable(line) for line in self.format_message().split("\n"))
        click.echo(f"kedge: {shown}", file=file, err=file is None)


_TOLD: Final = {
    "confluent_kafka.error": ("KafkaException",),
    "kedge.schemas.errors": ("RegistryUnavailableError", "UndecodableError", "UnencodableError"),
    "kedge.schemas.monitor": ("MonitorError",),
    "kedge.streams.actuator": ("MissingError", "RouterError", "StoreError"),
    "kedge.streams.access": ("AccessError",),
    "kedge.streams.announce": ("AnnounceError",),
    "kedge.streams.core.fit": ("FitError",),
    "kedge.streams.people": ("PeopleError",),
    "kedge.streams.variables": ("SettingsError",),
    "kedge.streams.reading": ("ReadingError",),
    "kedge.streams.replay": ("ReplayError",),
    "kedge.streams.tables": ("TableError",),
    "kedge.streams.topics": ("TopicsError",),
}
"""Errors whose message is meant for users, by module: it is looked up by name, so that nothing is imported for it."""


def told(error: Exception) -> str | None:
    """Return what to tell a user of an error; None: it is a fault of ours."""
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    for kind in type(error).__mro__:
        # An error may be defined deeper inside the package that shows it.
        if any(kind.__module__.startswith(module) and kind.__name__ in names for module, names in _TOLD.items()):
            return _in_words(error)
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("kedge"):
        return f"{error.name} is missing; install it with: pip install 'kedge[service]'"
    return None


def _in_words(error: Exception) -> str:
    if type(error).__name__ == "KafkaException":
        return f"Kafka says: {error.args[0].str()}"
    return str(error)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, and whose errors end here."""

    def __init__(self, commands: Mapping[str, str], **given: Any) -> None:  # noqa: ANN401 - click's own arguments
        """Take each command's name with where it is: `module:attribute`."""
        super().__init__(**given)
        self._homes = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which they were given."""
        del ctx
        return list(self._homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None: there is none of that name."""
        del ctx
        if cmd_name not in self._homes:
            return None
        module, attribute = self._homes[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command; whatever it raises becomes one line."""
        return _bounded(lambda: super(LazyGroup, self).invoke(ctx))


def _bounded(run: Callable[[], Any]) -> Any:  # noqa: ANN401 - what a command returns
    try:
        return run()
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        raise
    except Exception as error:  # the boundary: nothing may end in a traceback
        if DEBUG.read(os.environ):
            traceback.print_exc()
        message = told(error)
        if any(kind.__name__ == "ColumnError" for kind in type(error).__mro__):
            raise click.UsageError(message or str(error)) from error
        if message is None:
            message = f"a fault of ours: {type(error).__name__}: {error} (KEDGE_DEBUG=1 shows where)"
        raise UserError(message) from error
