"""Our own small HTTP server, in threads of its own: it answers whatever the event loop is doing.

`/healthz`: 200 unless the watchdog has found a fault. `/readyz`: 200 once the state is restored and counting.
`/metrics`: Prometheus. Everything else is for `Pages`, where there are any.
"""

import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from kedge.streams.worker.signals import leave_signals_to_main

_TEXT = "text/plain; charset=utf-8"

_BODY_MAX = 4_096
"""Nobody has more to say to a page that is only to be read."""

_IDLE_S = 30.0
"""A client that is silent for so long is let go: each holds a thread."""

CONNECTIONS_MAX = 64
"""For one more, the oldest is let go. So whoever holds many, or sends in drops, never keeps a probe out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a browser asks; the names of `headers` are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What it is told."""

    status: int
    kind: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Pages(Protocol):
    """Whoever answers what is no probe."""

    def answer(self, request: Request) -> Answer:
        """Return the answer; never raises. It is called from several threads."""


class Health:
    """What the probes are told. `waiting_for` None means ready."""

    def __init__(self) -> None:
        """Starting: healthy, not ready."""
        self.fault: str | None = None
        self.waiting_for: Callable[[], str | None] = lambda: "starting"

    def failed(self, reason: str) -> None:
        """From now on `/healthz` answers 503 with the reason."""
        self.fault = reason

    def answer(self, path: str, registry: CollectorRegistry) -> Answer | None:
        """The answer to a probe of `path`; None: it is none."""
        match path.partition("?")[0]:
            case "/healthz":
                return self._probe(self.fault)
            case "/readyz":
                return self._probe(self.fault or self.waiting_for())
            case "/metrics":
                return Answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            case _:
                return None

    @staticmethod
    def _probe(trouble: str | None) -> Answer:
        return Answer(200, _TEXT, b"ok\n") if trouble is None else Answer(503, _TEXT, f"{trouble}\n".encode())


class ProbesOnly:
    """Pages where there are none."""

    def answer(self, request: Request) -> Answer:  # noqa: ARG002 - whatever is asked
        """Name what there is."""
        return Answer(404, _TEXT, b"/healthz, /readyz or /metrics\n")


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers what."""

    health: Health = field(default_factory=Health)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    pages: Pages = field(default_factory=ProbesOnly)


class _Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own, of a few at most."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        """Listen."""
        self._open: OrderedDict[int, socket.socket] = OrderedDict()
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Let the oldest go where there are too many, and answer this one."""
        with self._lock:
            self._open[id(request)] = request
            oldest = self._open.popitem(last=False)[1] if len(self._open) > CONNECTIONS_MAX else None
        if oldest is not None:
            with suppress(OSError):  # it may just have gone by itself
                oldest.shutdown(socket.SHUT_RDWR)  # its thread wakes up and closes it
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's signature
        """Forget a connection that is over, and close it."""
        with self._lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A client that went away in the middle is nothing to log."""


def serve(desk: Desk, host: str, port: int) -> ThreadingHTTPServer:
    """Listen, and answer from daemon threads; `server_port` of the result is the port (0 took a free one).

    Raises:
        OSError: the address cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_S
        server_version = "kedge"
        sys_version = ""

        def do_GET(self) -> None:
            probed = desk.health.answer(self.path, desk.registry) if self.command in ("GET", "HEAD") else None
            self._send(probed or self._paged())

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

        def _paged(self) -> Answer:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > _BODY_MAX:
                return Answer(413, _TEXT, b"too much is sent\n")
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            return desk.pages.answer(Request(method=self.command, path=self.path, headers=headers, body=body))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """A probe every few seconds is nothing to log."""

    server = _Server((host, port), Handler)

    def run() -> None:
        leave_signals_to_main()
        server.serve_forever()

    threading.Thread(target=run, name="health", daemon=True).start()
    return server
