"""Our own small HTTP server, in a thread of its own: it answers whatever the event loop is doing.

`/healthz`: 200 unless the watchdog has found a fault. `/readyz`: 200 once the state is restored and counting.
`/metrics`: Prometheus.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_TEXT = "text/plain; charset=utf-8"


class Health:
    """What the probes are told. `waiting_for` None means ready."""

    def __init__(self) -> None:
        """Starting: healthy, not ready."""
        self.fault: str | None = None
        self.waiting_for: Callable[[], str | None] = lambda: "starting"

    def failed(self, reason: str) -> None:
        """From now on `/healthz` answers 503 with the reason."""
        self.fault = reason

    def answer(self, path: str, registry: CollectorRegistry) -> tuple[int, str, bytes]:
        """Status, content type and body for a GET of `path`."""
        match path.partition("?")[0]:
            case "/healthz":
                return self._probe(self.fault)
            case "/readyz":
                return self._probe(self.fault or self.waiting_for())
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
            case _:
                return 404, _TEXT, b"/healthz, /readyz or /metrics\n"

    @staticmethod
    def _probe(trouble: str | None) -> tuple[int, str, bytes]:
        return (200, _TEXT, b"ok\n") if trouble is None else (503, _TEXT, f"{trouble}\n".encode())


def serve(health: Health, registry: CollectorRegistry, host: str, port: int) -> ThreadingHTTPServer:
    """Listen, and answer from a daemon thread; `server_port` of the result is the port (0 took a free one).

    Raises:
        OSError: the address cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = health.answer(self.path, registry)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A probe every few seconds is nothing to log."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
