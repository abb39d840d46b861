"""The examples in the docstrings run.

pytest's own `--doctest-modules` would import every file below tests/ too, the programs that tests start among them.
"""

import doctest
import importlib
from pathlib import Path

import pytest

from tests.support.repository import ROOMS, ROOT, files


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["kedge", *parts]).removesuffix(".__init__")


WITH_EXAMPLES = [_name(path) for path in files(*ROOMS, suffix=".py") if ">>>" in path.read_text()]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_in_a_module_run(module: str) -> None:
    tried = doctest.testmod(importlib.import_module(module))
    assert tried.attempted > 0
    assert tried.failed == 0
