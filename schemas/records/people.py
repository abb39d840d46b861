"""What routers and people tell guard."""

from dataclasses import dataclass

from kedge.schemas.records.enums import AckResult, Action, OverrideAction

__all__ = ["Ack", "Override"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What an actuator made of a command; sent again, with the stored result, for a command that is sent again.

    An empty `command_id` is a heartbeat: the actuator lives, and says where the router stands.
    """

    command_id: str
    environment: str
    model: str
    actuator_id: str
    result: AckResult
    reason: str
    """Empty, or a code: expired, stale_sequence, conflict, failed, timeout, cancelled, unsupported."""
    observed_version: str
    """Where the router stands now; empty: not known."""
    sequence: int
    """The command's."""
    timestamp: int
    """When the result was stored, milliseconds since 1970-01-01 UTC."""
    drill: bool = False
    standby: tuple[str, ...] = ()
    """Versions that the router could be switched to now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word; it wins over automation until it expires."""

    override_id: str
    environment: str
    model: str
    action: OverrideAction
    target_version: str
    """PIN and FORCE: the version; empty where there is none."""
    forced: Action | None = None
    """FORCE: what to send."""
    fault: str
    """DRILL: the failure to rehearse; empty otherwise."""
    actor: str
    reason: str
    issued_at: int
    """Milliseconds since 1970-01-01 UTC."""
    expires_at: int
    """Milliseconds since 1970-01-01 UTC; at most 24 h after `issued_at`."""
    key_id: str
    """Empty: unsigned."""
    signature: bytes
    """Empty: unsigned."""
