"""Records to messages and back.

Two frames, and a reader takes both:

* Avro single-object encoding, written when there is no registry: `C3 01`, the schema's
  fingerprint (CRC-64-AVRO, little-endian), the body. Known are the schemas of this release and
  of every one before it.
* The Confluent frame, written when there is a registry: a zero byte, the schema's id
  (big-endian), the body. Subjects are named by record (Confluent's `RecordNameStrategy`):
  `kedge.Report`, whatever the topic. What a registry returns comes from outside and passes the
  lint before it is used.

Decoding raises `UndecodableError` for whatever the bytes are. `RegistryUnavailableError` speaks
of the registry, not of the bytes, and must not become a dead letter. Whoever must not wait for a
registry in the middle of something calls `learn` and `prepare` before: they are what asks it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar, cast

from kedge.schemas import records
from kedge.schemas.contracts import current, known, subject_of, text_of
from kedge.schemas.errors import Reason, SchemaError, UndecodableError, UnencodableError
from kedge.schemas.fingerprint import fingerprint
from kedge.schemas.lint import check_schema
from kedge.schemas.reader import compile_reader
from kedge.schemas.schema import Record, parse_schema
from kedge.schemas.wire import Read, read_whole
from kedge.schemas.writer import body_of

__all__ = ["FRAME_BYTES", "MESSAGE_BYTES_MAX", "Codec", "Registry"]

MESSAGE_BYTES_MAX: Final = 1_048_576
FRAME_BYTES: Final = 5
"""Of the Confluent frame: the zero byte and the id."""

_SINGLE_OBJECT: Final = b"\xc3\x01"
_SINGLE_HEAD: Final = 10
_CONFLUENT: Final = b"\0"

_CLASSES: Final[Mapping[str, type]] = {
    name: cls
    for name in records.__all__
    if isinstance(cls := getattr(records, name), type) and not issubclass(cls, StrEnum)
}
_ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    name: cls
    for name in records.__all__
    if isinstance(cls := getattr(records, name), type) and issubclass(cls, StrEnum)
}

T = TypeVar("T")


class Registry(Protocol):
    """Where schemas have numbers. Both may raise `RegistryUnavailableError`."""

    def schema(self, schema_id: int) -> str:
        """Return the schema's JSON; `UndecodableError` (unknown schema) where there is none."""

    def schema_id(self, subject: str, schema: str) -> int:
        """Return the id under which `schema` is registered for `subject`; `NotRegisteredError` where it is not."""


@dataclass(frozen=True, slots=True)
class _Format:
    """A writer's schema made ready: what it holds, and how to read it."""

    record: type
    read: Read
    read_mapping: Read


