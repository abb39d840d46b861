"""The console of one worker: its reader, its board and its site."""

import threading

from prometheus_client import CollectorRegistry

from kedge.schemas.codec import Codec
from kedge.streams.clock import now_ms
from kedge.streams.console.board import Board
from kedge.streams.console.door import Door
from kedge.streams.console.outlook import Monitors, Outlook
from kedge.streams.console.reader import USUAL, Meters, Pace, Reader
from kedge.streams.console.site import Site
from kedge.streams.settings import KafkaSettings
from kedge.streams.worker.health import Answer, Request
from kedge.streams.worker.metric import as_counter, as_gauge
from kedge.streams.worker.metrics import WORKER_METRICS

__all__ = ["Console"]


class Console:
    """Answers whatever is no probe. `codec` is its own: it is used from other threads than the worker's."""

    def __init__(  # noqa: PLR0913 - what a worker has made, once
        self,
        kafka: KafkaSettings,
        monitors: Monitors,
        codec: Codec,
        door: Door,
        registry: CollectorRegistry,
        *,
        pace: Pace = USUAL,
    ) -> None:
        """Read nothing yet."""
        self._environment, self._monitors, self._codec = kafka.environment, monitors, codec
        self._board, lock = Board(codec, monitors.spec), threading.Lock()
        faults = as_counter(WORKER_METRICS["console_faults"], registry)
        meters = Meters(faults, as_gauge(WORKER_METRICS["console_heard"], registry))
        self._reader = Reader(kafka, self._board, lock, meters, pace=pace)
        self._site = Site(door, self._look, lock, faults)

    def start(self) -> None:
        """Read from now on."""
        self._reader.start()

    def stop(self) -> None:
        """Read nothing more."""
        self._reader.stop()

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        return self._site.answer(request)

    def _look(self) -> Outlook:
        return Outlook(
            environment=self._environment,
            board=self._board,
            monitors=self._monitors,
            codec=self._codec,
            reading=self._reader.reading,
            now_ms=now_ms(),
        )
