"""What is let into the queue.

Everything here runs in the caller's thread, so it is written for speed: twenty floats cost one copied dict and one
pass over it.
"""

from collections.abc import Mapping
from enum import StrEnum
from operator import index
from types import MappingProxyType
from typing import Final

from kedge.schemas.records import Role
from kedge.streams.publisher.row import KEYS_MAX, NAME_CHARS_MAX, Features, Stream
from kedge.streams.publisher.values import number, plain, readable

__all__ = ["STREAMS_MAX", "Admission", "Refusal", "RefusedError", "moment", "name_of", "request_id"]

STREAMS_MAX: Final = 1_000
"""Distinct (model, version, role) of one process: a request's id given as a version must not eat its memory."""

_NAMES_MAX: Final = 20_000
_INT64: Final = 2**63
_ROLES: Final[frozenset[str]] = frozenset(Role)
_NO_TEXTS: Final[Mapping[str, str]] = MappingProxyType({})
_NO_NUMBERS: Final[Mapping[str, float]] = MappingProxyType({})


class Refusal(StrEnum):
    """Why a call was not taken at all."""

    REQUEST_ID = "request_id"
    """No text of 1 to 256 characters."""
    STREAM = "stream"
    """Model or version no text of 1 to 256 characters, or an unknown role."""
    TIMESTAMP = "timestamp"
    """No integer of 64 bits."""
    FEATURES = "features"
    """No mapping, or one with a name that is no text of 1 to 256 characters."""
    SEGMENT = "segment"
    CLASS_SCORES = "class_scores"
    TOO_MANY_KEYS = "too_many_keys"
    """More than 1,000 keys in one map."""
    TOO_MANY_STREAMS = "too_many_streams"
    """More than 1,000 distinct (model, version, role) in one process."""
    COLUMN_LENGTH = "column_length"
    """A column of `log_many` that is not as long as the request ids."""
    KIND = "kind"
    """Kind of an outcome no text of 1 to 256 characters."""
    OBSERVED = "observed"
    """What was observed neither a finite number nor a text."""
    UNREADABLE = "unreadable"
    """Looking at an argument raised."""


class RefusedError(Exception):
    """A call that is not taken; never leaves the publisher."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Admission:
    """Lets arguments in or raises `RefusedError`; remembers what it has let in, to be quick the next time."""

    def __init__(self) -> None:
        self._streams: dict[tuple[object, object, object], Stream] = {}
        self._names: set[str] = set()

    def stream(self, model: object, version: object, role: object) -> Stream:
        """Return the stream of this model, version and role."""
        try:
            return self._streams[model, version, role]
        except (KeyError, TypeError):
            return self._new_stream(model, version, role)

    def _new_stream(self, model: object, version: object, role: object) -> Stream:
        texts = [str.__str__(part) for part in (model, version, role) if isinstance(part, str) and _is_name(part)]
        if len(texts) != len(Stream._fields) or texts[-1] not in _ROLES:
            raise RefusedError(Refusal.STREAM)
        if len(self._streams) >= STREAMS_MAX:
            raise RefusedError(Refusal.TOO_MANY_STREAMS)
        stream = Stream(*texts)
        return self._streams.setdefault(stream, stream)

    def features(self, features: object) -> Features:
        """Return the values of a mapping of features by kind."""
        given = self._mapping(features, Refusal.FEATURES)
        numbers: dict[str, float] = given  # type: ignore[assignment] # true when the loop has ended
        odd = [name for name, value in given.items() if type(value) is not float]
        if not odd:
            return Features(numbers, _NO_TEXTS)
        strings: dict[str, str] = {}
        for name in odd:
            clean = plain(given[name])
            if type(clean) is float:
                numbers[name] = clean
                continue
            del numbers[name]
            if clean is not None:
                strings[name] = clean  # type: ignore[assignment] # neither float nor None
        return Features(numbers, strings)

    def class_scores(self, scores: object) -> Mapping[str, float]:
        """Return class scores; a class without a score is left out."""
        if not scores:
            return _NO_NUMBERS
        given = self._mapping(scores, Refusal.CLASS_SCORES)
        clean = {name: number(value) for name, value in given.items()}
        return {name: value for name, value in clean.items() if value is not None}

    def segment(self, segment: object) -> Mapping[str, str]:
        """Return segment values as texts; a key whose value is neither text nor boolean is left out."""
        if not segment:
            return _NO_TEXTS
        given = self._mapping(segment, Refusal.SEGMENT)
        clean = {name: plain(value) for name, value in given.items()}
        return {name: value for name, value in clean.items() if isinstance(value, str)}

    def names(self, names: Mapping[str, object], refusal: Refusal) -> None:
        """Look at the keys of a mapping."""
        if self._names.issuperset(names):
            return
        if len(names) > KEYS_MAX:
            raise RefusedError(Refusal.TOO_MANY_KEYS)
        if not all(map(_is_name, names)):
            raise RefusedError(refusal)
        if len(self._names) < _NAMES_MAX:
            self._names.update(map(str.__str__, names))

    def _mapping(self, given: object, refusal: Refusal) -> dict[str, object]:
        if not isinstance(given, Mapping):
            raise RefusedError(refusal)
        if len(given) > KEYS_MAX:
            raise RefusedError(Refusal.TOO_MANY_KEYS)
        copy = dict(given)
        self.names(copy, refusal)
        return copy


def request_id(given: object) -> str:
    """Return a request id."""
    if type(given) is str and 0 < len(given) <= NAME_CHARS_MAX and readable(given):
        return given
    if isinstance(given, str) and _is_name(given):
        return str.__str__(given)
    raise RefusedError(Refusal.REQUEST_ID)


def name_of(given: object, refusal: Refusal) -> str:
    """Return a model, version or kind."""
    if isinstance(given, str) and _is_name(given):
        return str.__str__(given)
    raise RefusedError(refusal)


def moment(given: object) -> int:
    """Return an event time, milliseconds since 1970-01-01 UTC; whether it is a sensible one, the worker judges."""
    try:
        timestamp = int(given) if isinstance(given, float) else index(given)  # type: ignore[arg-type] # it raises
    except (TypeError, ValueError, OverflowError):
        raise RefusedError(Refusal.TIMESTAMP) from None
    if not -_INT64 <= timestamp < _INT64:
        raise RefusedError(Refusal.TIMESTAMP)
    return timestamp


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= NAME_CHARS_MAX and readable(name)
