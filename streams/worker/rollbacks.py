"""Which models were sent to their safe path of late, read from the control topic."""

from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Action, Command
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.rollbacks import RECENT_MS
from kedge.streams.core.trusting import Verifier
from kedge.streams.events import CATALOG_LEFT_OUT
from kedge.streams.worker.exits import LOG

__all__ = ["KNOWN_MAX", "RecentRollbacks"]

KNOWN_MAX: Final = 1_000
"""Rollbacks remembered; far more than may be, so that a flood costs no memory."""


class RecentRollbacks:
    """A `Rollbacks` that is fed the records of `control`, in any thread: what it knows is replaced, never changed."""

    def __init__(self, codec: Codec, verifier: Verifier) -> None:
        """Know of none; `verifier`: whose commands count. Whoever forges must not keep guards from acting."""
        self._codec = codec
        self._verifier = verifier
        self._issued: dict[str, tuple[str, int]] = {}

    def take(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Take a command in, as a `reader.Sink`; what is no rollback, a drill, or of nobody trusted is passed over."""
        try:
            command = self._codec.decode(value or b"", Command)
        except UndecodableError as error:
            name = key.decode(errors="replace")
            CATALOG_LEFT_OUT.tell(LOG, f"{topic}: {name!r} is left out: {error}", topic=topic, key=name)
            return
        if command.action is Action.ROUTE_TO_SAFE_PATH and not command.drill:
            if not self._verifier.accepts(command.key_id, signed_bytes(command), command.signature):
                words = f"{topic}: {command.model!r} is left out: the signature of a rollback counts for nothing here"
                CATALOG_LEFT_OUT.tell(LOG, words, topic=topic, key=command.model)
                return
            known = {**self._issued, command.command_id: (command.model, command.issued_at)}
            self._issued = dict(list(known.items())[-KNOWN_MAX:])

    def recent(self, now_ms: int) -> tuple[tuple[str, int], ...]:
        """As `Rollbacks.recent`."""
        issued = (told for told in self._issued.values() if told[1] > now_ms - RECENT_MS)
        return tuple(sorted(issued, key=lambda told: told[1]))
