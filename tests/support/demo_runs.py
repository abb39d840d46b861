"""Runs of `kedge demo --json` as a user starts them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import spawn

KEDGE = Path(sys.executable).with_name("kedge")
LONGEST_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """How a run ended, and what it said."""

    code: int
    summary: dict[str, Any]
    said: str


def run_demo(*options: str) -> DemoRun:
    """Run it to its end; what it prints on standard output must be one JSON object."""
    done = subprocess.run(
        [KEDGE, "demo", "--json", *options], capture_output=True, text=True, check=False, timeout=LONGEST_S
    )
    [line] = done.stdout.splitlines() or ["{}"]
    return DemoRun(code=done.returncode, summary=json.loads(line), said=done.stderr)


def start_demo(log: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start it; everything that it prints goes to `log`."""
    return spawn([str(KEDGE), "demo", *options], log=log)
