"""How far back to read."""

from typing import Any, Final

import click

from kedge.schemas.monitor import duration_ms
from kedge.streams.cli.publication import TimeType
from kedge.streams.clock import now_ms

__all__ = ["since_option"]

_DEFAULT: Final = "7d"


class _Since(click.ParamType):
    """A duration back from now, or a time; as milliseconds since 1970."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the milliseconds since 1970."""
        back = duration_ms(str(value))
        return int(TimeType().convert(value, param, ctx)) if back is None else max(0, now_ms() - back)


since_option = click.option(
    "--since",
    "since_ms",
    type=_Since(),
    default=_DEFAULT,
    show_default=True,
    metavar="TIME",
    help="How far back the journal is read: a duration such as 2h or 7d, or a time.",
)
