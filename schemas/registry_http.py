"""Questions to a Confluent-compatible schema registry over HTTP, with nothing but the standard library."""

import base64
import json
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from kedge.schemas.errors import RegistryUnavailableError

__all__ = ["Answer", "RegistryHttp"]

_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_RESPONSE_BYTES_MAX: Final = 8_388_608
"""More than an answer has with the longest schema that fits the registry's own topic (1 MiB as a rule)."""
_CHUNK_BYTES: Final = 65_536
_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said; `document` None where it was not JSON."""

    status: int
    document: Any

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return self.status == HTTPStatus.OK

    def lacks(self, *codes: int) -> bool:
        """Whether the registry says, by one of its own codes, that there is no such thing.

        404 alone is no answer: whatever stands between us and a registry that is away may say it.
        """
        return self.status == HTTPStatus.NOT_FOUND and self.field("error_code") in codes

    @property
    def message(self) -> str:
        """What the registry says is wrong; empty where it says nothing."""
        return str(self.field("message") or "")

    def field(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return a field of the JSON object; None: there is none of that name, or no object."""
        return self.document.get(name) if isinstance(self.document, dict) else None


class _AsItComes(urllib.request.HTTPErrorProcessor):
    """Every status is an answer. Redirects are not followed: the password would be shown to wherever one leads."""

    def http_response(self, request: urllib.request.Request, response: HTTPResponse) -> HTTPResponse:
        """Return the response."""
        del request
        return response

    https_response = http_response


class RegistryHttp:
    """Asks one registry; safe to share between threads.

    `url` is http or https and holds no user: messages show it. `credentials` are a user and a password, where the
    registry asks for them, and `context` says whom https trusts. A call blocks for at most about
    `attempts` times `timeout_s`.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that may be set
        self,
        url: str,
        *,
        credentials: tuple[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        timeout_s: float = 3.0,
        attempts: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a registry's address begins with http:// or https:// and names a host")
        if "@" in parts.netloc:
            raise ValueError("a registry's address holds no user or password: messages would show them")
        self.address: Final = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._headers = {"Accept": _CONTENT_TYPE, "Content-Type": _CONTENT_TYPE}
        if credentials is not None:
            secret = base64.b64encode(":".join(credentials).encode()).decode()
            self._headers["Authorization"] = f"Basic {secret}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _AsItComes)
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._sleep = sleep

    def ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
        """Return what it says; asks again where another attempt may help.

        Raises:
            RegistryUnavailableError: it does not answer, or is not able to.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, self._headers, method=method)  # noqa: S310 - http or https only
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(_PAUSE_S * attempt)
            try:
                status, text = self._send(request)
            except (OSError, HTTPException) as error:
                problem = type(error).__name__
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
                return Answer(status, _document(text))
            problem = f"status {status}"
        raise RegistryUnavailableError(f"{self.address} does not answer: {problem}")

    def refused(self, answer: Answer, what: str) -> RegistryUnavailableError:
        """Return the error of an answer that helps nobody; `what` was asked for."""
        hint = " (user and password?)" if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ""
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            hint = " (redirects are not followed: name the address that it leads to)"
        return RegistryUnavailableError(f"{self.address} did not give {what}: status {answer.status}{hint}")

    def _send(self, request: urllib.request.Request) -> tuple[int, bytes]:
        # The timeout is for each look at the socket: an answer that comes in drops would never meet it.
        end_s = time.monotonic() + self._timeout_s
        with self._opener.open(request, timeout=self._timeout_s) as response:
            return response.status, _read(response, end_s)


def _read(response: HTTPResponse, end_s: float) -> bytes:
    text = b""
    while len(text) < _RESPONSE_BYTES_MAX and (chunk := response.read1(_CHUNK_BYTES)):
        text += chunk
        if time.monotonic() > end_s:
            raise TimeoutError
    return text


def _document(text: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
