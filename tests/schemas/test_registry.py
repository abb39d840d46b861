"""The registry client, against a real HTTP server that answers as Confluent's does."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.contracts import text_of
from kedge.schemas.errors import NotRegisteredError, Reason, RegistryUnavailableError, UndecodableError
from kedge.schemas.records import Monitor
from kedge.schemas.registry import ConfluentRegistry
from kedge.schemas.registry_http import RegistryHttp
from tests.schemas.samples import SAMPLES

MONITOR = SAMPLES["Monitor"]


class Server(ThreadingHTTPServer):
    """Schemas by id, and every request that came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.schemas: dict[int, str] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.failures: list[int] = []
        self.answer: bytes | None = None
        self.elsewhere = ""
        self.drops = False
        self.pause = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        schema = self.server.schemas.get(int(self.path.rsplit("/", 1)[1]))
        if schema is None:
            self.reply(404, {"error_code": 40403, "message": "Schema not found"})
        else:
            self.reply(200, {"schema": schema})

    def do_POST(self) -> None:
        schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
        known = {text: number for number, text in self.server.schemas.items()}
        if schema in known:
            self.reply(200, {"id": known[schema]})
        else:
            self.reply(404, {"error_code": 40403, "message": "Schema not found"})

    def reply(self, status: int, body: Any) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        self.server.headers.append(dict(self.headers))
        text = json.dumps(body).encode() if self.server.answer is None else self.server.answer
        self.send_response(self.server.failures.pop(0) if self.server.failures else status)
        self.send_header("Content-Length", str(len(text)))
        if self.server.elsewhere:
            self.send_header("Location", self.server.elsewhere + self.path)
        self.end_headers()
        with suppress(ConnectionError):  # whoever asked may have gone
            for drop in [text[i : i + 1] for i in range(len(text))] if self.server.drops else [text]:
                self.wfile.write(drop)
                self.wfile.flush()
                self.server.pause.wait(0.01 * self.server.drops)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep the test's output clean."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(name="server")
