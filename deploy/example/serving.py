"""A serving node: it answers requests, logs every answer with `kedge.Publisher`, and later tells what came of it.

The requests are made up, about fifty a second, and the same in every run. So is the story, in seconds from the first
start: an upstream change writes distances in kilometres instead of miles, and is repaired; then version 2 is released
to three flights of ten, unless the guard has frozen the rollout. Which version these go to says the link `current`,
as it does for the guard's actuator (`kedge actuator run`): lead it elsewhere, and the traffic moves with the next
request.
"""

import json
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import flights

from kedge import Publisher

SITE = Path("/srv/kedge")
"""Shared with the actuator: `current -> versions/v1`, and `.current.frozen` while the rollout is frozen."""
MODEL = "delay"
PORT = 8000

PAUSE_S = 0.02
BROKEN_S = (60, 105)
RELEASE_S = 165
CANARY_SHARE = 0.3
LANDS_AFTER_S = 3


class Node:
    """One serving node."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.answered: Counter[str] = Counter()
        """Requests by version, since this process began."""
        self._rng = random.Random(7)
        self._name, self._asked = uuid.uuid4().hex[:8], 0
        self._flying: deque[tuple[float, str, bool]] = deque()
        began = SITE / "began"  # on the volume: a restart goes on with the story, and does not tell it again
        if not began.exists():
            began.touch()
        self._began = began.stat().st_mtime

    def step(self) -> None:
        """Answer one request, and tell what came of those that have landed."""
        now = time.time()
        age = now - self._began
        self._release_when_due(age)
        self._answer(now, in_kilometres=BROKEN_S[0] <= age < BROKEN_S[1])
        while self._flying and self._flying[0][0] <= now:
            _, request, late = self._flying.popleft()
            self.publisher.outcome(request, model=MODEL, kind="late", observed=float(late))

    def state(self) -> dict[str, object]:
        """Return where the node stands."""
        stats = self.publisher.stats()
        return {
            "current": current(),
            "frozen": frozen(),
            "answered": dict(self.answered),
            "logged": stats.logged,
            "sent": stats.sent,
            "queued": stats.queued,
        }

    def _answer(self, now: float, *, in_kilometres: bool) -> None:
        flight = flights.draw(self._rng)
        features = flight.features
        if in_kilometres:
            features["distance"] = flight.distance * 1.609344
        candidate = current() == "v2" and self._rng.random() < CANARY_SHARE
        version, role = ("v2", "CANARY") if candidate else ("v1", "PRIMARY")
        said = flights.score(version, features)
        request = f"{self._name}-{self._asked}"
        self.publisher.log(
            request,
            model=MODEL,
            version=version,
            role=role,
            features=features,
            score=said,
            label=flights.label(said),
            latency_ms=self._rng.gammavariate(4, 2),
        )
        self._asked += 1
        self.answered[version] += 1
        self._flying.append((now + LANDS_AFTER_S, request, flight.late))

    def _release_when_due(self, age: float) -> None:
        """Release version 2, once, as whoever releases models does: by leading the link to it."""
        released = SITE / "released"
        if age < RELEASE_S or released.exists() or frozen():
            return
        released.touch()
        draft = SITE / "next"
        draft.symlink_to("versions/v2")
        draft.replace(SITE / "current")


def current() -> str:
    """Return the version that the canary's share of the traffic goes to."""
    return (SITE / "current").readlink().name


def frozen() -> bool:
    """Whether a freeze stands: the file holds the Unix second until which it does, unless it is renewed."""
    try:
        return time.time() < int((SITE / ".current.frozen").read_text())
    except FileNotFoundError:
        return False


def answer_http(node: Node) -> None:
    """Say on http://…:8000/ where the node stands."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(node.state()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each probe."""

    server = ThreadingHTTPServer(("", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Serve until SIGTERM."""
    stopped = threading.Event()
    with Publisher() as publisher:  # KEDGE_BROKERS, KEDGE_ENVIRONMENT, KEDGE_REGISTRY_URL
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        node = Node(publisher)
        answer_http(node)
        while not stopped.wait(PAUSE_S):
            node.step()
    sys.stdout.write(json.dumps(node.state()) + "\n")  # all that was answered, and that all of it was sent


if __name__ == "__main__":
    main()
