"""Names that are the same whoever works them out: incidents, commands and alerts."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from kedge.schemas.records import Action

__all__ = ["CommandName", "alert_id", "incident_id"]


@dataclass(frozen=True, slots=True)
class CommandName:
    """What names a command: one that is worked out twice has the same name and so takes effect once.

    >>> len(CommandName("prod", "m", "i", Action.FREEZE_ROLLOUT).digest())
    64
    """

    environment: str
    model: str
    incident: str
    action: Action
    target_version: str = ""
    """Empty where the action has none."""
    attempt: int = 0

    def digest(self) -> str:
        """Return the command's id: hex SHA-256 over the length-prefixed fields, in order."""
        return _digest(
            [self.environment, self.model, self.incident, self.action.value, self.target_version, str(self.attempt)]
        )


def incident_id(environment: str, model: str, first_breach: Iterable[str]) -> str:
    """Return an incident's name, 16 hex digits, from the breach that opened it."""
    return _digest([environment, model, *first_breach])[:16]


def alert_id(incident: str, event: str, sequence: int) -> str:
    """Return an alert's name, 16 hex digits."""
    return _digest([incident, event, str(sequence)])[:16]


def _digest(fields: Iterable[str]) -> str:
    # Length first, so that no two lists of fields run together into the same bytes.
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return sha256(b"".join(len(e).to_bytes(4, "big") + e for e in encoded)).hexdigest()
