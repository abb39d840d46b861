"""What guard tells machines, and the journal of how it came to it."""

from dataclasses import dataclass

from kedge.schemas.records.alert import Note
from kedge.schemas.records.enums import Action

__all__ = ["Command", "Journal", "Reading"]


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
    cancels: str
    """CANCEL: the command that must not be obeyed any more; empty otherwise."""
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
class Reading:
    """Something that was read from outside for the decision, so that it can be decided again."""

    name: str
    source: str
    """Where it was read: topic, partition and offset, or a catalog's record."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One input that the guard took in, and what it decided."""

    environment: str
    model: str
    sequence: int
    timestamp: int
    """When it was folded, milliseconds since 1970-01-01 UTC."""
    input_topic: str
    """reports, overrides, acks; tick: a deadline that the guard itself had stored; or stand: the overrides that lay
    there when a command was decided have been read, up to `input_offset`."""
    input_partition: int
    input_offset: int
    """-1 for a tick."""
    input_digest: str
    """Hex SHA-256 of the input's value; empty where there is none."""
    drill: bool = False
    """It is about a rehearsal."""
    readings: tuple[Reading, ...]
    decision: str
    """none, or what was done, step by step, with + between."""
    reason: str
    state_before: str
    state_after: str
    vetoes: tuple[Note, ...]
    staged: tuple[str, ...] = ()
    """Ids of the commands that were decided; each leaves with an entry of its own, or is withdrawn by one."""
    commands: tuple[str, ...]
    """Ids of the commands that left with this decision."""
    withheld: tuple[str, ...]
    """Ids of those that an armed guard would have sent."""
    alerts: tuple[str, ...]
    incident: str | None = None
    state_digest: str
    """Hex SHA-256 of the model's guard state after the decision."""