class Codec:
    """Encodes and decodes every record; safe to share between threads.

    `bytes_max` bounds a message both ways: nobody writes what a reader would refuse.
    """

    def __init__(self, registry: Registry | None = None, *, bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._registry = registry
        self._bytes_max = bytes_max
        # By the message's own first bytes, so that the hot path is one look-up. A schema that
        # was refused stays refused. Bounded by the schemas that exist: unknown ones never enter.
        self._formats: dict[bytes, _Format | SchemaError] = {}

    def encode(self, record: object) -> bytes:
        """Return the message of a record in `kedge.schemas.records.RECORDS`."""
        name = type(record).__name__
        data = self._head(name) + body_of(record)
        if len(data) > self._bytes_max:
            raise UnencodableError(f"{name} of {len(data)} bytes, at most {self._bytes_max}")
        return data

    def decode(self, data: bytes, expected: type[T] | tuple[type[T], ...]) -> T:
        """Return the record in `data`, which must be (one of) the expected."""
        form, start = self._open(data, expected)
        return cast("T", read_whole(form.read, data, start))

    def decode_mapping(self, data: bytes, expected: type | tuple[type, ...]) -> dict[str, Any]:
        """Return the record's fields, records within as dicts too: no dataclass is made.

        Arrays are tuples and enums `StrEnum`s as in `decode`.
        """
        form, start = self._open(data, expected)
        return cast("dict[str, Any]", read_whole(form.read_mapping, data, start))

    def prepare(self, *names: str) -> None:
        """Learn the ids of records, by short name (else of all): they can then be written and read without asking.

        Raises:
            NotRegisteredError: the registry does not have one of them.
            RegistryUnavailableError: it does not answer.
        """
        if self._registry is not None:
            for name in names or current():
                self._head(name)

    def knows(self, data: bytes) -> bool:
        """Whether nobody has to be asked to decode `data`, or to refuse it."""
        return (
            self._registry is None
            or data[:1] != _CONFLUENT
            or len(data) < FRAME_BYTES
            or data[:FRAME_BYTES] in self._formats
        )

    def learn(self, data: bytes) -> None:
        """Ask for what decoding `data` needs. What cannot be read stays so, and is said when it is decoded.

        Raises:
            RegistryUnavailableError: the registry does not answer.
        """
        if not self.knows(data):
            with suppress(UndecodableError):
                self._new_format(data[:FRAME_BYTES], FRAME_BYTES)

    def _head(self, name: str) -> bytes:
        if self._registry is None:
            return _SINGLE_OBJECT + _fingerprints()[name]
        schema_id = self._registry.schema_id(subject_of(name), text_of(name))
        return _CONFLUENT + schema_id.to_bytes(4, "big")

    def _open(self, data: bytes, expected: type | tuple[type, ...]) -> tuple[_Format, int]:
        """Return how to read the body of `data` and where it begins."""
        if len(data) > self._bytes_max:
            raise UndecodableError(Reason.TOO_LARGE, f"{len(data)} bytes, at most {self._bytes_max}")
        if data[:2] == _SINGLE_OBJECT:
            start = _SINGLE_HEAD
        elif data[:1] == _CONFLUENT:
            start = FRAME_BYTES
        else:
            raise _unframed(data)
        head = data[:start]
        form = self._formats.get(head) or self._new_format(head, start)
        if isinstance(form, SchemaError):
            raise UndecodableError(Reason.REFUSED_SCHEMA, str(form))
        if form.record is not expected and not (isinstance(expected, tuple) and form.record in expected):
            raise UndecodableError(Reason.WRONG_RECORD, f"{form.record.__name__} here")
        return form, start

    def _new_format(self, head: bytes, size: int) -> _Format | SchemaError:
        if len(head) < size:
            raise UndecodableError(Reason.UNDECODABLE, "ends inside the frame")
        if size == _SINGLE_HEAD:
            writer = known().get(head[2:])
            if writer is None:
                raise UndecodableError(Reason.UNKNOWN_SCHEMA, f"no schema of fingerprint {head[2:].hex()}")
            form: _Format | SchemaError = _format(writer)
        else:
            form = self._registered_format(int.from_bytes(head[1:], "big"))
        self._formats[head] = form
        return form

    def _registered_format(self, schema_id: int) -> _Format | SchemaError:
        if self._registry is None:
            raise UndecodableError(Reason.UNKNOWN_SCHEMA, f"schema id {schema_id}, and no registry is configured")
        text = self._registry.schema(schema_id)
        try:
            writer = parse_schema(text)
            check_schema(writer, len(text))
        except SchemaError as error:
            return error
        if not isinstance(writer, Record) or writer.short_name not in current():
            return SchemaError(("schema: none of the records known here",))
        return _format(writer)


def _format(writer: Record) -> _Format:
    reader = current()[writer.short_name]
    return _Format(
        records.RECORDS[writer.short_name],
        compile_reader(writer, reader, _CLASSES, _ENUMS).read,
        compile_reader(writer, reader, {}, _ENUMS).read,
    )


_FINGERPRINTS: dict[str, bytes] = {}


def _fingerprints() -> Mapping[str, bytes]:
    if not _FINGERPRINTS:
        _FINGERPRINTS.update({name: fingerprint(schema) for name, schema in current().items()})
    return _FINGERPRINTS


def _unframed(data: bytes) -> UndecodableError:
    if not data:
        return UndecodableError(Reason.EMPTY, "no bytes")
    return UndecodableError(Reason.UNKNOWN_SCHEMA, "begins neither with C3 01 nor with 00: no frame of Avro")
