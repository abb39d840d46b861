"""What a publisher says in the log: changes of its state, once each and never often."""

import logging
from typing import Final

from kedge.streams.events import TROUBLE, WELL

__all__ = ["Notices"]

EVERY_S: Final = 60.0
"""The least time between two lines about one thing."""


class Notices:
    """Tells a state when it is another than the last one told; holds no value of any row.

    A state that changes more often than every `EVERY_S` is told when that time is over, if it still holds.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._told: dict[str, str | None] = {}
        self._told_at_s: dict[str, float] = {}

    def tell(self, subject: str, state: str | None, now_s: float) -> None:
        """Take note that `subject` is in `state`; None: all is well."""
        if state == self._told.get(subject):
            return
        if now_s - self._told_at_s.get(subject, -EVERY_S) < EVERY_S:
            return
        self._told[subject] = state
        self._told_at_s[subject] = now_s
        if state is None:
            WELL.tell(self._logger, f"kedge publisher, {subject}: well again", subject=subject)
        else:
            TROUBLE.tell(self._logger, f"kedge publisher, {subject}: {state}", subject=subject)
