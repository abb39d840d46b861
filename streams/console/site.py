"""From a request to an answer: which page, who may see it, and the headers that keep a browser from doing more.

Only GET and HEAD, and POST of the token. Whatever goes wrong here is said on the page and counted, and stays here.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from prometheus_client import Counter

from kedge.streams.clock import now_ms
from kedge.streams.console.door import COOKIE, SESSION_MS, Door
from kedge.streams.console.fleet import fleet_of
from kedge.streams.console.kept import Kept
from kedge.streams.console.model_page import model_page
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.pages import HERE, Pages
from kedge.streams.events import CONSOLE_FAULT
from kedge.streams.worker.exits import LOG
from kedge.streams.worker.health import Answer, Request

__all__ = ["HEADERS", "Site"]

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTML: Final = "text/html; charset=utf-8"
_STATIC: Final[Mapping[str, str]] = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_MODELS: Final = "/models/"
_BACK: Final = re.compile(r"/models/[\w.~%!$&'()*+,;=:@-]+(\?[\w.~%!$&'()*+,;=:@/-]*)?", re.ASCII)
"""A path of one model's page; nothing by which a browser finds its way to another host."""
_BACK_MAX: Final = 1_000
PAGES_MAX: Final = 32
"""Pages that are waited for at once: each holds a thread, and they are made one after the other."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A path, what was asked of it, and when."""

    path: str
    query: Mapping[str, list[str]]


class _NotUnderstoodError(Exception):
    """What is asked for cannot be taken apart."""


class Site:
    """The console's answers. `look`: what is known now; the lock keeps it still while a page is made.

    Whoever is let in may see all, so that all see the same pages.
    """

    def __init__(self, door: Door, look: Callable[[], Outlook], lock: threading.Lock, faults: Counter) -> None:
        """Read what is served as it is."""
        self._door, self._look, self._lock, self._faults = door, look, lock, faults
        self._waiting = threading.BoundedSemaphore(PAGES_MAX)
        self._pages, self._kept = Pages(), Kept()
        self._static = {name: (HERE / "static" / name).read_bytes() for name in _STATIC}

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        try:
            found = self._answer(request)
        except _NotUnderstoodError:  # whoever asks so must not fill the log
            found = self._message(400, "Not understood", "This address or form is none of the console's.")
        except Exception as error:  # noqa: BLE001 - it is a window: its faults must not reach what is seen through it
            CONSOLE_FAULT.tell(LOG, "the console could not make a page", error, part="page")
            self._faults.labels("page").inc()
            found = self._message(500, "This page could not be made", "The worker's log says why. Counting goes on.")
        return replace(found, headers={**HEADERS, **found.headers})

    def _answer(self, request: Request) -> Answer:
        asked_ms, url = now_ms(), _split(request.path)
        if request.method == "POST":
            return self._login(request, url.path, asked_ms)
        if request.method not in ("GET", "HEAD"):
            return replace(
                self._message(405, "Only to be read", "The console changes nothing."), headers={"Allow": "GET, HEAD"}
            )
        name = url.path.removeprefix("/static/")
        if name != url.path and name in self._static:
            return Answer(200, _STATIC[name], self._static[name])
        refusal = self._door.refusal(request.headers, asked_ms)
        if refusal is not None:
            back = _back(request.path) if refusal.login else ""
            return self._message(refusal.status, "Not shown", refusal.words, back)
        if not self._waiting.acquire(blocking=False):
            return self._message(503, "Too many look at once", "Ask again in a moment.")
        try:
            return self._shown(_Page(url.path, _fields(url.query)))
        finally:
            self._waiting.release()

    def _shown(self, asked: _Page) -> Answer:
        model = unquote(asked.path.removeprefix(_MODELS))
        with self._lock:
            outlook = self._look()
            if asked.path == "/":
                fleet = self._kept.page(outlook, None, lambda: self._pages.fleet(outlook, fleet_of(outlook)))
                return Answer(200, _HTML, fleet)
            if asked.path.startswith(_MODELS) and outlook.knows(model):
                version, role = (asked.query.get(name, [""])[0] for name in ("version", "role"))
                stream = (version, role) if role else None
                page = self._kept.page(
                    outlook,
                    (model, stream),
                    lambda: self._pages.model(outlook, model_page(outlook, model, stream)),
                )
                return Answer(200, _HTML, page)
        return self._message(404, "Nothing is known of that", "No model of that name is monitored or reported.")

    def _login(self, request: Request, path: str, now_ms: int) -> Answer:
        if path != "/login":
            return self._message(405, "Only to be read", "The console changes nothing.")
        given = _fields(request.body.decode("ascii", "replace"))
        offered, back = given.get("token", [""])[0], _back(given.get("back", [""])[0])
        session = self._door.session(offered, now_ms)
        if session is None:
            return self._message(401, "Not the token", "That is not this console's token.", back)
        cookie = f"{COOKIE}={session}; Path=/; Max-Age={SESSION_MS // 1_000}; HttpOnly; SameSite=Strict"
        return Answer(303, _HTML, b"", {"Set-Cookie": cookie, "Location": back})

    def _message(self, status: int, title: str, words: str, back: str = "") -> Answer:
        """Say one thing; `back`: the page that the token leads to, where it is asked for."""
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - HTTP's
        return Answer(status, _HTML, self._pages.message(title, words, back), challenge)


def _back(path: str) -> str:
    """Return the page of this console that was asked for; the first page for whatever else is said to be one."""
    return path if len(path) <= _BACK_MAX and _BACK.fullmatch(path) else "/"


def _split(path: str) -> SplitResult:
    try:
        return urlsplit(path)
    except ValueError:
        raise _NotUnderstoodError from None


def _fields(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, max_num_fields=10)
    except ValueError:
        raise _NotUnderstoodError from None
