"""A publisher's life in one process: queue, thread and producer; a fork begins a new one."""

import logging
import secrets
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from kedge.schemas.codec import Codec
from kedge.streams.events import CLOSED_WITH_LOSS, PUBLISHER_FAILED
from kedge.streams.names import Topics
from kedge.streams.publisher.intake import Intake
from kedge.streams.publisher.link import KafkaLink
from kedge.streams.publisher.notices import Notices
from kedge.streams.publisher.pump import POLL_S, Pump
from kedge.streams.publisher.settings import PublisherSettings
from kedge.streams.registry_settings import RegistrySettings

__all__ = ["Session"]

IDLE_S: Final = 1.0
REGISTRY_TIMEOUT_S: Final = 4.0
JOIN_MARGIN_S: Final = 5.0
"""What the thread may be in when it is asked to end: a question to the registry, or to a broker."""

_LOGGER: Final = logging.getLogger("kedge.publisher")


class Session:
    """Starts its thread with the first row, so that a server that preloads and forks never has one to lose."""

    def __init__(self, settings: PublisherSettings) -> None:
        self.intake: Final = Intake(settings.queue_rows_max, settings.queue_bytes_max)
        self._settings = settings
        self._codec = _codec(settings.registry)
        self._producer = secrets.token_hex(12)
        self._starting = threading.RLock()
        self._thread: threading.Thread | None = None
        self._deadline_s: float | None = None
        self._hurry = False
        self._then: Callable[[], None] | None = None

    @property
    def started(self) -> bool:
        """Whether there is a thread, or was."""
        return self._thread is not None

    def start(self) -> None:
        """Start the thread, once; where that is impossible (the interpreter is ending), drop what comes."""
        with self._starting:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="kedge-publisher", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                self.intake.close()

    def hurry(self) -> None:
        """Send what is collected now; returns at once."""
        self._hurry = True
        self.intake.wake()

    def stop(self, timeout_s: float, then: Callable[[], None] | None = None) -> None:
        """Take no more rows and send what is there within `timeout_s`; returns at once.

        The thread calls `then` when it has ended.
        """
        self.intake.close()
        self._then = then
        if self._deadline_s is None:
            self._deadline_s = monotonic() + timeout_s
        self.intake.wake()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread after `stop`."""
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout_s + JOIN_MARGIN_S)

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - a monitor must not take the service down that it watches
            words = "the publisher has failed; what it is given from now on is dropped"
            PUBLISHER_FAILED.tell(_LOGGER, words, error)
            self.intake.close()
            self.intake.settle(discarded=self.intake.stats().queued)
        if self._then is not None:
            self._then()

    def _work(self) -> None:
        # librdkafka's handle hangs on this frame and nothing else. In a forked child this thread does not exist, its
        # frame is never unwound, and so the handle, whose own threads are gone, is never used nor destroyed there.
        settings = self._settings
        link = KafkaLink(Topics(settings.environment), settings.producer_options)
        pump = Pump(self.intake, link, self._codec, settings.limits, self._producer)
        notices = Notices(_LOGGER)
        while self._deadline_s is None:
            now_s = monotonic()
            hurry, self._hurry = self._hurry, False  # before the step: it takes all rows that came before the flag
            pump.step(now_s)
            if hurry and not pump.flush(now_s):
                self._hurry = True
            self._tell(notices, pump, now_s)
            if pump.busy:
                link.poll(POLL_S)
            else:
                self.intake.wait(IDLE_S)
        pump.finish(monotonic, self._deadline_s)
        dropped, undelivered = self.intake.lost
        if dropped or undelivered:  # what came after a stream's last batch, no batch can say
            words = f"kedge publisher, closed: {dropped} rows dropped, {undelivered} undelivered"
            CLOSED_WITH_LOSS.tell(_LOGGER, words, dropped=dropped, undelivered=undelivered)

    def _tell(self, notices: Notices, pump: Pump, now_s: float) -> None:
        dropped, undelivered = self.intake.lost
        notices.tell("publishing", pump.trouble, now_s)
        notices.tell("rows dropped so far", str(dropped) if dropped else None, now_s)
        notices.tell("rows undelivered so far", str(undelivered) if undelivered else None, now_s)


def _codec(registry: RegistrySettings | None) -> Codec:
    if registry is None:
        return Codec()
    import encodings.idna  # noqa: F401, PLC0415 - else in the thread, with the first request: see `link`

    from kedge.schemas.registry import ConfluentRegistry  # noqa: PLC0415 - few have one

    return Codec(ConfluentRegistry(registry.http(timeout_s=REGISTRY_TIMEOUT_S, attempts=1)))
