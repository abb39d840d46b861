"""Wait for the schema registry, so that nothing that is decoded or encoded afterwards has to.

A registry that is away says nothing of a record, which may be perfectly good: whoever needs it waits, and the record
with him. What is known already needs no registry.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from kedge.schemas.codec import FRAME_BYTES, Codec
from kedge.schemas.errors import NotRegisteredError, RegistryUnavailableError
from kedge.streams.events import ANSWERS, WAITING

__all__ = ["PAUSE_S_MAX", "Schemas"]

_PAUSE_S: Final = 0.5
PAUSE_S_MAX: Final = 5.0
"""Between two questions to a registry that does not answer."""

_ASKED_S: Final = 30.0
"""Who waits asks again long before that; later, nobody waits any more."""

_NEVER: Final = threading.Event()


class Schemas:
    """The schemas that a process knows; safe to share between threads. `logger` hears of each change.

    All of a process wait for one registry, so that one of them asks while the others hear what it was told.
    """

    def __init__(self, codec: Codec, logger: logging.Logger) -> None:
        """Ask nothing yet."""
        self.codec: Final = codec
        self._logger = logger
        self._asking = threading.Lock()
        self._pause_s = _PAUSE_S
        self._again_s = 0.0
        self._away = False
        self._since_s = 0.0

    @property
    def away(self) -> bool:
        """Somebody needs the registry, and it does not answer."""
        return self._away and time.monotonic() < self._again_s + _ASKED_S

    @property
    def waiting_s(self) -> float:
        """For how long somebody has waited for the registry, in seconds; 0: nobody does."""
        return time.monotonic() - self._since_s if self.away else 0.0

    def prepare(self, *names: str, stopping: threading.Event = _NEVER) -> bool:
        """Wait until the records of these short names (else all) can be written; False: `stopping` was set first.

        Raises:
            NotRegisteredError: the registry does not have one of them.
        """
        return self._wait(lambda: self.codec.prepare(*names), stopping)

    def wait(self, value: bytes | None, *, stopping: threading.Event = _NEVER) -> bool:
        """Wait until nobody has to be asked to decode `value`; False: `stopping` was set first."""
        if value is None or self.codec.knows(value):
            return True
        return self._wait(lambda: self.codec.learn(value), stopping)

    def unknown(self, values: Iterable[bytes | None]) -> list[bytes]:
        """Return one of each schema for which somebody has to be asked; asks nobody."""
        asked = (value for value in values if value is not None and not self.codec.knows(value))
        return list({value[:FRAME_BYTES]: value for value in asked}.values())

    def learn(self, values: Iterable[bytes]) -> bool:
        """Ask for what decoding `values` needs, once; False: the registry does not answer."""
        return all(self._asked(lambda value=value: self.codec.learn(value)) for value in values)  # type: ignore[misc] # a default binds it

    def _wait(self, ask: Callable[[], None], stopping: threading.Event) -> bool:
        while not stopping.is_set():
            if self._asked(ask):
                return True
            stopping.wait(max(0.0, self._again_s - time.monotonic()))
        return False

    def _asked(self, ask: Callable[[], None]) -> bool:
        with self._asking:
            if time.monotonic() < self._again_s:
                return False
            asked_s = time.monotonic()
            try:
                ask()
            except NotRegisteredError:
                raise
            except RegistryUnavailableError as error:
                if not self._away:
                    WAITING.tell(self._logger, f"waiting for the schema registry: {error}", what="registry")
                if not self.away:
                    self._since_s = asked_s
                self._away, self._again_s = True, time.monotonic() + self._pause_s
                self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
                return False
            if self._away:
                ANSWERS.tell(self._logger, "the schema registry answers again", what="registry")
            self._away, self._pause_s = False, _PAUSE_S
            return True
