"""What an actuator needs of a router, and how a call of it is kept from holding the actuator up for ever."""

import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeVar, runtime_checkable

from kedge.schemas.records import Command
from kedge.streams.actuator.observed import Observed

__all__ = ["ConflictError", "HungError", "Rollout", "Router", "RouterError", "guarded"]

T = TypeVar("T")

_THREAD: Final = "kedge-router"


class RouterError(Exception):
    """The router did not do what it was asked to; the message says why."""


class ConflictError(RouterError):
    """The router is not in the expected generation any more; nothing was changed."""


class HungError(Exception):
    """A router's call did not come back in time, and may still take effect: this process must not act any more."""


class Router(Protocol):
    """Routes the traffic of one model. Called by one thread, one call at a time."""

    def observe(self) -> Observed:
        """Return where it stands; a version only once all traffic is there. Changes nothing."""

    def switch(self, command: Command, expected: str) -> Observed:
        """Route to `command.target_version` if the generation is still `expected`; return where it then stands.

        Compare and switch must be one step of the router. A drill (`command.drill`) goes all the way but changes
        nothing.

        Raises:
            ConflictError: the generation is another one; nothing was changed.
            RouterError: it could not be done. Whether it took effect is then observed.
        """


@runtime_checkable
class Rollout(Protocol):
    """What a router may be able to do beside."""

    def freeze(self, command: Command) -> None:
        """Let no new version in, until `resume` or `command.expires_at`; a drill changes nothing.

        A freeze that is renewed comes again while it stands: the newest `expires_at` counts.
        """

    def resume(self, command: Command) -> None:
        """Let new versions in again; a drill changes nothing."""


def guarded(call: Callable[[], T], timeout_s: float) -> T:
    """Return what `call` returns, or raise what it raises, within `timeout_s` seconds.

    It runs on a thread of its own, which is abandoned if it hangs: a thread cannot be stopped from outside.

    Raises:
        HungError: it did not come back.
    """
    results: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as fault:  # noqa: BLE001 - it is raised again where it was called
            faults.append(fault)

    thread = threading.Thread(target=run, name=_THREAD, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise HungError(f"the router did not come back within {timeout_s:g} s")
    if faults:
        # A handler that calls sys.exit has failed like any other; it must not end the actuator halfway.
        raise faults[0] if isinstance(faults[0], Exception) else RouterError(repr(faults[0]))
    return results[0]
