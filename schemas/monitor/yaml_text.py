"""YAML as the monitor file takes it: the plain data of YAML 1.2's core schema, each key once.

PyYAML speaks YAML 1.1, where Norway (`NO`) is false, 010 is 8, 1e-3 is text and 2013-01-01 a date.
"""

import re
from typing import Final

import yaml

__all__ = ["load_yaml"]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with other ideas of what a plain word is."""

    yaml_implicit_resolvers: Final = {}  # type: ignore[misc]  # the parent's are what is not wanted

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - PyYAML's own signature
        """Refuse a key that comes twice, where PyYAML would take the last one."""
        seen = set()
        for key, _value in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name is None:
                raise yaml.constructor.ConstructorError(None, None, "a key that is not plain", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)


def load_yaml(text: str) -> object:
    """Return the one document in `text`; `ValueError` says what is wrong with it and in which line."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise ValueError(f"{place}{error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("not YAML") from error
