"""Requests and answers: headers, methods, the token, hostile names, and faults that stay inside."""

import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import quote, urlencode

import pytest
from prometheus_client import CollectorRegistry

from kedge.streams.console.door import Door
from kedge.streams.console.outlook import Outlook
from kedge.streams.console.site import HEADERS, PAGES_MAX, Site
from kedge.streams.worker.health import Request
from kedge.streams.worker.metric import as_counter
from kedge.streams.worker.metrics import WORKER_METRICS
from tests.streams.console.served import serving
from tests.streams.console.shown import PAIRED, Shelf

TOKEN = "correct-horse-battery"  # noqa: S105 - made up
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}/../%00\u202e"


@dataclass
class Told:
    status: int
    headers: dict[str, str]
    text: str


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Told:
    """What a client is told, redirections not followed."""

    class Still(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own server
    try:
        with urllib.request.build_opener(Still).open(request, timeout=20) as answer:
            return Told(answer.status, dict(answer.headers), answer.read().decode())
    except urllib.error.HTTPError as error:
        return Told(error.code, dict(error.headers), error.read().decode())


def shelf() -> Shelf:
    made = Shelf()
    made.watch("delay")
    made.now = 1_700_000_000_000
    return made


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(shelf().outlook) as url:
        yield url


@pytest.mark.parametrize("path", ["/", "/models/delay", "/models/nobody", "/static/console.css", "/login"])
def test_every_answer_has_the_headers_that_keep_a_browser_in(address: str, path: str) -> None:
    told = ask(address + path)
    assert {name: told.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert told.headers["Server"].strip() == "kedge"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(address: str, method: str) -> None:
    assert ask(f"{address}/models/delay", method, b"{}").status == 405
    assert ask(f"{address}/healthz", method, b"{}").status == 405


def test_a_head_has_the_headers_and_no_body(address: str) -> None:
    told = ask(f"{address}/", "HEAD")
    assert (told.status, told.text) == (200, "")
    assert int(told.headers["Content-Length"]) > 1_000


def test_too_long_a_body_is_not_read(address: str) -> None:
    assert ask(f"{address}/login", "POST", b"token=" + b"a" * 5_000).status == 413


def test_another_name_than_loopback_s_is_shown_nothing_and_probes_stay_open(address: str) -> None:
    assert ask(f"{address}/", Host="evil.example").status == 421
    assert ask(f"{address}/models/delay", Host="evil.example").status == 421
    assert ask(f"{address}/healthz", Host="evil.example").status == 200
    assert ask(f"{address}/metrics", Host="evil.example").status == 200


def test_a_token_is_asked_for_by_form_and_by_header_and_probes_do_without() -> None:
    with serving(shelf().outlook, Door(host="0.0.0.0", token=TOKEN)) as url:  # noqa: S104 - a name only
        closed = ask(f"{url}/models/delay")
        assert (closed.status, closed.headers["WWW-Authenticate"]) == (401, "Bearer")
        unknown = ask(f"{url}/models/nobody")
        assert closed.text.replace("delay", "nobody") == unknown.text, "whether there is such a model is not told"
        assert 'type="password"' in closed.text
        assert ask(f"{url}/metrics").status == ask(f"{url}/healthz").status == 200
        assert ask(f"{url}/", Authorization=f"Bearer {TOKEN}").status == 200
        assert ask(f"{url}/login", "POST", b"token=wrong").status == 401
        opened = ask(f"{url}/login", "POST", f"token={TOKEN}".encode())
        assert (opened.status, opened.headers["Location"]) == (303, "/")
        cookie = opened.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert TOKEN not in cookie
        assert ask(f"{url}/", Cookie=cookie.partition(";")[0]).status == 200


@pytest.mark.parametrize("page", ["/models/delay", "/models/a%2Fb%20c?version=v%2B1&role=CANARY", "/"])
def test_the_token_leads_to_the_page_that_was_asked_for(page: str) -> None:
    with serving(shelf().outlook, Door(host="0.0.0.0", token=TOKEN)) as url:  # noqa: S104 - a name only
        kept = re.search(r'name="back" value="([^"]*)"', ask(url + page).text)
        assert kept is not None
        again = ask(f"{url}/login", "POST", urlencode({"back": unescape(kept[1]), "token": "wrong"}).encode())
        kept = re.search(r'name="back" value="([^"]*)"', again.text)
        assert kept is not None
        opened = ask(f"{url}/login", "POST", urlencode({"back": unescape(kept[1]), "token": TOKEN}).encode())
        assert (opened.status, opened.headers["Location"]) == (303, page)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/models/delay",
        "/\\evil.example",
        "/models/\\evil.example",
        "/models/../../evil",
        "javascript:alert(1)",
        "/models/a\r\nSet-Cookie: a=b",
        "/models/a\n",
        "/models/" + "a" * 1_000,
        "/login",
        "models/delay",
    ],
)
def test_the_token_leads_to_no_other_site(elsewhere: str) -> None:
    with serving(shelf().outlook, Door(host="0.0.0.0", token=TOKEN)) as url:  # noqa: S104 - a name only
        opened = ask(f"{url}/login", "POST", urlencode({"back": elsewhere, "token": TOKEN}).encode())
    assert (opened.status, opened.headers["Location"]) == (303, "/")
    assert "evil" not in str(opened.headers)