def _server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Clock:
    """A clock that the test moves, and pauses that only it notes."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def client(server: Server, clock: Clock) -> ConfluentRegistry:
    return at(server.url, clock)


def at(url: str, clock: Clock) -> ConfluentRegistry:
    return ConfluentRegistry(RegistryHttp(url, sleep=clock.pauses.append), clock=clock)


def test_a_message_goes_round_through_a_registry(server: Server) -> None:
    clock = Clock()
    server.schemas[1] = text_of("Monitor")
    writer = Codec(client(server, clock))
    first, second = writer.encode(MONITOR), writer.encode(MONITOR)
    assert first == second
    assert server.requests == ["POST /subjects/kedge.Monitor"]
    assert writer.decode(first, Monitor) == MONITOR
    assert len(server.requests) == 1, "what is written can be read unasked"
    reader = Codec(client(server, clock))
    assert reader.decode(first, Monitor) == MONITOR
    assert reader.decode(first, Monitor) == MONITOR
    assert server.requests[1:] == ["GET /schemas/ids/1"]


def test_an_unknown_id_is_asked_for_once_in_a_while(server: Server) -> None:
    clock = Clock()
    registry = client(server, clock)
    for _ in range(50):
        with pytest.raises(UndecodableError) as caught:
            registry.schema(7)
        assert caught.value.reason is Reason.UNKNOWN_SCHEMA
    assert len(server.requests) == 1
    server.schemas[7] = text_of("Monitor")
    clock.now += 59.9
    with pytest.raises(UndecodableError):
        registry.schema(7)
    clock.now += 0.2
    assert registry.schema(7) == text_of("Monitor")


def test_a_flood_of_different_unknown_ids_does_not_reach_the_registry(server: Server) -> None:
    clock = Clock()
    registry = client(server, clock)
    server.schemas[3] = text_of("Monitor")
    registry.schema(3)
    for number in range(1_000, 3_000):
        with pytest.raises(UndecodableError):
            registry.schema(number)
    assert len(server.requests) == 501
    assert registry.schema(3) == text_of("Monitor")
    clock.now += 61
    with pytest.raises(UndecodableError, match="has no schema"):
        registry.schema(2_999)


def test_a_failing_registry_is_asked_again_and_then_complained_of(server: Server) -> None:
    clock = Clock()
    server.schemas[3] = text_of("Monitor")
    server.failures = [500, 429]
    assert client(server, clock).schema(3) == text_of("Monitor")
    assert clock.pauses == [0.2, 0.4]
    server.failures = [503] * 3
    with pytest.raises(RegistryUnavailableError, match="status 503"):
        client(server, clock).schema(3)


def test_a_registry_that_is_away_is_nobodys_bytes() -> None:
    clock = Clock()
    with serving() as server:
        url = server.url
    with pytest.raises(RegistryUnavailableError, match="does not answer"):
        at(url, clock).schema(3)
    assert len(clock.pauses) == 2


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[1]", b'{"schema": 7}', b'{"id": "x"}', b"[" * 100_000, b"\xff"])
def test_an_answer_that_is_none_is_the_registrys_fault(server: Server, answer: bytes) -> None:
    server.answer = answer
    server.schemas[3] = ""
    registry = client(server, Clock())
    with pytest.raises(RegistryUnavailableError):
        registry.schema(3)
    with pytest.raises(RegistryUnavailableError):
        registry.schema_id("kedge.Monitor", "{}")


def test_a_schema_that_is_not_registered_is_said_and_asked_for_again(server: Server) -> None:
    registry = client(server, Clock())
    for _ in range(2):
        with pytest.raises(NotRegisteredError, match=r"kedge\.Monitor .* run `kedge schemas publish`"):
            registry.schema_id("kedge.Monitor", text_of("Monitor"))
    server.schemas[4] = text_of("Monitor")
    assert registry.schema_id("kedge.Monitor", text_of("Monitor")) == 4
    assert {request.partition(" ")[0] for request in server.requests} == {"POST"}
    assert set(server.requests) == {"POST /subjects/kedge.Monitor"}, "nothing was registered"


def test_not_found_of_something_in_between_is_no_unknown_id(server: Server) -> None:
    """A proxy whose registry is away says 404 too: what it hides may be perfectly good."""
    server.answer = b"<html>no such backend</html>"
    registry = client(server, Clock())
    with pytest.raises(RegistryUnavailableError, match="did not give schema 7: status 404"):
        registry.schema(7)
    with pytest.raises(RegistryUnavailableError, match=r"did not give the id of kedge\.Monitor: status 404") as caught:
        registry.schema_id("kedge.Monitor", text_of("Monitor"))
    assert not isinstance(caught.value, NotRegisteredError)


def test_an_answer_in_drops_is_not_waited_for(server: Server) -> None:
    server.schemas[3] = text_of("Monitor")
    server.drops = True
    with pytest.raises(RegistryUnavailableError, match="does not answer: TimeoutError"):
        ConfluentRegistry(RegistryHttp(server.url, timeout_s=0.05, sleep=lambda _: None)).schema(3)


def test_an_error_in_drops_is_not_waited_for(server: Server) -> None:
    server.drops, server.failures, server.answer = True, [404], b'{"error_code": 40403}' + b" " * 200
    with pytest.raises(RegistryUnavailableError, match="does not answer: TimeoutError"):
        RegistryHttp(server.url, timeout_s=0.4, attempts=1).ask("GET", "/schemas/ids/3")


def test_an_id_that_no_registry_can_have_is_the_senders_fault_and_asked_of_nobody(server: Server) -> None:
    """A registry takes it for a path that it does not have: whoever waited for an answer would wait for ever."""
    server.answer = b'{"error_code": 404, "message": "HTTP 404 Not Found"}'
    codec = Codec(client(server, Clock()))
    message = b"\0\xff\xff\xff\xff\0"
    codec.learn(message)
    with pytest.raises(UndecodableError) as caught:
        codec.decode(message, Monitor)
    assert caught.value.reason is Reason.UNKNOWN_SCHEMA
    assert server.requests == []


def test_the_longest_schema_that_a_registry_holds_is_refused_and_not_waited_for(server: Server) -> None:
    """Of another team, under an id that a sender took by mistake. In an answer, quotes are twice as long."""
    symbols = [f"symbol_{number}" for number in range(50_000)]
    server.schemas[3] = json.dumps({"type": "enum", "name": "Theirs", "symbols": symbols, "doc": '"' * 60_000})
    assert len(server.schemas[3]) < 1_048_576 < len(json.dumps(server.schemas[3]))
    with pytest.raises(UndecodableError) as caught:
        Codec(client(server, Clock())).decode(b"\0\0\0\0\3\0", Monitor)
    assert caught.value.reason is Reason.REFUSED_SCHEMA


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_because_the_password_would_go_with_it(server: Server, status: int) -> None:
    with serving() as stranger:
        server.elsewhere, server.failures = stranger.url, [status, status]
        stranger.schemas[3] = server.schemas[3] = text_of("Monitor")
        registry = ConfluentRegistry(RegistryHttp(server.url, credentials=("ann", "s@cret"), attempts=1))
        with pytest.raises(RegistryUnavailableError, match=f"status {status} .redirects are not followed"):
            registry.schema(3)
        with pytest.raises(RegistryUnavailableError, match=f"status {status} .redirects are not followed"):
            registry.schema_id("kedge.Monitor", text_of("Monitor"))
        assert stranger.requests == []


def test_user_and_password_are_sent_and_never_said(server: Server) -> None:
    http = RegistryHttp(server.url, credentials=("ann", "s@cret"), sleep=lambda _: None)
    registry = ConfluentRegistry(http)
    server.failures = [401]
    with pytest.raises(RegistryUnavailableError) as caught:
        registry.schema(3)
    assert server.headers[0]["Authorization"] == f"Basic {base64.b64encode(b'ann:s@cret').decode()}"
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "registry:8081", "file:///etc/passwd", "http://", "//ann:s%40cret@registry"])
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address") as refused:
        RegistryHttp(f"http:{url}" if "@" in url else url)
    assert "cret" not in str(refused.value)
