"""Any monitor file that has the right shapes, from the layout itself: what it says may still contradict itself."""

import json
from typing import Any

from hypothesis import strategies as st

from kedge.schemas.monitor.layout import MONITOR
from kedge.schemas.monitor.scalars import Choice, Date, Duration, Flag, Number, Shape, Text, Whole
from kedge.schemas.monitor.shapes import ListOf, MapOf, Pair, Section

# Few, so that one part of a file often names another.
_NAMES = st.sampled_from(["click", "paid", "score", "errors", "v1", "v2", "other", "a.b", "Zürich"])
_MANY = 3
_SECONDS = [0, 1, 60, 120, 300, 600, 3_600, 86_400, 7 * 86_400, 45 * 86_400]


def any_file() -> st.SearchStrategy[dict[str, Any]]:
    """Up to four sections of a file."""
    parts = [
        st.fixed_dictionaries({name: any_node(shape)})
        for name, (shape, _doc) in MONITOR.keys.items()
        if name not in {"model", "owner"}
    ]
    chosen = st.lists(st.one_of(parts), max_size=4)
    return chosen.map(lambda found: {"model": "m", "owner": "o"} | {key: part[key] for part in found for key in part})


def any_node(shape: Shape) -> st.SearchStrategy[Any]:
    """What a shape takes, as JSON."""
    match shape:
        case Section():
            parts = {name: any_node(inner) for name, (inner, _doc) in shape.keys.items()}
            required = {name: parts.pop(name) for name in tuple(shape.required())}
            return st.fixed_dictionaries(required, optional=parts)
        case MapOf(key, value, _greatest):
            return st.dictionaries(any_node(key), any_node(value), max_size=_MANY)
        case ListOf(item, least, _greatest):
            return st.lists(any_node(item), min_size=least, max_size=_MANY, unique_by=json.dumps)
        case Pair():
            return st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2).map(sorted)
    return _any_scalar(shape)


def _any_scalar(shape: Shape) -> st.SearchStrategy[Any]:
    match shape:
        case Choice(words):
            return st.sampled_from(words)
        case Flag():
            return st.booleans()
        case Date():
            return st.dates().map(str)
        case Text(_length, pattern):
            return _NAMES if pattern is None or not pattern.startswith("^http") else st.just("https://example.com/r")
        case Duration(least_ms, greatest_ms):
            return st.sampled_from([s for s in _SECONDS if least_ms <= s * 1_000 <= greatest_ms])
        case Whole(least, greatest):
            return st.integers(least, min(greatest, least + 10))
        case Number(least, greatest, is_open):
            low, high = least or 0.0, 100.0 if greatest is None else greatest
            return st.floats(low, high, exclude_min=is_open, exclude_max=is_open)
    raise AssertionError(shape)
