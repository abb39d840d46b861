"""One prediction as the queue holds it: plain immutable values, counted and weighed."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

__all__ = ["KEYS_MAX", "NAME_CHARS_MAX", "Features", "Names", "Row", "Stream", "text_bytes", "utf8_bytes_max"]

KEYS_MAX: Final = 1_000
"""Keys of one map; the worker refuses records with more."""

NAME_CHARS_MAX: Final = 256
"""Characters of a request id, a model, a version, or the name of a feature, class or segment."""

# Measured with tracemalloc (a test does it again): a row's own objects, and an entry of its dicts with its value.
_ROW_BYTES: Final = 900
_NUMBER_BYTES: Final = 90
_TEXT_BYTES: Final = 150


class Stream(NamedTuple):
    """Whose answers are numbered together, in each partition."""

    model: str
    version: str
    role: str


class Names(NamedTuple):
    """The columns that a row or a slice needs, by map of the record."""

    numbers: AbstractSet[str]
    strings: AbstractSet[str]
    class_scores: AbstractSet[str]
    segments: AbstractSet[str]


class Features(NamedTuple):
    """Feature values by kind; a feature without a value stands in neither."""

    numbers: Mapping[str, float]
    strings: Mapping[str, str]


class Row(NamedTuple):
    """One prediction; every value immutable and plain."""

    stream: Stream
    request_id: str
    timestamp: int
    features: Features
    score: float | None
    label: str | None
    class_scores: Mapping[str, float]
    latency_ms: float | None
    error: str | None
    segment: Mapping[str, str]
    probe: bool
    text: int
    """Bytes of its texts in UTF-8, at most."""

    @property
    def rows(self) -> int:
        """One; so that rows and slices of columns can be handled alike."""
        return 1

    @property
    def names(self) -> Names:
        """The columns that it has values for."""
        numbers, strings = self.features
        return Names(numbers.keys(), strings.keys(), self.class_scores.keys(), self.segment.keys())

    @property
    def cost(self) -> int:
        """Bytes of memory that the queue needs for it, about; never much less than it takes."""
        numbers, strings = self.features
        entries = len(numbers) + len(self.class_scores)
        texts = len(strings) + len(self.segment)
        return _ROW_BYTES + _NUMBER_BYTES * entries + _TEXT_BYTES * texts + self.text

    def head(self, _rows: int) -> "Row":
        """Return the row: one is all there is."""
        return self

    def split(self, _rows: int) -> "tuple[Row, None]":
        """Return the row and no rest."""
        return self, None


def text_bytes(features: Features, segment: Mapping[str, str], label: str | None, error: str | None) -> int:
    """Return the bytes of a row's texts in UTF-8, at most."""
    size = utf8_bytes_max(label) if label is not None else 0
    if error is not None:
        size += utf8_bytes_max(error)
    if features.strings:
        size += sum(map(utf8_bytes_max, features.strings.values()))
    if segment:
        size += sum(map(utf8_bytes_max, segment.values()))
    return size


def utf8_bytes_max(text: str) -> int:
    """Return the bytes of a text in UTF-8, exactly where it is ASCII, else at most."""
    return len(text) if text.isascii() else 4 * len(text)
