"""The fold itself: rows in, reports, alerts and commands out, in the order of the service."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.pipeline import Output, Pipeline
from kedge.streams.replay.prepare import Prepared
from kedge.streams.tables import Frame

__all__ = ["Output", "replay"]

_ROWS_MAX: Final = 65_536
"""Rows counted at once; more would leave the processor's cache."""
_PANES_MAX: Final = 256
"""Panes counted at once: each has a vector of all bins, however few rows lie in it."""
_RECORD_BYTES_MAX: Final = 1 << 30
"""Nothing is sent anywhere: no broker's limit applies."""
_ENVIRONMENT: Final = "replay"


def replay(prepared: Prepared, progress: Callable[[int], None]) -> Iterator[Output]:
    """Yield what the service would have said; `progress` is told the rows of each step.

    Every window has one report, which is final. Commands are stamped with the time of the last row.
    """
    catalog = Catalog()
    catalog.put_monitor(prepared.monitor)
    catalog.put_baseline(prepared.baseline)
    data = prepared.data
    last = int(data.columns.timestamps[-1])
    codec = Codec(bytes_max=_RECORD_BYTES_MAX)
    pipeline = Pipeline(catalog, codec, environment=_ENVIRONMENT, clock_ms=last)
    whole = data.rows - _short_rows(prepared)
    for start, stop in _cuts(data, whole, prepared.windows.pane_ms):
        yield from pipeline.count(*data.between(start, stop).streams())
        progress(stop - start)
    if whole < data.rows:
        yield from _count_short(pipeline, data.between(whole, data.rows), prepared.rows_per_window or 0)
        progress(data.rows - whole)
    yield from pipeline.finish()


def _short_rows(prepared: Prepared) -> int:
    """Rows of the last window, if it has fewer than it should."""
    return 0 if prepared.rows_per_window is None else prepared.data.rows % prepared.rows_per_window


def _count_short(pipeline: Pipeline, last: Frame, rows_per_window: int) -> Iterator[Output]:
    """Count the last window; what it lacks goes to its streams by their shares, so that all are as complete."""
    parts = list(last.streams())
    for part in parts:
        pipeline.miss(part, round(part.rows * (rows_per_window - last.rows) / last.rows))
    yield from pipeline.count(*parts)


def _cuts(data: Frame, rows: int, pane_ms: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of steps that are quick to count: neither too many rows nor too many panes."""
    panes = data.columns.timestamps[:rows] // pane_ms
    index = np.cumsum(np.diff(panes, prepend=panes[:1]) != 0)
    start = 0
    while start < rows:
        stop = int(np.searchsorted(index, index[start] + _PANES_MAX))
        stop = min(stop, start + _ROWS_MAX, rows)
        yield start, stop
        start = stop