def test_a_fault_in_a_page_is_said_counted_and_goes_no_further() -> None:
    def broken() -> Outlook:
        raise ZeroDivisionError("of ours")

    with serving(broken) as url:
        told = ask(f"{url}/")
        assert told.status == 500
        assert "This page could not be made" in told.text
        assert "of ours" not in told.text
        assert told.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
        assert 'kedge_console_faults_total{part="page"} 1.0' in ask(f"{url}/metrics").text
        assert ask(f"{url}/healthz").status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "http://[/", b""),
        ("GET", f"/?{'a=1&' * 11}", b""),
        ("POST", "/login", b"a=1&" * 11),
        ("POST", "http://[/login", b""),
    ],
)
def test_what_cannot_be_understood_is_the_asker_s_fault_and_fills_no_log(
    caplog: pytest.LogCaptureFixture, method: str, path: str, body: bytes
) -> None:
    with serving(shelf().outlook) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"nosniff" in answer
    assert caplog.text == ""


def test_whoever_asks_for_many_pages_at_once_gets_some_and_holds_a_bounded_number_of_threads() -> None:
    made = shelf()
    lock, faults = threading.Lock(), as_counter(WORKER_METRICS["console_faults"], CollectorRegistry())
    site = Site(Door(host="127.0.0.1"), made.outlook, lock, faults)
    asked = Request(method="GET", path="/", headers={"host": "localhost"})
    with ThreadPoolExecutor(PAGES_MAX + 1) as pool:
        with lock:  # as the reader does while it takes records in
            answers = [pool.submit(site.answer, asked) for _ in range(PAGES_MAX + 1)]
            refused = next(as_completed(answers, timeout=20)).result()
        statuses = sorted(answer.result(timeout=20).status for answer in answers)
    assert refused.status == 503
    assert statuses == [200] * PAGES_MAX + [503]
    assert site.answer(asked).status == 200


def test_names_of_senders_are_text_wherever_they_stand() -> None:
    made = Shelf()
    made.add(HOSTILE, "drifted", version=HOSTILE, summary=HOSTILE, actuator_id=HOSTILE, reason=HOSTILE)
    with serving(made.outlook) as url:
        fleet = ask(f"{url}/")
        path = re.search(r'href="(/models/[^"]+)"', fleet.text)
        assert path is not None
        pages = [fleet, ask(url + path[1]), ask(f"{url}/models/{quote(HOSTILE, safe='')}?role=<b>")]
    for page in pages:
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "49" not in re.findall(r"alert\(2\).{0,60}", page.text)
        assert escape(HOSTILE, quote=False).partition("&gt;")[0] in page.text
        assert not re.findall(r"<[^>]*\son\w+=", page.text)
        assert not re.findall(r"\sstyle=", page.text)


def test_who_must_resume_is_told_how_and_a_freeze_leads_nowhere() -> None:
    made = Shelf()
    made.add("delay", "frozen")
    with serving(made.outlook) as url:
        text = ask(f"{url}/models/delay").text
    assert "<dt>Rollout</dt><dd>frozen until a person resumes it" in text
    assert "kedge override force delay --action RESUME_ROLLOUT --reason TEXT" in text
    assert "docs/runbooks/resume_rollout.md" in text
    targets = re.findall(r"</th><td>(FREEZE_ROLLOUT|ROUTE_TO_SAFE_PATH)</td><td>([^<]*)</td>", text)
    assert set(targets) == {("FREEZE_ROLLOUT", "–"), ("ROUTE_TO_SAFE_PATH", "v1")}


def test_what_needs_a_person_leads_to_the_runbook() -> None:
    made = Shelf()
    made.add("delay", "drifted", more=f"{PAIRED}runbook_url: 'https://runbooks.example.com/delay'\n")
    with serving(made.outlook) as url:
        text = ask(f"{url}/models/delay").text
    assert "docs/runbooks/drift.md" in text
    assert '<a href="https://runbooks.example.com/delay" rel="noreferrer noopener">' in text
