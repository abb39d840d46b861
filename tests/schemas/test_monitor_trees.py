"""Files made from the layout: parser, canonical document and JSON Schema agree on every one of them."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from hypothesis import event, given, settings

from kedge.schemas.monitor import (
    ActionSpec,
    ActionsSpec,
    MonitorError,
    MonitorSpec,
    monitor_json_schema,
    parse_monitor,
    to_document,
)
from tests.schemas.guard_files import EVERYTHING, GUARD_GOOD
from tests.schemas.monitor_files import GOOD, HEAD
from tests.schemas.monitor_trees import any_file

VALIDATOR = jsonschema.Draft202012Validator(monitor_json_schema())
ACTIONS = ("page_owner", "freeze_rollout", "route_to_safe_path", "resume_rollout", "start_shadow", "request_retrain")


def parsed(tree: dict[str, Any]) -> MonitorSpec | None:
    try:
        return parse_monitor(json.dumps(tree), "tree")
    except MonitorError:
        return None


def keys(tree: object) -> Iterator[tuple[Any, ...]]:
    """The path of every key of every mapping in a document."""
    items: list[tuple[Any, Any]] = []
    if isinstance(tree, dict):
        items = list(tree.items())
        yield from ((name,) for name in tree)
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    for name, inner in items:
        yield from ((name, *rest) for rest in keys(inner))


def without(tree: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    made = deepcopy(tree)
    parent: Any = made
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return made


def says_no_default(document: str) -> bool:
    """Whether the document says something else, or nothing, without any one of its keys."""
    tree = json.loads(document)
    spec = parsed(tree)
    return all(parsed(without(tree, path)) != spec for path in keys(tree))


@settings(deadline=None)
@given(any_file())
def test_what_is_parsed_passes_the_json_schema_and_comes_back_from_a_document_without_defaults(
    tree: dict[str, Any],
) -> None:
    spec = parsed(tree)
    event("parsed" if spec else "refused")
    if spec is None:
        return
    VALIDATOR.validate(tree)
    document = to_document(spec)
    assert parse_monitor(document, "document") == spec
    VALIDATOR.validate(json.loads(document))
    assert says_no_default(document)


@pytest.mark.parametrize("text", [*GOOD.values(), *GUARD_GOOD.values(), HEAD + EVERYTHING])
def test_a_document_leaves_out_every_default(text: str) -> None:
    assert says_no_default(to_document(parse_monitor(text, "file")))


def test_a_file_that_says_the_defaults_has_the_document_of_one_that_says_nothing_but_its_sections() -> None:
    spoken = parse_monitor(GUARD_GOOD["everything as it is anyway"], "spoken")
    silent = parse_monitor(HEAD + "comparison:\noutcomes: {click: }\n", "silent")
    assert to_document(spoken) == to_document(silent)
    empty = parse_monitor(GUARD_GOOD["empty guard sections"], "empty")
    assert to_document(empty) == '{"comparison":{},"model":"delay","owner":"ops","promotion":{}}'


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("mode", ["off", "dry_run", "advise", "armed"])
def test_an_action_given_in_part_keeps_the_rest_of_its_own_defaults(action: str, mode: str) -> None:
    spec = parse_monitor(HEAD + f"actions: {{{action}: {{mode: {mode}}}}}\n", "file")
    default: ActionSpec = getattr(ActionsSpec(), action)
    made: ActionSpec = getattr(spec.actions, action)
    assert (made.mode, made.expires_after_ms, made.actuators) == (mode, default.expires_after_ms, ())
    assert (to_document(spec) == '{"model":"delay","owner":"ops"}') == (mode == default.mode)


@pytest.mark.parametrize("action", ACTIONS[1:])
def test_an_action_given_without_its_mode_keeps_it(action: str) -> None:
    spec = parse_monitor(HEAD + f"actions: {{{action}: {{expires_after: 7m}}}}\n", "file")
    assert getattr(spec.actions, action) == ActionSpec(
        mode=getattr(ActionsSpec(), action).mode, expires_after_ms=420_000
    )
    untouched = [name for name in ACTIONS if name != action]
    assert [getattr(spec.actions, name) for name in untouched] == [getattr(ActionsSpec(), name) for name in untouched]


def test_a_rollback_advises_and_its_command_lasts_ten_minutes_unless_said() -> None:
    actions = parse_monitor(HEAD, "file").actions
    assert (actions.route_to_safe_path.mode, actions.route_to_safe_path.expires_after_ms) == ("advise", 600_000)
    assert (actions.freeze_rollout.mode, actions.freeze_rollout.expires_after_ms) == ("armed", 86_400_000)
    assert actions.resume_rollout.mode == "off"
