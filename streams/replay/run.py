"""The fold itself: rows in, reports, alerts and commands out, in the order of the service."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.records import Report
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.pipeline import Output, Pipeline
from kedge.streams.replay.outcomes import outcomes_of
from kedge.streams.replay.prepare import Prepared
from kedge.streams.tables import Frame

__all__ = ["ENVIRONMENT", "Output", "replay", "said"]

_ROWS_MAX: Final = 65_536
"""Rows counted at once; more would leave the processor's cache."""
_PANES_MAX: Final = 256
"""Panes counted at once: each has a vector of all bins, however few rows lie in it."""
_RECORD_BYTES_MAX: Final = 1 << 30
"""Nothing is sent anywhere: no broker's limit applies."""
ENVIRONMENT: Final = "replay"


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
    pipeline = Pipeline(catalog, codec, environment=ENVIRONMENT, clock_ms=last)
    whole = data.rows - _short_rows(prepared)
    for start, stop in _cuts(prepared, whole):
        yield from said(_count(pipeline, data.between(start, stop), prepared))
        progress(stop - start)
    if whole < data.rows:
        yield from said(_count_short(pipeline, data.between(whole, data.rows), prepared))
        progress(data.rows - whole)
    yield from said(pipeline.finish())


def said(outputs: Iterable[Output]) -> Iterator[Output]:
    """Leave out what is said again: where joins wait, a window is told when it closes and when it is final."""
    return (output for output in outputs if not isinstance(output, Report) or output.final)


def _count(pipeline: Pipeline, rows: Frame, prepared: Prepared) -> Iterator[Output]:
    return pipeline.count(*rows.streams(), outcomes=outcomes_of(rows, prepared.outcome))


def _short_rows(prepared: Prepared) -> int:
    """Rows of the last window, if it has fewer than it should."""
    return 0 if prepared.rows_per_window is None else prepared.data.rows % prepared.rows_per_window


def _count_short(pipeline: Pipeline, last: Frame, prepared: Prepared) -> Iterator[Output]:
    """Count the last window; what it lacks goes to its streams by their shares, so that all are as complete."""
    rows_per_window = prepared.rows_per_window or 0
    for part in last.streams():
        pipeline.miss(part, round(part.rows * (rows_per_window - last.rows) / last.rows))
    yield from _count(pipeline, last, prepared)


def _cuts(prepared: Prepared, rows: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of steps that are quick to count: neither too many rows nor too many panes.

    What is joined waits for no longer than its horizon, so that a step must not reach beyond it.
    """
    data, pane_ms, spec = prepared.data, prepared.windows.pane_ms, prepared.spec
    panes_max = min(_PANES_MAX, max(1, spec.compared.join_horizon_ms // pane_ms)) if spec.joins else _PANES_MAX
    panes = data.columns.timestamps[:rows] // pane_ms
    index = np.cumsum(np.diff(panes, prepend=panes[:1]) != 0)
    start = 0
    while start < rows:
        stop = int(np.searchsorted(index, index[start] + panes_max))
        stop = min(stop, start + _ROWS_MAX, rows)
        yield start, stop
        start = stop
