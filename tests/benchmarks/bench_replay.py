"""`kedge replay` of a million rows of 20 features, from a file to the last report, in this process.

Reading, fitting the baseline to the first tenth, and folding the rest into windows of 10,000 rows are timed apart.
"""

import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from kedge.schemas.records import Report
from kedge.streams.replay import Request, prepare, replay
from kedge.streams.tables import Roles, read_frame

ROWS: Final = 1_000_000
NUMBERS: Final = 18
TEXTS: Final = 2
REFERENCE: Final = 100_000
WINDOW: Final = 10_000


def run() -> dict[str, float]:
    """Measure Parquet whole and CSV's reading.

    Raises:
        RuntimeError: a window is missing, so that the figures mean nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        parquet, csv = Path(folder, "rows.parquet"), Path(folder, "rows.csv")
        table = _table()
        pa_parquet.write_table(table, parquet)
        pa_csv.write_csv(table, csv)
        started = time.perf_counter()
        data = read_frame(parquet, Roles(), "m")
        read = time.perf_counter()
        prepared = prepare(Request(data=data, reference_rows=REFERENCE, rows_per_window=WINDOW))
        fitted = time.perf_counter()
        reports = sum(isinstance(output, Report) for output in replay(prepared, lambda _: None))
        ended = time.perf_counter()
        if reports != (ROWS - REFERENCE) // WINDOW:
            message = f"{reports} reports"
            raise RuntimeError(message)
        read_frame(csv, Roles(), "m")
        csv_read = time.perf_counter()
    return {
        "parquet_total_s": ended - started,
        "parquet_read_s": read - started,
        "csv_read_s": csv_read - ended,
        "fit_s": fitted - read,
        "fold_s": ended - fitted,
        "fold_rows_per_s": (ROWS - REFERENCE) / (ended - fitted),
    }


def _table() -> Any:
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"number_{i}": rng.normal(size=ROWS) for i in range(NUMBERS)}
    names = np.array([f"category {i}" for i in range(30)])
    columns |= {f"text_{i}": names[rng.integers(0, names.size, ROWS)] for i in range(TEXTS)}
    return pa.table(columns)
