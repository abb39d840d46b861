"""What guard tells machines, and the journal of how it came to it."""

from dataclasses import dataclass

from kedge.schemas.records.enums import Action

__all__ = ["Command", "Journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One instruction to whatever routes traffic or rolls out versions."""

    command_id: str
    """Hex SHA-256 over the length-prefixed fields environment, model, incident, action,
    target_version, attempt."""
    environment: str
    model: str
    incident: str
    action: Action
    from_version: str
    target_version: str
    """Empty where the action has none."""
    attempt: int
    sequence: int
    """Grows with every command of a model: a fencing token."""
    issued_at: int
    """Milliseconds since 1970-01-01 UTC."""
    expires_at: int
    """Milliseconds since 1970-01-01 UTC."""
    drill: bool
    evidence_digest: str
    """Hex SHA-256 of the Avro body of the report that decided."""
    policy_version: str
    """Monitor hash."""
    baseline: str
    journal_sequence: int
    owner: str
    escalation: tuple[str, ...]
    runbook_url: str | None = None
    key_id: str
    """Empty: unsigned."""
    signature: bytes
    """Empty: unsigned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One input that the guard took in, and what it decided."""

    environment: str
    model: str
    sequence: int
    timestamp: int
    """When it was folded, milliseconds since 1970-01-01 UTC."""
    input_topic: str
    input_partition: int
    input_offset: int
    input_digest: str
    """Hex SHA-256 of the input's value."""
    decision: str
    """none, open_incident, update_incident or resolve_incident."""
    reason: str
    command_id: str | None = None
    incident: str | None = None
    state_digest: str
    """Hex SHA-256 of the model's guard state after the decision."""
