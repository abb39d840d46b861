"""Log lines: JSON for machines, readable on a terminal; never an escape code.

One line for each event that matters (`kedge.streams.events`). Faust's and aiokafka's own lines start at a warning: they
tell of every step.
"""

import datetime as dt
import json
import logging
import sys
import traceback
from typing import TextIO

from kedge.streams.pictures import printable

_QUIET = ("aiokafka", "faust", "mode", "kedge.streams.worker")
"""mode names a service's logger after its module: ours would tell of every start and stop."""

_MULTILINE = " | "


_SELDOM_S = 30.0


class Seldom(logging.Filter):
    """While a broker is away, aiokafka says the same many times a second: once in 30 s is enough."""

    def __init__(self) -> None:
        """Nothing has been said yet."""
        super().__init__()
        self._said_s: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is said: ours always are."""
        if not record.name.startswith(_QUIET):
            return True
        line = record.name, record.msg
        if record.created - self._said_s.get(line, 0.0) < _SELDOM_S:
            return False
        self._said_s[line] = record.created
        return True


class JsonFormatter(logging.Formatter):
    """One object a line: `time` (UTC), `level`, `logger`, `message`; `event` and its fields; `exception`, if any."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line: dict[str, object] = {
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _MULTILINE.join(record.getMessage().split("\n")),
        }
        if (event := getattr(record, "event", None)) is not None:
            line |= {"event": event, **getattr(record, "fields", {})}
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        # In ASCII: a terminal that is shown the file obeys control codes past it, too.
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """`12:34:56 warning  message`, and the traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        words = "\n".join(printable(line) for line in record.getMessage().split("\n"))
        line = f"{_stamp(record)[11:19]} {record.levelname.lower():8} {words}"
        if record.exc_info is not None and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            line += "\n" + "\n".join(printable(row) for row in trace.split("\n"))
        return line


class _AsTheyCome(logging.Formatter):
    """For a stream that is known when a line is written."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _formatter(sys.stderr).format(record)


def plain_logs() -> None:
    """For a command that ends soon: warnings to standard error, in the same form as a service's lines."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_AsTheyCome())


def configure_logs(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send all log lines to `stream`: readable if it is a terminal, else JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(stream))
    handler.addFilter(Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _formatter(stream: TextIO) -> logging.Formatter:
    return TextFormatter() if stream.isatty() else JsonFormatter()


def _stamp(record: logging.LogRecord) -> str:
    return dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
