"""Where a router stands."""

from dataclasses import dataclass

__all__ = ["Observed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Where a router stands."""

    version: str = ""
    """Which version it routes to; empty: not known."""
    generation: str = ""
    """Changes with every switch, whoever makes it, and never comes back: v1, v2, v1, v2 are four generations.
    Empty: the router has none, so that after a crash nobody can say whether a command took effect, and it is
    refused."""
    standby: tuple[str, ...] = ()
    """Versions that it could be switched to now."""
    since: int | None = None
    """When it was last switched, milliseconds since 1970-01-01 UTC; None: not known."""
    frozen: bool | None = None
    """Whether rollouts are frozen; None: not known."""
