"""The subjects of a schema registry: register what this release writes, and look whether all is well there."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from kedge.schemas.compatibility import why_unreadable
from kedge.schemas.contracts import current, subject_of, text_of
from kedge.schemas.errors import SchemaError
from kedge.schemas.lint import check_schema
from kedge.schemas.registry import NO_SCHEMA, NO_SUBJECT
from kedge.schemas.registry_http import Answer, RegistryHttp
from kedge.schemas.schema import Record, parse_schema

__all__ = ["LEVEL", "LEVELS", "Subject", "SubjectError", "Subjects"]

LEVEL: Final = "BACKWARD_TRANSITIVE"
"""Every schema can read what was written with any before it."""
LEVELS: Final = (LEVEL, "FULL_TRANSITIVE")
"""The second asks for that, and for more."""

_NO_LEVEL: Final = 40408
"""Confluent's code: the subject has no level of its own."""
_REASON_MAX: Final = 300


class SubjectError(ValueError):
    """The registry does not take a schema; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A record in the registry: `schema_id` None where its schema is not there; no `problems`: all is well."""

    record: str
    subject: str
    schema_id: int | None
    versions: tuple[int, ...]
    level: str | None
    problems: tuple[str, ...]


class Subjects:
    """One registry's subjects of Kedge's records, named by record (`RecordNameStrategy`), whatever the topic."""

    def __init__(self, http: RegistryHttp) -> None:
        self._http = http

    def publish(self, record: str) -> int:
        """Set the level of a record's subject and register its schema; returns the id. Again changes nothing.

        Raises:
            SubjectError: the registry holds that the schema cannot follow those that are there.
            RegistryUnavailableError: the registry does not answer, or not with what was asked for.
        """
        # The level first: no version must come in between that nobody has compared.
        if self._level(record) not in LEVELS:
            answer = self._http.ask("PUT", _config(record), {"compatibility": LEVEL})
            if not answer.ok:
                raise self._http.refused(answer, f"{subject_of(record)} the level {LEVEL}")
        answer = self._http.ask("POST", f"{_path(record)}/versions", {"schema": text_of(record)})
        if answer.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            raise SubjectError(self._why_refused(record, answer))
        found = answer.field("id")
        if not answer.ok or not isinstance(found, int):
            raise self._http.refused(answer, f"{subject_of(record)} an id")
        return found

    def check(self, record: str) -> Subject:
        """Return how a record stands in the registry; changes nothing.

        Raises:
            RegistryUnavailableError: the registry does not answer, or not with what was asked for.
        """
        level, versions, schema_id = self._level(record), self._versions(record), self._look_up(record)
        return Subject(
            record=record,
            subject=subject_of(record),
            schema_id=schema_id,
            versions=versions,
            level=level,
            problems=tuple(self._problems(record, level, versions, schema_id)),
        )

    def _problems(
        self, record: str, level: str | None, versions: tuple[int, ...], schema_id: int | None
    ) -> Iterator[str]:
        if schema_id is None:
            yield "its schema is not there: run `kedge schemas publish`"
        elif self._text_of_id(schema_id) is None:
            yield f"the registry knows it as id {schema_id} and has no schema of that id: restore the registry's backup"
        if level not in LEVELS:
            yield f"its compatibility is {level or 'not set'}, not {LEVEL}: run `kedge schemas publish`"
        yield from self._unreadable(record, versions)

    def _unreadable(self, record: str, versions: tuple[int, ...]) -> Iterator[str]:
        for version in versions:
            why = self._why_unreadable(record, version)
            if why:
                yield f"this release cannot read its version {version} ({why}): {_WHAT_TO_DO.format(version)}"

    def _why_refused(self, record: str, answer: Answer) -> str:
        told = next(self._unreadable(record, self._versions(record)), None)
        if told is None:
            told = f"the registry says: {' '.join(answer.message.split())[:_REASON_MAX]}. {_TOO_STRICT}"
        return f"{subject_of(record)} was refused: {told}"

    def _why_unreadable(self, record: str, version: int) -> str:
        """Return by field what our own reader lacks; empty: nothing."""
        answer = self._http.ask("GET", f"{_path(record)}/versions/{version}")
        text = answer.field("schema")
        if not answer.ok or not isinstance(text, str):
            raise self._http.refused(answer, f"version {version} of {subject_of(record)}")
        try:
            writer = parse_schema(text)
            check_schema(writer, len(text))
        except SchemaError as error:
            return str(error)[:_REASON_MAX]
        if not isinstance(writer, Record):
            return "it is no record"
        return "; ".join(why_unreadable(writer, current()[record]))[:_REASON_MAX]

    def _level(self, record: str) -> str | None:
        answer = self._http.ask("GET", _config(record))
        if answer.lacks(NO_SUBJECT, _NO_LEVEL):
            return None
        return str(self._given(answer, "compatibilityLevel", f"the level of {subject_of(record)}"))

    def _versions(self, record: str) -> tuple[int, ...]:
        answer = self._http.ask("GET", f"{_path(record)}/versions")
        if answer.lacks(NO_SUBJECT):
            return ()
        if not answer.ok or not isinstance(answer.document, list):
            raise self._http.refused(answer, f"the versions of {subject_of(record)}")
        return tuple(version for version in answer.document if isinstance(version, int))

    def _look_up(self, record: str) -> int | None:
        answer = self._http.ask("POST", _path(record), {"schema": text_of(record)})
        if answer.lacks(NO_SUBJECT, NO_SCHEMA):
            return None
        return int(self._given(answer, "id", f"the id of {subject_of(record)}"))

    def _text_of_id(self, schema_id: int) -> str | None:
        answer = self._http.ask("GET", f"/schemas/ids/{schema_id}")
        if answer.lacks(NO_SCHEMA):
            return None
        return str(self._given(answer, "schema", f"schema {schema_id}"))

    def _given(self, answer: Answer, name: str, what: str) -> Any:  # noqa: ANN401 - JSON
        found = answer.field(name)
        if not answer.ok or found is None:
            raise self._http.refused(answer, what)
        return found


_WHAT_TO_DO: Final = (
    "if a newer Kedge wrote it, install that release here; if it is not Kedge's, delete version {} in the registry; "
    "then publish again"
)
_TOO_STRICT: Final = f"This release reads all that is there: set the subject's compatibility to {LEVEL}"


def _path(record: str) -> str:
    return f"/subjects/{quote(subject_of(record), safe='')}"


def _config(record: str) -> str:
    return f"/config/{quote(subject_of(record), safe='')}"
