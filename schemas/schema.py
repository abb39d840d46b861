"""An Avro schema as plain data, parsed from the JSON of an `.avsc`.

Names are resolved, so a type used twice is the same object twice, and the result is a tree: a
type that holds itself is refused here. What does not change the bytes (doc, logical types,
aliases) is dropped; timestamps are therefore the longs that they are on the wire.

Reference: Apache Avro 1.12 specification, "Schema Declaration".
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from kedge.schemas.errors import SchemaError

__all__ = [
    "NO_DEFAULT",
    "PRIMITIVES",
    "Array",
    "Enum",
    "Field",
    "Fixed",
    "Map",
    "Named",
    "Primitive",
    "Record",
    "Schema",
    "Union",
    "parse_schema",
]

PRIMITIVES: Final = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
NO_DEFAULT: Final = object()

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
# Far past what the lint lets through; here it only keeps the parser off the interpreter's stack.
_DEPTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Primitive:
    """One of `PRIMITIVES`."""

    name: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """`size` bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Enum:
    """One of a few symbols; `default` is what a reader takes an unknown one for."""

    name: str
    symbols: tuple[str, ...]
    default: str | None


@dataclass(frozen=True, slots=True)
class Array:
    """Any number of items."""

    items: "Schema"


@dataclass(frozen=True, slots=True)
class Map:
    """Any number of values by string key."""

    values: "Schema"


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types."""

    branches: tuple["Schema", ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record; `default` is its JSON, or `NO_DEFAULT`."""

    name: str
    type: "Schema"
    default: object


@dataclass(frozen=True, slots=True)
class Record:
    """Fields in order; `name` with its namespace."""

    name: str
    # A type used many times at many levels is small in memory and endless in print.
    fields: tuple[Field, ...] = field(repr=False)

    @property
    def short_name(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(".")[2]


Schema = Primitive | Fixed | Enum | Array | Map | Union | Record
Named = Fixed | Enum | Record


def parse_schema(text: str) -> Schema:
    """Return the schema in `text`; `SchemaError` says what is wrong with it and where."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(("not JSON",)) from error
    return _Parser().parse(document, "", "", 0)


class _Parser:
    """The names met so far; a name maps to None while its own definition is being read."""

    def __init__(self) -> None:
        self.named: dict[str, Named | None] = {}

    def parse(self, node: object, namespace: str, path: str, depth: int) -> Schema:
        if depth > _DEPTH_MAX:
            raise _problem(path, "nested too deeply")
        if isinstance(node, str):
            return self.reference(node, namespace, path)
        if isinstance(node, list):
            branches = tuple(self.parse(branch, namespace, path, depth + 1) for branch in node)
            if any(isinstance(branch, Union) for branch in branches):
                raise _problem(path, "union in a union")
            return Union(branches)
        if not isinstance(node, dict):
            raise _problem(path, "neither a name, a list nor an object")
        return self.complex(node, namespace, path, depth)

    def reference(self, name: str, namespace: str, path: str) -> Schema:
        if name in PRIMITIVES:
            return Primitive(name)
        full = _full_name(name, namespace)
        found = self.named.get(full, NO_DEFAULT)
        if found is None:
            raise _problem(path, "recursion: a type that holds itself")
        if not isinstance(found, Named):
            raise _problem(path, "unknown type")
        return found

    def complex(self, node: dict[str, object], namespace: str, path: str, depth: int) -> Schema:
        kind = node.get("type")
        match kind:
            case "array":
                return Array(self.parse(node.get("items"), namespace, f"{path}[]", depth + 1))
            case "map":
                return Map(self.parse(node.get("values"), namespace, f"{path}{{}}", depth + 1))
            case "record" | "enum" | "fixed":
                return self.define(kind, node, namespace, path, depth)
            case _:
                return self.parse(kind, namespace, path, depth + 1)

    def define(self, kind: str, node: dict[str, object], namespace: str, path: str, depth: int) -> Named:
        own = node.get("namespace", namespace)
        name = _full_name(_text(node.get("name"), path), _text(own, path))
        if not _NAME.fullmatch(name) or name in PRIMITIVES:
            raise _problem(path, "not a name")
        if name in self.named:
            raise _problem(path, "one name for two types")
        self.named[name] = None
        defined: Named
        if kind == "record":
            inner = name.rpartition(".")[0]
            defined = Record(name, self.fields(node.get("fields"), inner, path, depth))
        elif kind == "enum":
            defined = _enum(name, node, path)
        else:
            defined = _fixed(name, node, path)
        self.named[name] = defined
        return defined

    def fields(self, nodes: object, namespace: str, path: str, depth: int) -> tuple[Field, ...]:
        if not isinstance(nodes, list):
            raise _problem(path, "a record without fields")
        fields: dict[str, Field] = {}
        for node in nodes:
            if not isinstance(node, dict):
                raise _problem(path, "a field that is no object")
            name = _text(node.get("name"), path)
            if not _NAME.fullmatch(name) or "." in name or name in fields:
                raise _problem(path, "a field without a name of its own")
            inner = f"{path}.{name}" if path else name
            kind = self.parse(node.get("type"), namespace, inner, depth + 1)
            fields[name] = Field(name, kind, node.get("default", NO_DEFAULT))
        return tuple(fields.values())


def _enum(name: str, node: dict[str, object], path: str) -> Enum:
    symbols = node.get("symbols")
    if not isinstance(symbols, list) or not symbols:
        raise _problem(path, "an enum without symbols")
    texts = tuple(_text(symbol, path) for symbol in symbols)
    if len(set(texts)) != len(texts):
        raise _problem(path, "an enum with one symbol twice")
    default = node.get("default")
    if default is not None and default not in texts:
        raise _problem(path, "an enum whose default is none of its symbols")
    return Enum(name, texts, None if default is None else _text(default, path))


def _fixed(name: str, node: dict[str, object], path: str) -> Fixed:
    size = node.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _problem(path, "a fixed without a size")
    return Fixed(name, size)


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _text(node: object, path: str) -> str:
    if not isinstance(node, str):
        raise _problem(path, "text expected")
    return node


def _problem(path: str, what: str) -> SchemaError:
    return SchemaError((f"{path or 'schema'}: {what}",))
