"""A router out of plain functions."""

from collections.abc import Callable

from kedge.schemas.records import Command
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError

__all__ = ["CallbackRouter"]


class CallbackRouter:
    """Calls `switch` with the command; `observe`, if there is one, says where the router stands.

    Without `observe`, or if that tells no generation, a command is tried at most once: whether it took effect before a
    crash cannot be known, and it is refused as a conflict. `switch` may raise; it is not called for drills.

    >>> CallbackRouter(print, lambda: Observed(version="v2")).observe().version
    'v2'
    """

    def __init__(self, switch: Callable[[Command], object], observe: Callable[[], Observed] | None = None) -> None:
        self._switch, self._observe = switch, observe

    def observe(self) -> Observed:
        """Ask `observe`."""
        return Observed() if self._observe is None else self._observe()

    def switch(self, command: Command, expected: str) -> Observed:
        """See `Router`; the generation is compared just before the call, not within it."""
        if self.observe().generation != expected:
            raise ConflictError(f"the router is not in generation {expected!r} any more")
        if not command.drill:
            self._switch(command)
        return self.observe()
