"""The console's pages on a port, and a browser to look at them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright
from prometheus_client import CollectorRegistry

from kedge.streams.console.door import Door
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.site import Site
from kedge.streams.worker.health import Desk, Health, serve
from kedge.streams.worker.metric import as_counter
from kedge.streams.worker.metrics import WORKER_METRICS
from tests.support.parts import part

__all__ = ["chromium", "serving"]


@contextmanager
def serving(look: Callable[[], Outlook], door: Door | None = None) -> Iterator[str]:
    """Serve what `look` returns; yields the address."""
    registry = CollectorRegistry()
    faults = as_counter(WORKER_METRICS["console_faults"], registry)
    site = Site(door or Door(host="127.0.0.1"), look, threading.Lock(), faults)
    server = serve(Desk(Health(), registry, site), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that this machine has."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=part("chromium"), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
