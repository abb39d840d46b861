"""docs/contracts.md names every reason for which a record can be refused."""

import ast
from collections.abc import Iterator

from kedge.schemas.errors import Reason
from tests.docs.markdown import Page
from tests.support.repository import ROOT, files


def reasons_in(source: str) -> Iterator[str]:
    """The first argument of every `RefusedError`, where it stands there as text."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="RefusedError"), args=[ast.Constant(value=str() as reason), *_]):
                yield reason


def test_every_reason_for_a_dead_letter_is_on_the_page() -> None:
    found = {reason for path in files("streams/core", suffix=".py") for reason in reasons_in(path.read_text())}
    assert {"wrong_partition", "unknown_model"} <= found
    told = set(Page.of(ROOT / "docs" / "contracts.md").codes())
    assert sorted((found | set(Reason)) - told) == []
