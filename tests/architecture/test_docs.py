"""Tables in the docs that are made from the code are what the code says now."""

import pytest

from tests.support.generated_docs import DOCS, FILES, TABLES, renewed, sections


@pytest.mark.parametrize("page", sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")))
def test_a_page_holds_what_the_code_says(page: str) -> None:
    text = (DOCS / page).read_text()
    assert text == renewed(text), "run `make docs`"


def test_every_table_stands_on_a_page() -> None:
    named = {name for page in DOCS.rglob("*.md") for name in sections(page.read_text())}
    assert named == set(TABLES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == FILES[name](), "run `make docs`"
