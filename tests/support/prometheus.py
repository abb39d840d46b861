"""A real Prometheus and a real Alertmanager with the files of deploy/, made quick: they live as long as a block.

Here alone is what differs from production: addresses, and durations that are waited for. Expressions stay as they are.
"""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.kafka import free_port
from tests.support.parts import part
from tests.support.processes import spawn, tail, terminate
from tests.support.repository import ROOT
from tests.support.waiting import wait_for

__all__ = ["RULES", "Server", "Webhook", "alertmanager", "prometheus", "webhook"]

PROMETHEUS: Final = ROOT / "deploy/prometheus/prometheus.yml"
RULES: Final = tuple(sorted((ROOT / "deploy/prometheus/rules").glob("*.yml")))
ALERTMANAGER: Final = ROOT / "deploy/alertmanager/alertmanager.yml"

_QUICK_RULE: Final = {"for": "1s", "keep_firing_for": "1s"}
_QUICK_ROUTE: Final = {"group_wait": "0s", "group_interval": "1s"}
_QUICK_GLOBAL: Final = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}


@dataclass(frozen=True)
class Server:
    """One that answers on this machine."""

    url: str

    def get(self, path: str, **query: str) -> Any:
        """The JSON that it answers with."""
        address = f"{self.url}{path}?{urllib.parse.urlencode(query)}" if query else f"{self.url}{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - its own address
            return json.load(answer)

    def post(self, path: str, body: object) -> None:
        """Send JSON."""
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - its own address
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - the same
            pass

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus finds now; an expression that it refuses is an `HTTPError`."""
        found: list[dict[str, Any]] = self.get("/api/v1/query", query=expression)["data"]["result"]
        return found

    def seen(self, expression: str, past_s: float) -> bool:
        """Whether Prometheus finds a number at any second of the past; NaN is none."""
        now = time.time()
        span = {"start": str(now - past_s), "end": str(now), "step": "1"}
        found = self.get("/api/v1/query_range", query=expression, **span)["data"]["result"]
        return any(value != "NaN" for series in found for _, value in series["values"])


@dataclass
class Webhook:
    """What Alertmanager has sent: notifications, in order."""

    url: str
    notifications: list[dict[str, Any]] = field(default_factory=list)

    def pages(self, name: str, status: str) -> list[dict[str, Any]]:
        """The alerts of a name that came with a status, firing or resolved."""
        alerts = (alert for notification in list(self.notifications) for alert in notification["alerts"])
        return [a for a in alerts if (a["labels"]["alertname"], a["status"]) == (name, status)]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listen for notifications within the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.notifications.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A page is no line of the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taken = Webhook(f"http://127.0.0.1:{server.server_port}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def alertmanager(folder: Path, told: Webhook) -> Iterator[Server]:
    """Run it within the block; all its receivers are `told`."""
    config = yaml.safe_load(ALERTMANAGER.read_text())
    for route in (config["route"], *config["route"]["routes"]):
        route.update(_QUICK_ROUTE)
    for receiver in config["receivers"]:
        for hook in receiver.get("webhook_configs", ()):
            hook["url"] = told.url
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    # No peers: a cluster of one would wait for others before it tells anybody.
    options = [f"--config.file={file}", f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]
    with _running("prometheus-alertmanager", options, folder) as server:
        yield server


@contextmanager
def prometheus(folder: Path, workers: Sequence[str], alerting: Server | None = None) -> Iterator[Server]:
    """Run it within the block; it scrapes `workers` (host:port) each second, and alerts if told whom."""
    config = yaml.safe_load(PROMETHEUS.read_text())
    config["global"].update(_QUICK_GLOBAL)
    [job] = config["scrape_configs"]
    job["static_configs"][0]["targets"] = list(workers)
    managers = [] if alerting is None else [{"static_configs": [{"targets": [alerting.url.removeprefix("http://")]}]}]
    config["alerting"]["alertmanagers"] = managers
    config["rule_files"] = [str(_quick_rules(path, folder)) for path in RULES]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    options = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'prometheus'}"]
    with _running("prometheus", options, folder) as server:
        yield server


def _quick_rules(path: Path, folder: Path) -> Path:
    content = yaml.safe_load(path.read_text())
    for group in content["groups"]:
        for rule in group["rules"]:
            rule.update({name: value for name, value in _QUICK_RULE.items() if name in rule})
    quick = folder / f"quick-{path.name}"
    quick.write_text(yaml.safe_dump(content))
    return quick


@contextmanager
def _running(program: str, options: Sequence[str], folder: Path) -> Iterator[Server]:
    port = free_port()
    log = folder / f"{program}.log"
    process = spawn([part(program), *options, f"--web.listen-address=127.0.0.1:{port}"], log=log)
    server = Server(f"http://127.0.0.1:{port}")

    def ready() -> bool:
        assert process.poll() is None, tail(log)
        try:
            with urllib.request.urlopen(f"{server.url}/-/ready", timeout=1):  # noqa: S310 - its own address
                return True
        except OSError:
            return False

    try:
        wait_for(ready, f"{program} (its log: {log})")
        yield server
    finally:
        terminate(process)
