"""The command line in this process."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from click.testing import CliRunner, Result

from kedge.streams.cli.root import kedge


def call(*arguments: object, env: Mapping[str, str] | None = None) -> Result:
    """Run `kedge` with arguments; no KEDGE_* variable comes from outside."""
    unset: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("KEDGE_"))
    result = CliRunner(env={**unset, **(env or {})}).invoke(kedge, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


def lines(result: Result) -> list[Any]:
    """Return standard output as one JSON document a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def table(path: Path, rows: int = 4_000, *, seed: int = 0, shift_from: int | None = None) -> Path:
    """Write a CSV file: two numbers, a category, a score, a label, a region, a time."""
    rng = np.random.default_rng(seed)
    amount = rng.normal(100, 15, rows)
    if shift_from is not None:
        amount[shift_from:] *= 1.6
    columns = {
        "when": 1_357_034_400 + np.arange(rows),
        "amount": amount.round(3),
        "age": rng.integers(18, 90, rows),
        "carrier": rng.choice(["AA", "UA", "DL"], rows),
        "score": rng.random(rows).round(4),
        "label": rng.choice(["yes", "no"], rows),
        "region": rng.choice(["eu", "us"], rows),
    }
    pa_csv.write_csv(pa.table(columns), path)
    return path
