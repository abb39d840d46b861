"""What a schema registry knows, asked once: ids by schema and schemas by id.

What it says is kept: an id for good, that there is no such id for a while. A flood of ids that nobody has registered
costs the registry at most a few questions a second, after which they are refused unasked.
"""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from kedge.schemas.errors import NotRegisteredError, Reason, UndecodableError
from kedge.schemas.registry_http import RegistryHttp

__all__ = ["NO_SCHEMA", "NO_SUBJECT", "ConfluentRegistry"]

NO_SUBJECT: Final = 40401
"""Confluent's code: nothing was ever registered under the subject."""
NO_SCHEMA: Final = 40403
"""Confluent's code: not this schema, or no schema of this id."""

_ID_MAX: Final = 2**31 - 1
"""Ids are Java's ints. A registry that is asked for another says so in words of its own, which are no answer."""

_UNKNOWN_MAX: Final = 500
"""Ids that may turn out to be unknown within `unknown_ttl_s`, before others are refused unasked."""


class ConfluentRegistry:
    """Schemas by id and ids by schema; safe to share between threads. It registers nothing: it only asks."""

    def __init__(
        self, http: RegistryHttp, *, unknown_ttl_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._unknown_ttl_s = unknown_ttl_s
        self._clock = clock
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
        """Return the id of `schema` under `subject`.

        `NotRegisteredError` where it is not registered there, `RegistryUnavailableError` where the registry cannot say.
        """
        key = (subject, schema)
        if key not in self._ids:
            found = self._look_up(subject, schema)
            self._ids[key] = found
            self._schemas.setdefault(found, schema)  # what we write we can read, registry or not
        return self._ids[key]

    def _look_up(self, subject: str, schema: str) -> int:
        answer = self._http.ask("POST", f"/subjects/{quote(subject, safe='')}", {"schema": schema})
        if answer.lacks(NO_SUBJECT, NO_SCHEMA):
            raise NotRegisteredError(
                f"{self._http.address} does not have {subject} as this release writes it: run `kedge schemas publish`"
            )
        found = answer.field("id")
        if not answer.ok or not isinstance(found, int):
            raise self._http.refused(answer, f"the id of {subject}")
        return found

    def _fetch(self, schema_id: int) -> str:
        if schema_id > _ID_MAX:
            raise UndecodableError(Reason.UNKNOWN_SCHEMA, f"{schema_id} is no id of a schema")
        self._refuse_unasked(schema_id)
        answer = self._http.ask("GET", f"/schemas/ids/{schema_id}")
        if answer.lacks(NO_SCHEMA):
            self._unknown_until[schema_id] = self._clock() + self._unknown_ttl_s
            raise _unknown(schema_id)
        schema = answer.field("schema")
        if not answer.ok or not isinstance(schema, str):
            raise self._http.refused(answer, f"schema {schema_id}")
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


def _unknown(schema_id: int) -> UndecodableError:
    return UndecodableError(Reason.UNKNOWN_SCHEMA, f"the registry has no schema {schema_id}")
