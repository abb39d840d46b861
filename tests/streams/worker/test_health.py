"""The probes' answers."""

import urllib.request

from prometheus_client import CollectorRegistry, Counter

from kedge.streams.worker.health import Desk, Health, serve


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
