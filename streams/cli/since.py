"""How far back to read."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kedge.schemas.monitor import duration_ms
from kedge.streams.cli.publication import TimeType
from kedge.streams.clock import now_ms

__all__ = ["since_option"]

F = TypeVar("F", bound=Callable[..., Any])


class _Since(click.ParamType):
    """A duration back from now, or a time; as milliseconds since 1970."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the milliseconds since 1970."""
        back = duration_ms(str(value))
        return int(TimeType().convert(value, param, ctx)) if back is None else max(0, now_ms() - back)


def since_option(default: str | None = "7d", otherwise: str = "") -> Callable[[F], F]:
    """Give a command `--since`, as `since_ms`; without a default it may be None; `otherwise` says what then holds."""
    return click.option(
        "--since",
        "since_ms",
        type=_Since(),
        default=default,
        show_default=otherwise or True,
        metavar="TIME",
        help="How far back the journal is read: a duration such as 2h or 7d, or a time.",
    )
