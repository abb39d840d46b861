"""Whatever reaches a person has a runbook, and every runbook answers the same questions."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kedge.schemas.records import Action
from tests.docs.markdown import Page
from tests.support.repository import ROOT, files

RUNBOOKS = ROOT / "docs" / "runbooks"
INDEX = RUNBOOKS / "README.md"
QUESTIONS = ["Is it true?", "The first five minutes", "The command", "Undo", "Whom to wake"]
ACTIONS = {action.value for action in Action}


def subjects_in(source: str) -> Iterator[str]:
    """Every text that a piece of code gives to something called `subject`: as an argument, a default or a value."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="subject", value=value):
                pass
            case ast.Assign(targets=[ast.Attribute(attr="subject")], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id="subject"), value=ast.expr() as value):
                pass
            case _:
                continue
        yield from _texts(value)


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=otherwise):
            yield from _texts(body)
            yield from _texts(otherwise)


SUBJECTS = {subject for path in files("streams/core", suffix=".py") for subject in subjects_in(path.read_text())}


RULES = {
    "KedgeActionFailed",
    "KedgeCheckpointOld",
    "KedgeCommandUnacked",
    "KedgeDeadLettersRising",
    "KedgeDriftPage",
    "KedgeDrillOverdue",
    "KedgeErrorBudgetBurn",
    "KedgeErrorShareHigh",
    "KedgeLatencyHigh",
    "KedgeModelOld",
    "KedgeNoData",
    "KedgePublisherDrops",
    "KedgeRegistryAway",
    "KedgeRollbackSent",
    "KedgeSensingDegraded",
    "KedgeWatermarkStuck",
    "KedgeWorkerDown",
}
"""The alerts of Prometheus; `test_every_rule_of_prometheus_is_among_them` reads them in deploy/."""


def alerts_in(text: str) -> list[str]:
    """The alerts that a file of rules, or of their tests, names."""
    return re.findall(r"^\s*(?:- )?alert(?:name)?: (Kedge\w+)$", text, re.MULTILINE)


def page_of(rule: str) -> str:
    """KedgeNoData: no_data."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", rule.removeprefix("Kedge")).lower()


def pages() -> list[Path]:
    return [path for path in sorted(RUNBOOKS.glob("*.md")) if path != INDEX]


def test_every_subject_of_an_alert_and_every_action_has_its_page_and_no_page_is_left_over() -> None:
    assert {path.stem for path in pages()} == SUBJECTS | {action.lower() for action in ACTIONS} | set(
        map(page_of, RULES)
    )


def test_every_rule_of_prometheus_is_among_them() -> None:
    named = [name for path in files("deploy/prometheus", suffix=".yml") for name in alerts_in(path.read_text())]
    assert set(named) == RULES
    assert alerts_in("rules:\n  - alert: KedgeNew\n    expr: up\n") == ["KedgeNew"]


def test_the_index_names_every_rule_beside_its_page() -> None:
    text = INDEX.read_text()
    assert [rule for rule in sorted(RULES) if f"| [{rule}]({page_of(rule)}.md) |" not in text] == []


def test_the_subjects_are_found_however_code_names_them() -> None:
    code = 'tell(Notice(subject="a" if x else "b"))\nincident.subject = "c"\nsubject: str = "d"\nother = "e"'
    assert set(subjects_in(code)) == {"a", "b", "c", "d"}
    assert {"drift", "rollback", "action_failed"} <= SUBJECTS


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_page_says_what_it_means_and_answers_every_question(path: Path) -> None:
    tokens = Page.of(path).tokens
    headings = [b.content for a, b in pairwise(tokens) if a.type == "heading_open"]
    name = path.stem.upper() if path.stem.upper() in ACTIONS else path.stem
    assert headings == [name, *QUESTIONS]
    assert tokens[3].type == "paragraph_open"
    for heading, answer in zip(tokens, tokens[3:], strict=False):
        assert heading.type != "heading_open" or answer.type != "heading_open", path.stem


def test_the_index_leads_to_every_page() -> None:
    assert set(Page.of(INDEX).links()) >= {path.name for path in pages()}
