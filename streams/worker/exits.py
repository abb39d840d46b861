"""How a worker ends when it must not go on.

State, output and position are committed together, so that the quickest end is also the safest: nothing is
flushed, closed or tidied, and whatever runs the worker (systemd, Compose, Kubernetes) starts it again.
"""

import logging
import math
import os
import time
from typing import NoReturn, Protocol

from kedge.streams.events import DIED, STOPPED, Event

LOG = logging.getLogger("kedge.worker")

_SAY_EVERY_S = 10.0


class Repeated:
    """Something that happens again and again while a broker is away: a line now and then is enough."""

    def __init__(self) -> None:
        """Nothing has been said yet."""
        self._said_s = -math.inf

    def tell(self, event: Event, words: str, **fields: str | int) -> None:
        """Log it, unless that was done in the last 10 s."""
        if time.monotonic() - self._said_s > _SAY_EVERY_S:
            self._said_s = time.monotonic()
            event.tell(LOG, words, **fields)


FAILED = 1
"""Exit code: starting it again does not help (a topic is missing, the state is another topology's)."""

CRASHED = 70
"""Exit code: our own fault, or the partition is another worker's now; to be started again."""


class Die(Protocol):
    """Log the reason and end the process. A test gives one that raises."""

    def __call__(self, reason: str, *, code: int = CRASHED) -> NoReturn:
        """See the class."""


def die(reason: str, *, code: int = CRASHED) -> NoReturn:
    """Log `reason`, flush the log, end the process at once with `code` (from any thread)."""
    DIED.tell(LOG, f"exit {code}: {reason}", exit_code=code)
    _exit(code)


def end(message: str) -> NoReturn:
    """Log `message` and end the process with 0: all is committed, and only formalities are left."""
    STOPPED.tell(LOG, message, exit_code=0)
    _exit(0)


def _exit(code: int) -> NoReturn:
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(code)
