"""docs/guard.md has a row for whatever the guard can ask for, answer or be told, by the name that code gives it."""

from collections.abc import Iterable

import pytest

from kedge.schemas.monitor import Mode
from kedge.schemas.records import Action, OverrideAction
from kedge.streams.core.guarding.evidence import Rule
from kedge.streams.core.guarding.orders import End
from kedge.streams.core.guarding.rehearse import FAULTS
from kedge.streams.core.guarding.vetoes import VETOES
from tests.docs.markdown import Page
from tests.support.repository import ROOT

NAMES: dict[str, Iterable[str]] = {
    "vetoes": [veto.__name__ for veto in VETOES],
    "rules": Rule,
    "modes": Mode,
    "actions": Action,
    "overrides": OverrideAction,
    "ends": End,
    "faults": FAULTS,
}
"""StrEnums iterate as their values."""


@pytest.mark.parametrize("kind", NAMES)
def test_whatever_has_a_name_in_code_is_explained_under_that_name(kind: str) -> None:
    page = Page.of(ROOT / "docs" / "guard.md")
    told = set(page.codes())
    assert [str(name) for name in NAMES[kind] if str(name) not in told] == []
