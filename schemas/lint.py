"""What a schema must not be, whoever wrote it: a few bytes that cost a reader much.

`array<null>` turns five bytes into hundreds of megabytes. So nothing may take zero bytes: then
whatever a message makes a reader do is in proportion to its length. Null stays allowed inside a
union, where the branch's index is a byte.
"""

from typing import Final

from kedge.schemas.errors import SchemaError
from kedge.schemas.schema import (
    Array,
    Enum,
    Fixed,
    Map,
    Primitive,
    Record,
    Schema,
    Union,
)

__all__ = ["DEPTH_MAX", "FIELDS_MAX", "TEXT_MAX", "check_schema"]

DEPTH_MAX: Final = 4
"""Arrays, maps and records that a value may lie in, below the outermost record."""
FIELDS_MAX: Final = 1_000
"""Fields, union branches and symbols of all types together."""
TEXT_MAX: Final = 65_536
"""Characters of the schema's JSON."""


def check_schema(schema: Schema, text_length: int = 0) -> None:
    """Raise `SchemaError` with every rule that `schema` breaks; recursion the parser refuses.

    `text_length` is that of its JSON.
    """
    problems = []
    if text_length > TEXT_MAX:
        problems.append(f"schema: longer than {TEXT_MAX} characters")
    if not isinstance(schema, Record):
        problems.append("schema: the outermost type must be a record")
    walk = _Walk()
    walk.visit(schema, 0, "schema")
    problems += walk.problems
    if walk.size > FIELDS_MAX:
        problems.append(f"schema: more than {FIELDS_MAX} fields, branches and symbols")
    if problems:
        raise SchemaError(tuple(problems))


class _Walk:
    """Visits a named type once at each depth, so that reuse cannot multiply the work."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.size = 0
        self.seen: dict[str, int] = {}

    def visit(self, schema: Schema, depth: int, path: str) -> None:
        if depth > DEPTH_MAX:
            self.problems.append(f"{path}: nested deeper than {DEPTH_MAX}")
            return
        match schema:
            case Primitive("null"):
                self.problems.append(f"{path}: null outside a union takes zero bytes")
            case Fixed(size=0):
                self.problems.append(f"{path}: fixed of zero bytes")
            case Array(inner) | Map(inner):
                self.visit(inner, depth + 1, f"{path}[]")
            case Union(branches):
                self.visit_union(branches, depth, path)
            case Enum(name, symbols) if name not in self.seen:
                self.seen[name] = depth
                self.size += len(symbols)
            case Record():
                self.visit_record(schema, depth, path)

    def visit_union(self, branches: tuple[Schema, ...], depth: int, path: str) -> None:
        self.size += len(branches)
        if not branches:
            self.problems.append(f"{path}: union without a branch")
        for branch in branches:
            if branch != Primitive("null"):
                self.visit(branch, depth, path)

    def visit_record(self, record: Record, depth: int, path: str) -> None:
        if self.seen.get(record.name, -1) >= depth:
            return
        if record.name not in self.seen:
            self.size += len(record.fields)
        self.seen[record.name] = depth
        if not record.fields:
            self.problems.append(f"{path}: record of zero bytes")
        for field in record.fields:
            self.visit(field.type, depth + (path != "schema"), f"{path}.{field.name}")
