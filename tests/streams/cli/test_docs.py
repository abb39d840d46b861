"""What the docs say of the command line and the monitor file works."""

import re
from pathlib import Path

import pytest

from kedge.schemas.monitor import parse_monitor
from tests.support.generated_docs import DOCS
from tests.support.repository import ROOT

MONITORS = re.findall(r"```yaml\n(.*?)```", (DOCS / "monitor-file.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", MONITORS)
def test_the_monitor_files_in_the_docs_are_well(text: str) -> None:
    parse_monitor(text, "docs/monitor-file.md")


def test_the_fuller_monitor_file_shows_every_key() -> None:
    schema_keys = set(re.findall(r'^ {4}"(\w+)": \{', (DOCS / "monitor.schema.json").read_text(), re.MULTILINE))
    shown = {line.split(":")[0] for line in MONITORS[1].splitlines() if re.match(r"\w", line)}
    assert shown == schema_keys


def test_every_variable_that_the_code_reads_is_in_the_docs() -> None:
    sources = [path.read_text() for path in Path(ROOT, "streams").rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"KEDGE_[A-Z_]*[A-Z]", text)} - {"KEDGE_PUBLISHER"}
    told = set(re.findall(r"KEDGE_[A-Z_]*[A-Z]", (DOCS / "cli.md").read_text()))
    assert read <= told
