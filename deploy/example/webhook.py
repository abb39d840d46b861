"""Stands in for whatever wakes people: takes Alertmanager's webhook, prints each page, and lists them on GET /."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 5001
PAGES: list[dict[str, object]] = []
"""The newest hundred."""


class Handler(BaseHTTPRequestHandler):
    """POST takes what Alertmanager sends, GET lists what came."""

    def do_POST(self) -> None:
        """Take a notification: alerts of one group."""
        notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in notification["alerts"]:
            page = {"status": alert["status"], **alert["labels"], **alert["annotations"]}
            PAGES.append(page)
            sys.stdout.write(json.dumps(page) + "\n")
        sys.stdout.flush()
        del PAGES[:-100]
        self._say(b"")

    def do_GET(self) -> None:
        """List the pages."""
        self._say(json.dumps(PAGES).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing of each probe."""

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
