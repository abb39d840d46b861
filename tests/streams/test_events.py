"""Every line that the code logs is an event of the table, with the fields that the table names."""

import ast
import inspect
from collections.abc import Iterator

import pytest

from kedge.streams import events
from kedge.streams.events import EVENTS, Event
from kedge.streams.logs import JsonFormatter
from kedge.streams.worker.chronicle import PREFIXES, STEPS
from tests.support.repository import ROOT

NAMES = {name: value for name, value in vars(events).items() if isinstance(value, Event)}
LOGGERS = {"LOG", "_LOG", "LOGGER", "_LOGGER", "logger", "_logger", "logging"}
ALWAYS = {"time", "level", "logger", "message", "event", "exception"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "streams").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call of a method, with the file it stands in and the name of the method."""
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield f"{name}:{node.lineno}", node, node.func.attr


def told() -> Iterator[tuple[str, Event, set[str]]]:
    """Every place that logs an event by its name in code, and the fields written out there."""
    for where, call, method in calls():
        given = call.func.value if isinstance(call.func, ast.Attribute) else None
        words = [*([given] if method == "tell" else []), *call.args[:1]]
        for word in words:
            name = word.attr if isinstance(word, ast.Attribute) else getattr(word, "id", "")
            if method == "tell" and name in NAMES:
                yield where, NAMES[name], {keyword.arg for keyword in call.keywords if keyword.arg is not None}


def test_a_call_gives_only_fields_that_the_table_has() -> None:
    found = list(told())
    assert {where for where, event, given in found if given - set(event.fields)} == set()
    assert len(found) > 40


def test_every_event_is_logged_somewhere() -> None:
    others = (tree for name, tree in trees() if name != "streams/events.py")
    nodes = (node for tree in others for node in ast.walk(tree))
    used = {getattr(node, "attr", getattr(node, "id", "")) for node in nodes}
    assert {name for name in NAMES if name not in used} == set()
    assert {event.name for event in NAMES.values()} == set(EVENTS)


def test_nothing_is_logged_beside_the_table() -> None:
    methods = {"debug", "info", "warning", "error", "exception", "critical"}
    found = [
        where
        for where, call, method in calls()
        if method in methods
        and isinstance(call.func, ast.Attribute)
        and (getattr(call.func.value, "id", "") or getattr(call.func.value, "attr", "")) in LOGGERS
    ]
    assert found == []


def test_no_field_hides_what_every_line_has() -> None:
    assert {name for name, event in EVENTS.items() if ALWAYS & set(event.fields)} == set()
    assert "event" in inspect.getsource(JsonFormatter)


def steps() -> Iterator[str]:
    """The names that the guard gives its steps, as far as they are written out."""
    for name, tree in trees():
        for node in ast.walk(tree) if name.startswith("streams/core/guarding") else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
                yield from _texts(node.args[0])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        yield from _texts(node.values[0])
    elif isinstance(node, ast.Constant):
        yield str(node.value)


@pytest.mark.parametrize("step", sorted(set(steps())))
def test_every_step_of_the_guard_is_an_event(step: str) -> None:
    assert any(known.startswith(step) for known in STEPS) or any(step.startswith(prefix) for prefix in PREFIXES), step
