"""What the docs say of the command line and the monitor file works."""

import re

import pytest

from kedge.schemas.monitor import parse_monitor
from tests.support.generated_docs import DOCS

MONITORS = re.findall(r"```yaml\n(.*?)```", (DOCS / "monitor-file.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", MONITORS)
def test_the_monitor_files_in_the_docs_are_well(text: str) -> None:
    parse_monitor(text, "docs/monitor-file.md")


def test_the_fuller_monitor_file_shows_every_key() -> None:
    schema_keys = set(re.findall(r'^ {4}"(\w+)": \{', (DOCS / "monitor.schema.json").read_text(), re.MULTILINE))
    shown = {line.split(":")[0] for line in MONITORS[1].splitlines() if re.match(r"\w", line)}
    assert shown == schema_keys
