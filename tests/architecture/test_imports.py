"""The import contracts of pyproject.toml hold, and each of them can be broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOMS, ROOT


def _contracts(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "400"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def _copy(target: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", target)
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room)
    shutil.copytree(ROOT / "src", target / "src", symlinks=True)
    return target


def test_the_contracts_hold() -> None:
    said = _contracts(ROOT)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("module", "line", "sentence"),
    [
        ("detectors/psi.py", "import kedge.schemas.errors", "Detectors know neither schemas nor streams"),
        ("schemas/errors.py", "import kedge.detectors.psi", "Schemas know neither detectors nor streams"),
        ("detectors/psi.py", "import time", "Detectors are arithmetic"),
        ("streams/core/panes.py", "import confluent_kafka", "The pure core of streaming does no IO"),
        ("streams/core/panes.py", "import kedge.streams.topics", "The shell stands above the pure core"),
        ("schemas/errors.py", "import scipy.stats", "A serving node carries nothing of the service"),
        ("streams/actuator/store.py", "import click", "A serving node carries nothing of the service"),
        ("streams/actuator/rules.py", "import time", "What an actuator decides is arithmetic"),
        ("streams/actuator/rules.py", "import kedge.streams.clock", "What an actuator decides is arithmetic"),
        ("schemas/errors.py", "import river.drift", "A serving node carries nothing of the service"),
        ("schemas/errors.py", "import cryptography", "Who publishes needs no signatures"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, module: str, line: str, sentence: str) -> None:
    with (_copy(tmp_path) / module).open("a") as source:
        source.write(f"\n{line}\n")
    said = _contracts(tmp_path)
    broken = [row for row in said.stdout.splitlines() if row.endswith("BROKEN")]
    assert [row for row in broken if row.startswith(sentence)], said.stdout
