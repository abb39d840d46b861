"""What in docs/ is made from the code, and `python -m tests.support.generated_docs` to renew it.

A table stands between `<!-- generated: NAME -->` and `<!-- end -->`; `FILES` are made as a whole.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from kedge.schemas.monitor import monitor_json_schema
from kedge.streams.core.guarding.states import transition_diagram
from kedge.streams.events import events_table_markdown
from kedge.streams.topics import rights_markdown, topics_table_markdown
from kedge.streams.variables import settings_markdown
from kedge.streams.worker.metrics import metrics_table_markdown
from tests.support.cli_docs import cli_markdown
from tests.support.signing_docs import signing_vector_markdown

DOCS = Path(__file__).resolve().parents[2] / "docs"

TABLES: Mapping[str, Callable[[], str]] = {
    "cli": cli_markdown,
    "events": events_table_markdown,
    "guard-states": transition_diagram,
    "rights": rights_markdown,
    "settings": settings_markdown,
    "metrics": metrics_table_markdown,
    "signing-vector": signing_vector_markdown,
    "topics": topics_table_markdown,
}

FILES: Mapping[str, Callable[[], str]] = {
    "monitor.schema.json": lambda: json.dumps(monitor_json_schema(), indent=2) + "\n"
}

_SECTION = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def renewed(text: str) -> str:
    """The text with every generated section made anew.

    Raises:
        KeyError: a section names a table that does not exist.
    """
    return _SECTION.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}{found[4]}", text)


def sections(text: str) -> list[str]:
    """The names of the generated sections in a text."""
    return [found["name"] for found in _SECTION.finditer(text)]


def main() -> int:
    """Renew all pages and files; prints the pages that changed."""
    for name, make in FILES.items():
        (DOCS / name).write_text(make())
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text()
        if renewed(text) != text:
            page.write_text(renewed(text))
            print(page.relative_to(DOCS.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
