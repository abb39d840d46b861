"""A record of a log, as the cores see one."""

from typing import Protocol

__all__ = ["Record"]


class Record(Protocol):
    """What aiokafka's `ConsumerRecord` is, and a test's tuple can be.

    `timestamp` is the append time in milliseconds where the topic stamps on append.
    """

    @property
    def topic(self) -> str:
        """Full topic name."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its place there."""

    @property
    def timestamp(self) -> int:
        """When it was appended."""

    @property
    def key(self) -> bytes | None:
        """Key bytes."""

    @property
    def value(self) -> bytes | None:
        """Payload."""
