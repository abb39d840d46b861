"""Whose fault it is: `UndecodableError` is the sender's, `RegistryUnavailableError` nobody's bytes.

The first becomes a dead letter and the offset moves on. The second must never: the record may be
perfectly good, so whoever reads it waits until the registry answers.
"""

from enum import StrEnum
from typing import Final

__all__ = [
    "NotRegisteredError",
    "Reason",
    "RegistryUnavailableError",
    "SchemaError",
    "UndecodableError",
    "UnencodableError",
]

_DETAIL_MAX: Final = 300


class Reason(StrEnum):
    """Why bytes could not be read."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNKNOWN_SCHEMA = "unknown_schema"
    """Neither of the two frames, or one that names a schema nobody knows."""
    REFUSED_SCHEMA = "refused_schema"
    """The registry knows the schema, but it is broken or fails the lint."""
    WRONG_RECORD = "wrong_record"
    """A record that does not belong on this topic."""
    UNDECODABLE = "undecodable"
    """The bytes are not what their schema says, or the schema does not fit the reader's."""


class UndecodableError(Exception):
    """These bytes cannot be read: the sender's fault.

    `detail` says what was wrong and never holds a value of the payload.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:_DETAIL_MAX]


class UnencodableError(ValueError):
    """This record cannot be written in a way that a reader would accept."""


class RegistryUnavailableError(Exception):
    """The schema registry did not answer, or not as it should; says nothing about any record read."""


class NotRegisteredError(RegistryUnavailableError):
    """The schema registry does not have a schema that we write; the message says how to register it."""


class SchemaError(ValueError):
    """An Avro schema is broken, or breaks a rule of the lint; lists every problem found."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
