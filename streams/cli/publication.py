"""What publishing a monitor and publishing a baseline have in common."""

import datetime as dt
import json
from typing import Any, Final

import click

from kedge.schemas.report_json import iso_time
from kedge.streams.announce import Published

__all__ = ["TimeType", "effective_from_option", "publication_json", "publication_line"]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class TimeType(click.ParamType):
    """ISO 8601, UTC where it does not say otherwise; as milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the milliseconds since 1970."""
        try:
            time = dt.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no ISO 8601 time, such as 2013-01-01T05:15:00Z", param, ctx)
        time = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
        if time < _EPOCH:
            self.fail("expected a time from 1970-01-01T00:00:00Z on", param, ctx)
        return (time - _EPOCH) // dt.timedelta(milliseconds=1)


effective_from_option = click.option(
    "--effective-from",
    type=TimeType(),
    metavar="TIME",
    help="Event time from which it acts; a window must begin there.",
)


def publication_json(published: Published) -> str:
    """Return it for programs."""
    return json.dumps(
        {
            "model": published.model,
            "hash": published.hash,
            "effective_from": iso_time(published.effective_from),
            "published": published.new,
        }
    )


def publication_line(what: str, published: Published) -> str:
    """Return it for people."""
    since = iso_time(published.effective_from) if published.effective_from else "the beginning of time"
    done = "published, acts from" if published.new else "nothing to publish: the same acts already, from"
    return f"{what} {published.hash} of {published.model}: {done} {since}"
