"""What lists and mappings in a monitor file may look like, made of the shapes of their parts.

Every part is read before anything is refused, so that a file is judged whole and not up to its first mistake.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from kedge.schemas.monitor.notes import FAILED, Notes, Problem, join
from kedge.schemas.monitor.scalars import Choice, Duration, Json, Shape, Text, finite

__all__ = ["ListOf", "MapOf", "Pair", "Section"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two numbers, the second no less than the first, as a tuple."""

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return both numbers."""
        values = [finite(item) for item in node] if isinstance(node, list) else []
        match values:
            case [float(low), float(high)] if low <= high:
                return (low, high)
            case [float(low), float(high)]:
                return notes.add(path, f"[{low:g}, {high:g}] given, expected the least first")
        return notes.refuse(path, node, "two numbers [least, greatest]")

    def write(self, value: tuple[float, float]) -> object:
        """Return both numbers."""
        return list(value)

    def json_schema(self) -> Json:
        """Return an array schema; the order only the parser sees."""
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


@dataclass(frozen=True, slots=True)
class ListOf:
    """From `least` to `greatest` different items, as a tuple."""

    item: Shape
    least: int
    greatest: int

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the items."""
        if not isinstance(node, list) or not self.least <= len(node) <= self.greatest:
            return notes.refuse(path, node, f"a list of {self.least} to {self.greatest}")
        items = [self.item.read(item, f"{path}[{place}]", notes) for place, item in enumerate(node)]
        if any(item is FAILED for item in items):
            return FAILED
        if len(set(items)) != len(items):
            return notes.refuse(path, node, "each item once")
        return tuple(items)

    def write(self, value: tuple[object, ...]) -> object:
        """Return the items."""
        return [self.item.write(item) for item in value]

    def json_schema(self) -> Json:
        """Return an array schema."""
        return {
            "type": "array",
            "items": self.item.json_schema(),
            "minItems": self.least,
            "maxItems": self.greatest,
            "uniqueItems": True,
        }


@dataclass(frozen=True, slots=True)
class MapOf:
    """At most `greatest` values by name, as a mapping."""

    key: Text | Choice
    value: Shape
    greatest: int

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the mapping, in the file's order."""
        if not isinstance(node, dict) or len(node) > self.greatest:
            return notes.refuse(path, node, f"a mapping of at most {self.greatest}")
        values = {}
        for name, item in node.items():
            place = join(path, name)
            values[self.key.read(name, place, notes)] = self.value.read(item, place, notes)
        return FAILED if FAILED in values or FAILED in values.values() else values

    def write(self, value: Mapping[str, object]) -> object:
        """Return the mapping."""
        return {name: self.value.write(item) for name, item in value.items()}

    def json_schema(self) -> Json:
        """Return an object schema."""
        return {
            "type": "object",
            "propertyNames": self.key.json_schema(),
            "additionalProperties": self.value.json_schema(),
            "maxProperties": self.greatest,
        }


Rule = Callable[[Any], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of known keys, as a dataclass whose defaults are the file's.

    `keys` maps each key to its shape and to what editors say of it. The field has the key's name, with `_ms` after it
    for a duration. `beside` names keys that make no sense without some others. `rules` see the finished value and
    return what contradicts itself, with paths from here; `extra` is JSON Schema for as many of them as it can express.
    Where the defaults of this place are not the dataclass's own, `base` holds them.
    """

    make: type[Any]
    keys: Mapping[str, tuple[Shape, str]]
    rules: Rule = lambda _value: ()
    extra: Mapping[str, object] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    base: Any = None

    def read(self, node: object, path: str, notes: Notes) -> object:
        """Return the dataclass; a key without a value (`age:`) is an empty mapping."""
        given = {} if node is None else node
        if not isinstance(given, dict):
            return notes.refuse(path, node, "a mapping")
        before = len(notes.problems)
        self.check_keys(given, path, notes)
        values = {
            self.field(name): shape.read(given[name], join(path, name), notes)
            for name, (shape, _doc) in self.keys.items()
            if name in given
        }
        if len(notes.problems) > before:
            return FAILED
        made = self.make(**values) if self.base is None else replace(self.base, **values)
        for problem in self.rules(made):
            notes.add(f"{path}.{problem.path}" if path else problem.path, problem.what)
        return FAILED if len(notes.problems) > before else made

    def check_keys(self, given: Mapping[object, object], path: str, notes: Notes) -> None:
        """Note the keys that are unknown, and those that are missing."""
        for name in given:
            if name not in self.keys:
                notes.add(join(path, name), f"unknown key, expected one of {', '.join(self.keys)}")
        for name in self.required():
            if name not in given:
                notes.add(join(path, name), "required")
        for name, others in self.beside.items():
            if name in given and not all(other in given for other in others):
                notes.add(join(path, name), f"expected {' and '.join(others)} beside it")

    def write(self, value: object) -> object:
        """Return the keys whose values are not the defaults, and those that belong beside them."""
        defaults = self.defaults()
        written = {name for name in self.keys if getattr(value, self.field(name)) != defaults.get(name, MISSING)}
        written.update(*(others for name, others in self.beside.items() if name in written))
        return {
            name: shape.write(getattr(value, self.field(name)))
            for name, (shape, _doc) in self.keys.items()
            if name in written
        }

    def json_schema(self) -> Json:
        """Return an object schema that knows no other key."""
        properties = {name: {**shape.json_schema(), "description": doc} for name, (shape, doc) in self.keys.items()}
        required = list(self.required())
        return {
            "type": "object" if required else ["object", "null"],
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **(
                {"dependentRequired": {name: list(others) for name, others in self.beside.items()}}
                if self.beside
                else {}
            ),
            **self.extra,
        }

    def field(self, key: str) -> str:
        """Return the name of a key's field."""
        return f"{key}_ms" if isinstance(self.keys[key][0], Duration) else key

    def defaults(self) -> dict[str, object]:
        """Return each optional key's default."""
        if self.base is not None:
            return {key: getattr(self.base, self.field(key)) for key in self.keys}
        own = {part.name: part for part in fields(self.make)}
        found: dict[str, object] = {}
        for key in self.keys:
            part = own[self.field(key)]
            if part.default is not MISSING:
                found[key] = part.default
            elif part.default_factory is not MISSING:
                found[key] = part.default_factory()
        return found

    def required(self) -> Iterable[str]:
        """Return the keys that have no default."""
        defaults = self.defaults()
        return (key for key in self.keys if key not in defaults)
