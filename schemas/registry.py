"""A schema registry over the Confluent REST API, with nothing but the standard library.

What it says is kept: an id for good, that there is no such id for a while. A flood of ids that nobody has registered
costs the registry at most a few questions a second, after which they are refused unasked.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from kedge.schemas.errors import Reason, RegistryUnavailableError, UndecodableError

__all__ = ["ConfluentRegistry"]

_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_RESPONSE_BYTES_MAX: Final = 1_048_576
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.2
_UNKNOWN_MAX: Final = 500
"""Ids that may turn out to be unknown within `unknown_ttl_s`, before others are refused unasked."""


class ConfluentRegistry:
    """Schemas by id and ids by schema; safe to share between threads.

    `url` is http or https, with user and password in it where the registry wants them; they appear in no message.
    Calls block for at most about three times `timeout_s`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 3.0,
        unknown_ttl_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a registry's address begins with http:// or https:// and names a host")
        host = parts.netloc.rpartition("@")[2]
        self._url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._headers = {"Accept": _CONTENT_TYPE, "Content-Type": _CONTENT_TYPE}
        if parts.username:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        self._timeout_s = timeout_s
        self._unknown_ttl_s = unknown_ttl_s
        self._clock = clock
        self._sleep = sleep
        self._schemas: dict[int, str] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._unknown_until: dict[int, float] = {}

    def schema(self, schema_id: int) -> str:
        """Return the schema's JSON.

        `UndecodableError` where there is no such schema, `RegistryUnavailableError` where the registry cannot say.
        """
        if schema_id not in self._schemas:
            self._schemas[schema_id] = self._fetch(schema_id)
        return self._schemas[schema_id]

    def schema_id(self, subject: str, schema: str) -> int:
        """Return the id of `schema` under `subject`, registered if it was not.

        `RegistryUnavailableError` where the registry does not answer, or refuses the schema.
        """
        key = (subject, schema)
        if key not in self._ids:
            status, answer = self._ask(f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema})
            found = answer.get("id")
            if status != HTTPStatus.OK or not isinstance(found, int):
                raise RegistryUnavailableError(f"{self._url} refused {subject}: status {status}")
            self._ids[key] = found
        return self._ids[key]

    def _fetch(self, schema_id: int) -> str:
        self._refuse_unasked(schema_id)
        status, answer = self._ask(f"/schemas/ids/{schema_id}", None)
        if status == HTTPStatus.NOT_FOUND:
            self._unknown_until[schema_id] = self._clock() + self._unknown_ttl_s
            raise _unknown(schema_id)
        schema = answer.get("schema")
        if status != HTTPStatus.OK or not isinstance(schema, str):
            raise RegistryUnavailableError(f"{self._url} did not return schema {schema_id}: status {status}")
        return schema

    def _refuse_unasked(self, schema_id: int) -> None:
        now = self._clock()
        if self._unknown_until.get(schema_id, now) > now:
            raise _unknown(schema_id)
        if len(self._unknown_until) < _UNKNOWN_MAX:
            return
        self._unknown_until = {key: until for key, until in self._unknown_until.items() if until > now}
        if len(self._unknown_until) >= _UNKNOWN_MAX:
            raise UndecodableError(
                Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} unasked: too many unknown ones lately"
            )

    def _ask(self, path: str, body: dict[str, str] | None) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object; asks again where another attempt may help."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, self._headers)  # noqa: S310 - http or https only
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(_PAUSE_S * attempt)
            try:
                status, text = self._send(request)
            except (OSError, HTTPException) as error:
                problem = type(error).__name__
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
                return status, _object(text)
            problem = f"status {status}"
        raise RegistryUnavailableError(f"{self._url} does not answer: {problem}")

    def _send(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310 - as above
                return response.status, response.read(_RESPONSE_BYTES_MAX)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(_RESPONSE_BYTES_MAX)


def _object(text: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer; an empty one if it holds none, which no caller takes for an answer."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _unknown(schema_id: int) -> UndecodableError:
    return UndecodableError(Reason.UNKNOWN_SCHEMA, f"the registry has no schema {schema_id}")
