"""The probes' answers."""

import urllib.request

from prometheus_client import CollectorRegistry, Counter

from kedge.streams.worker.health import Health, serve


def test_ready_only_when_nothing_is_waited_for() -> None:
    health, registry = Health(), CollectorRegistry()
    assert health.answer("/healthz", registry)[0] == 200
    assert health.answer("/readyz", registry)[::2] == (503, b"starting\n")
    health.waiting_for = lambda: None
    assert health.answer("/readyz?verbose", registry)[::2] == (200, b"ok\n")


def test_a_fault_fails_both_probes() -> None:
    health, registry = Health(), CollectorRegistry()
    health.waiting_for = lambda: None
    health.failed("the loop stands")
    assert health.answer("/healthz", registry)[::2] == (503, b"the loop stands\n")
    assert health.answer("/readyz", registry)[::2] == (503, b"the loop stands\n")


def test_it_answers_over_http() -> None:
    registry = CollectorRegistry()
    Counter("kedge_test", "A test.", registry=registry).inc()
    server = serve(Health(), registry, "127.0.0.1", 0)
    try:
        address = f"http://127.0.0.1:{server.server_port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert "kedge_test_total 1.0" in answer.read().decode()
    finally:
        server.shutdown()
