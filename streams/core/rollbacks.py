"""A reading from outside: which models were sent to their safe path of late."""

from typing import Final, Protocol

__all__ = ["RECENT_MS", "Rollbacks"]

RECENT_MS: Final = 10 * 60_000
"""How far back `Rollbacks.recent` looks."""


class Rollbacks(Protocol):
    """The rollbacks of all models, whichever guard commanded them. Best effort between guards: another's may be new."""

    def recent(self, now_ms: int) -> tuple[tuple[str, int], ...]:
        """Return model and time of issue of each ROUTE_TO_SAFE_PATH in the 10 minutes before `now_ms`, oldest first.

        Drills are none; a command that was sent again is one.
        """
