"""A router behind HTTP: `GET` says where it stands, `POST` switches it.

The request is the command as JSON. Its headers:

* `Idempotency-Key`: the command's id; a request that is sent again carries the same one.
* `If-Match`: the generation that the router must still be in; absent where it tells none. Otherwise: 409 or 412.
* `Kedge-Timestamp`: Unix time in seconds, and `Kedge-Signature`: `v1=` and the hex HMAC-SHA256 of the timestamp, a
  dot and the body, by the shared secret. `GET` has them too, over an empty body.

An answer is 2xx with `{"version", "generation", "standby", "frozen", "since"}`, all optional.
"""

import hashlib
import hmac
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final

from kedge.schemas.records import Command
from kedge.schemas.report_json import command_to_json
from kedge.streams.actuator.observed import Observed
from kedge.streams.actuator.router import ConflictError, RouterError
from kedge.streams.clock import now_ms
from kedge.streams.settings import SettingsError

__all__ = ["Pace", "WebhookRouter", "signature"]

_ANSWER_BYTES_MAX: Final = 65_536
_CONFLICTS: Final = frozenset((HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED))
_PASSING: Final = frozenset((HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and for how long a request is tried; all in seconds, more than 0.

    Before attempt n it waits a random time below `base_s` · 2^n, at most `pause_s_max` (full jitter).
    """

    deadline_s: float = 20.0
    """Of all attempts together; less than the actuator's `timeout_s`."""
    attempt_s: float = 5.0
    base_s: float = 0.2
    pause_s_max: float = 3.0
    random: Callable[[], float] = random.random
    """In [0, 1)."""
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the value of `Kedge-Signature`.

    >>> signature(b"secret", "1700000000", b"{}")[:19]
    'v1=b8569b78799ff9e3'
    """
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookRouter:
    """Speaks to one URL; see the module.

    A URL that does not take `GET` (404, 405, 501) tells nothing: commands are then tried at most once.

    Args:
        url: http or https.
        secret: shared with the receiver; empty: requests are not signed.
        pace: how often it is tried again where that may help (no connection, 408, 425, 429, 5xx).

    Raises:
        SettingsError: the URL is neither http nor https.
    """

    def __init__(self, url: str, secret: bytes = b"", pace: Pace | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"the webhook's URL {url!r} does not begin with http:// or https://")
        self._url, self._secret, self._pace = url, secret, pace or Pace()
        self._opener = urllib.request.build_opener(_NoRedirect())

    def observe(self) -> Observed:
        """See `Router`."""
        status, answer = self._ask("GET", b"", {})
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
            return Observed()
        return _observed(_object(self._done(status, answer)))

    def switch(self, command: Command, expected: str) -> Observed:
        """See `Router`: the receiver compares and switches. A drill only observes."""
        if command.drill:
            return self._rehearsed(expected)
        said = _object(self._post(command, expected))
        # An answer without a version: the receiver says that it is done, and that is all.
        return _observed({"version": command.target_version, **said})

    def freeze(self, command: Command) -> None:
        """See `Rollout`."""
        self._tell(command)

    def resume(self, command: Command) -> None:
        """See `Rollout`."""
        self._tell(command)

    def __repr__(self) -> str:
        return f"WebhookRouter({self._url!r})"

    def _tell(self, command: Command) -> None:
        if command.drill:
            self.observe()
        else:
            self._post(command, "")

    def _rehearsed(self, expected: str) -> Observed:
        observed = self.observe()
        if observed.generation != expected:
            raise ConflictError("the router was switched by somebody else")
        return observed

    def _post(self, command: Command, expected: str) -> bytes:
        body = json.dumps(command_to_json(command), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": command.command_id}
        if expected:
            headers["If-Match"] = expected
        status, answer = self._ask("POST", body, headers)
        if status in _CONFLICTS:
            raise ConflictError(f"{self._url} answered {status}: the router was switched by somebody else")
        return self._done(status, answer)

    def _done(self, status: int, answer: bytes) -> bytes:
        # 202 promises something; the command is only done when the router stands there.
        if status // 100 != 2 or status == HTTPStatus.ACCEPTED:  # noqa: PLR2004 - 2xx
            raise RouterError(f"{self._url} answered {status}")
        return answer

    def _ask(self, method: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return status and body; tried again while that may help and the deadline allows."""
        pace, attempt = self._pace, 0
        deadline_s = pace.monotonic() + pace.deadline_s
        while True:
            problem = self._try(method, body, headers, min(pace.attempt_s, deadline_s - pace.monotonic()))
            if not isinstance(problem, str):
                return problem
            pause_s = pace.random() * min(pace.pause_s_max, pace.base_s * 2**attempt)
            if pace.monotonic() + pause_s >= deadline_s:
                raise RouterError(f"{self._url} did not answer within {pace.deadline_s:g} s: {problem}")
            pace.sleep(pause_s)
            attempt += 1

    def _try(self, method: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> tuple[int, bytes] | str:
        """Return status and body, or what may pass."""
        stamp = str(now_ms() // 1_000)
        signed = {"Kedge-Timestamp": stamp, "Kedge-Signature": signature(self._secret, stamp, body)}
        every = {"Accept": "application/json", **headers, **(signed if self._secret else {})}
        request = urllib.request.Request(self._url, body or None, every, method=method)  # noqa: S310 - http(s) only
        try:
            with self._opener.open(request, timeout=max(timeout_s, 0.001)) as response:
                return response.status, response.read(_ANSWER_BYTES_MAX)
        except urllib.error.HTTPError as error:
            with error:
                passing = error.code in _PASSING or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
                if passing and error.code != HTTPStatus.NOT_IMPLEMENTED:
                    return f"status {error.code}"
                return error.code, b""
        except (OSError, HTTPException) as error:
            return type(getattr(error, "reason", error)).__name__  # of a URLError, what it wraps


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A command goes where it was sent: urllib would turn a POST into a GET of somewhere else."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _observed(said: Mapping[str, Any]) -> Observed:
    standby, since, frozen = said.get("standby"), said.get("since"), said.get("frozen")
    return Observed(
        version=str(said.get("version") or ""),
        generation=str(said.get("generation") or ""),
        standby=tuple(map(str, standby)) if isinstance(standby, list) else (),
        since=since if isinstance(since, int) else None,
        frozen=frozen if isinstance(frozen, bool) else None,
    )
