"""The webhook, against a real server on this machine."""

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kedge.schemas.records import Action
from kedge.schemas.report_json import iso_time
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, RouterError
from kedge.streams.actuator.webhook import Pace, WebhookRouter
from kedge.streams.settings import SettingsError
from tests.streams.actuator.made import Given, command, told

SECRET = b"shared"


class Receiver(ThreadingHTTPServer):
    """A router with a generation; answers first what `answers` says, one status a request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version, self.generation, self.frozen = "v2", 1, False
        self.answers: list[int] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.effects: list[str] = []
        self.tells = True
        self.body: bytes | None = None
        self.url = f"http://127.0.0.1:{self.server_port}/route"

    def state(self) -> bytes:
        return json.dumps(
            {"version": self.version, "generation": f'"{self.generation}"', "standby": ["v1"], "frozen": self.frozen}
        ).encode()

    def obey(self, asked: dict[str, Any], condition: str | None) -> int:
        """Compare and switch."""
        if condition is not None and condition != f'"{self.generation}"':
            return 412
        self.effects.append(asked["action"] + " " + asked["target_version"])
        if asked["action"] == Action.ROUTE_TO_SAFE_PATH:
            self.version, self.generation = asked["target_version"], self.generation + 1
        self.frozen = asked["action"] == Action.FREEZE_ROLLOUT
        return 200

    @property
    def posts(self) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for method, headers, body in self.asked if method == "POST"]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_GET(self) -> None:
        self._answered("GET", lambda _: 200 if self.server.tells else 405)

    def do_POST(self) -> None:
        self._answered("POST", lambda body: self.server.obey(json.loads(body), self.headers.get("If-Match")))

    def _answered(self, method: str, made: Any) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((method, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else made(body)
        self.send_response(status)
        if status in {301, 302, 307, 308}:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        if status == 200:
            self.wfile.write(self.server.state() if self.server.body is None else self.server.body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Clock:
    """Time that passes only by pauses."""

    def __init__(self) -> None:
        self.now_s, self.pauses = 0.0, []  # type: tuple[float, list[float]]

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def router(receiver: Receiver, clock: Clock) -> WebhookRouter:
    pace = Pace(random=lambda: 0.5, sleep=clock.sleep, monotonic=lambda: clock.now_s)
    return WebhookRouter(receiver.url, SECRET, pace)


def test_it_says_where_the_router_stands(router: WebhookRouter) -> None:
    assert router.observe() == Observed(version="v2", generation='"1"', standby=("v1",), frozen=False)


def test_a_switch_carries_the_command_its_id_and_its_condition(router: WebhookRouter, receiver: Receiver) -> None:
    asked = command()
    after = router.switch(asked, '"1"')
    assert (after.version, after.generation) == ("v1", '"2"')
    [(headers, body)] = receiver.posts
    assert (headers["Idempotency-Key"], headers["If-Match"]) == (asked.command_id, '"1"')
    sent = json.loads(body)
    assert (sent["command_id"], sent["action"], sent["from_version"]) == (asked.command_id, "ROUTE_TO_SAFE_PATH", "v2")
    assert (sent["drill"], sent["signature"]) == (False, asked.signature.hex())


def test_every_request_is_signed_by_the_shared_secret(router: WebhookRouter, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    router.observe()
    router.switch(command(), '"1"')
    for _, headers, body in receiver.asked:
        signed = headers["Kedge-Timestamp"].encode() + b"." + body
        assert headers["Kedge-Signature"] == "v1=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert len(receiver.asked) == 4


def test_what_may_pass_is_tried_again_with_the_same_key(
    router: WebhookRouter, receiver: Receiver, clock: Clock
) -> None:
    receiver.answers = [500, 429, 503, 408]
    assert router.switch(command(), '"1"').version == "v1"
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.posts}) == 1
    assert clock.pauses == [0.1, 0.2, 0.4, 0.8]  # half, as the dice say, of 0.2 s doubled each time
    assert receiver.effects == ["ROUTE_TO_SAFE_PATH v1"]


def test_it_gives_up_at_the_deadline_of_all_attempts(router: WebhookRouter, receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [500] * 1_000
    with pytest.raises(RouterError, match="did not answer within 20 s: status 500"):
        router.switch(command(), '"1"')
    assert clock.now_s < 20
    assert max(clock.pauses) == 1.5  # half of the longest
    assert receiver.effects == []


def test_pauses_are_spread_over_their_whole_length(receiver: Receiver) -> None:
    for dice, expected in ((0.0, [0.0, 0.0]), (0.999, [0.999 * 0.2, 0.999 * 0.4])):
        clock = Clock()
        pace = Pace(random=lambda dice=dice: dice, sleep=clock.sleep, monotonic=lambda clock=clock: clock.now_s)  # type: ignore[misc]
        receiver.answers = [500, 500]
        WebhookRouter(receiver.url, SECRET, pace).observe()
        assert clock.pauses == pytest.approx(expected)


@pytest.mark.parametrize("status", [409, 412])
def test_another_generation_is_a_conflict(router: WebhookRouter, receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    with pytest.raises(ConflictError):
        router.switch(command(), '"1"')
    receiver.generation = 7
    with pytest.raises(ConflictError):
        router.switch(command(), '"1"')
    assert receiver.effects == []


@pytest.mark.parametrize("status", [202, 301, 302, 307, 400, 401, 404, 422, 501])
def test_a_refusal_is_not_tried_again_and_no_redirect_is_followed(
    router: WebhookRouter, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    with pytest.raises(RouterError, match=f"answered {status}"):
        router.switch(command(), '"1"')
    assert len(receiver.asked) == 1


def test_nobody_there_is_tried_until_the_deadline(clock: Clock) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and does not listen
        pace = Pace(random=lambda: 0.5, sleep=clock.sleep, monotonic=lambda: clock.now_s)
        router = WebhookRouter(f"http://127.0.0.1:{held.getsockname()[1]}/", SECRET, pace)
        with pytest.raises(RouterError, match="ConnectionRefusedError"):
            router.observe()
    assert len(clock.pauses) > 3


def test_a_drill_observes_and_posts_nothing(router: WebhookRouter, receiver: Receiver) -> None:
    drill = command(drill=True)
    assert router.switch(drill, '"1"').version == "v2"
    with pytest.raises(ConflictError):
        router.switch(drill, '"7"')
    router.freeze(replace(drill, action=Action.FREEZE_ROLLOUT))
    assert receiver.posts == []


@pytest.mark.parametrize("answer", [b"", b"done", b"[]", b"{}", b'{"standby": 3, "since": "x", "frozen": 1}'])
def test_a_receiver_that_only_says_yes_is_taken_at_its_word(
    router: WebhookRouter, receiver: Receiver, answer: bytes
) -> None:
    receiver.body = answer
    assert router.switch(command(), '"1"') == Observed(version="v1")
    assert router.observe() == Observed()


def test_one_that_takes_no_get_is_tried_at_most_once(router: WebhookRouter, receiver: Receiver, tmp_path: Path) -> None:
    receiver.tells, receiver.body = False, b""
    given = Given(store=tmp_path / "store", router=router)
    assert told(given.obey(command(), command())) == ["acked", "acked"]
    assert "If-Match" not in receiver.posts[0][0]
    receiver.answers = [405, 400, 405]  # looked at, refused, looked at
    assert told(given.obey(command(attempt=1))) == ["failed"]
    assert len(receiver.posts) == 2


def test_an_answer_that_was_lost_is_found_again(router: WebhookRouter, receiver: Receiver, tmp_path: Path) -> None:
    receiver.version, receiver.generation = "v1", 2  # it has switched, and its answer never came
    given = Given(store=tmp_path / "store", router=router)
    assert told(given.obey(command())) == ["acked"]
    assert receiver.posts == []


def test_freezing_goes_there_too(router: WebhookRouter, receiver: Receiver, tmp_path: Path) -> None:
    given = Given(store=tmp_path / "store", router=router)
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    resume = command(action=Action.RESUME_ROLLOUT, target_version="", sequence=8)
    assert told(given.obey(freeze, resume, freeze)) == ["acked"] * 3
    assert receiver.effects == ["FREEZE_ROLLOUT ", "RESUME_ROLLOUT "]


def test_a_freeze_that_is_renewed_reaches_a_router_that_is_frozen(
    router: WebhookRouter, receiver: Receiver, tmp_path: Path
) -> None:
    given = Given(store=tmp_path / "store", router=router)
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    renewed = command(
        action=Action.FREEZE_ROLLOUT, target_version="", attempt=1, sequence=8, expires_at=freeze.expires_at + 60_000
    )
    assert told(given.obey(freeze, renewed, renewed)) == ["acked"] * 3
    assert receiver.frozen
    sent = [json.loads(body) for _, body in receiver.posts]
    assert [(body["incident"], body["expires_at"]) for body in sent] == [
        (freeze.incident, iso_time(freeze.expires_at)),
        (freeze.incident, iso_time(renewed.expires_at)),
    ]
    assert [headers["Idempotency-Key"] for headers, _ in receiver.posts] == [freeze.command_id, renewed.command_id]


def test_a_freeze_whose_renewal_the_receiver_refuses_is_not_acked_for_the_one_that_stands(
    router: WebhookRouter, receiver: Receiver, tmp_path: Path
) -> None:
    given = Given(store=tmp_path / "store", router=router)
    freeze = command(action=Action.FREEZE_ROLLOUT, target_version="")
    assert told(given.obey(freeze)) == ["acked"]
    receiver.answers = [200, 400]  # looked at, refused
    renewed = command(action=Action.FREEZE_ROLLOUT, target_version="", attempt=1, sequence=8)
    assert told(given.obey(renewed)) == ["failed"]


def test_the_secret_is_not_shown_and_only_http_is_spoken(router: WebhookRouter) -> None:
    assert "shared" not in repr(router)
    for url in ("file:///etc/passwd", "ftp://example.com/", "example.com"):
        with pytest.raises(SettingsError, match="http"):
            WebhookRouter(url)
