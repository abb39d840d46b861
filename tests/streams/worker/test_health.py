"""The probes' answers."""

import socket
import threading
import urllib.request

from prometheus_client import CollectorRegistry, Counter

from kedge.streams.worker.health import CONNECTIONS_MAX, Desk, Health, serve
from tests.support.waiting import wait_for


def told(health: Health, path: str) -> tuple[int, bytes]:
    answer = health.answer(path, CollectorRegistry())
    assert answer is not None
    return answer.status, answer.body


def test_ready_only_when_nothing_is_waited_for() -> None:
    health = Health()
    assert told(health, "/healthz")[0] == 200
    assert told(health, "/readyz") == (503, b"starting\n")
    health.waiting_for = lambda: None
    assert told(health, "/readyz?verbose") == (200, b"ok\n")


def test_a_fault_fails_both_probes() -> None:
    health = Health()
    health.waiting_for = lambda: None
    health.failed("the loop stands")
    assert told(health, "/healthz") == (503, b"the loop stands\n")
    assert told(health, "/readyz") == (503, b"the loop stands\n")


def test_it_answers_over_http() -> None:
    registry = CollectorRegistry()
    Counter("kedge_test", "A test.", registry=registry).inc()
    server = serve(Desk(Health(), registry), "127.0.0.1", 0)
    try:
        address = f"http://127.0.0.1:{server.server_port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert "kedge_test_total 1.0" in answer.read().decode()
    finally:
        server.shutdown()


def test_whoever_holds_many_connections_keeps_no_probe_out_and_costs_a_bounded_number_of_threads() -> None:
    server = serve(Desk(Health()), "127.0.0.1", 0)
    before = threading.active_count()
    held = []
    try:
        for _ in range(3 * CONNECTIONS_MAX):
            held.append(socket.create_connection(("127.0.0.1", server.server_port), timeout=10))
            held[-1].sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/healthz", timeout=10) as answer:
            assert answer.read() == b"ok\n"
        assert held[0].recv(1) == b"", "the oldest was let go"
        wait_for(lambda: threading.active_count() <= before + CONNECTIONS_MAX, "the threads of those let go")
    finally:
        for connection in held:
            connection.close()
        server.shutdown()
        server.server_close()
