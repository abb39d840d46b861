"""The documentation becomes a site without a warning: every page is reached, every reference resolves."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT


def build(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "dirhtml", "-c", str(ROOT / "docs")]
    return subprocess.run([*command, str(docs), str(site)], capture_output=True, text=True, check=False, timeout=300)


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    done = build(ROOT / "docs", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "concepts" / "index.html").is_file()


@pytest.mark.parametrize("text", ["[away](nowhere.md)", "[away](#nowhere)", "```{nothing}\n```"])
def test_what_leads_nowhere_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Title\n\n{text}\n")
    assert build(tmp_path / "docs", tmp_path / "site").returncode != 0
