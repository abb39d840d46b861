"""A request to replay, made ready: the monitor, the baseline, the rows and their times."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from kedge.schemas.monitor import ComparisonSpec, MonitorSpec, WindowSpec, monitor_hash, to_document
from kedge.schemas.records import Baseline, Monitor, Provenance
from kedge.streams.core.columns import Columns
from kedge.streams.core.fit import FitOptions, fit
from kedge.streams.replay.errors import ReplayError
from kedge.streams.replay.outcomes import infer_outcome, kind_of
from kedge.streams.tables import Frame
from kedge.streams.tables.frame import ROW_MS

__all__ = ["Prepared", "ReplayError", "Request", "infer_monitor", "prepare"]

_SEGMENT_VALUES_MAX: Final = 20
_SEGMENT_ROWS_MIN: Final = 20
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to replay.

    Either `reference` or `reference_rows` says what to compare with.
    """

    data: Frame
    reference: Frame | None = None
    reference_rows: int = 0
    """The first rows of the data, which give no report."""
    monitor: MonitorSpec | None = None
    """None: inferred."""
    rows_per_window: int | None = None
    """For data without time: pane, window and hop are so many rows."""
    dataset: str = ""
    """What the baseline's provenance says."""
    created_at: int = 0
    allow_id_like: frozenset[str] = field(default_factory=frozenset)
    outcome: str = ""
    """Name of the data's column of outcomes; empty: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything that the fold needs."""

    monitor: Monitor
    windows: WindowSpec
    baseline: Baseline
    data: Frame
    first_row: int
    """Where in the file the data begin."""
    rows_per_window: int | None
    outcome: str = ""
    """The kind of the data's outcomes; empty: it has none."""
    spec: MonitorSpec


def prepare(request: Request) -> Prepared:
    """Fit the baseline and set the rows' times.

    Raises:
        ReplayError: no rows are left.
        FitError: the reference cannot be a baseline.
    """
    reference, data = _split(request)
    spec = request.monitor or _with_joins(infer_monitor(reference), request)
    if request.rows_per_window is not None:
        data = data.timed(np.arange(data.rows, dtype=np.int64) * ROW_MS)
    provenance = Provenance(dataset=request.dataset, rows=reference.rows, created_at=request.created_at)
    options = FitOptions(monitor=spec, allow_id_like=request.allow_id_like)
    windows = _windows(spec, request.rows_per_window)
    known = data.outcomes
    return Prepared(
        # The hash is the given file's: reports name the monitor that was meant.
        monitor=Monitor(
            model=spec.model,
            hash=monitor_hash(to_document(spec)),
            effective_from=0,
            document=to_document(replace(spec, windows=windows)),
        ),
        windows=windows,
        baseline=fit(reference, provenance, options),
        data=data,
        first_row=request.reference_rows if request.reference is None else 0,
        rows_per_window=request.rows_per_window,
        outcome="" if known is None else kind_of(spec, request.outcome, known),
        spec=spec,
    )


def _with_joins(spec: MonitorSpec, request: Request) -> MonitorSpec:
    """Follow requests where the data say which is which: versions are compared, outcomes judged."""
    data = request.data
    if data.outcomes is not None:
        spec = replace(spec, outcomes={request.outcome: infer_outcome(request.outcome, data.outcomes)})
    versions = data.versions is not None or data.roles is not None
    return replace(spec, comparison=ComparisonSpec()) if versions and data.requests is not None else spec


def infer_monitor(reference: Columns) -> MonitorSpec:
    """Return the monitor of a model that has none: the defaults, and the segments' frequent values."""
    segments = {}
    for key, texts in reference.segments.items():
        codes = texts.codes if texts.valid is None else texts.codes[texts.valid]
        rows = np.bincount(codes, minlength=len(texts.dictionary))
        ranked = sorted(zip(rows.tolist(), texts.dictionary, strict=True), key=lambda pair: (-pair[0], pair[1]))
        values = [text for count, text in ranked if count >= _SEGMENT_ROWS_MIN and text not in ("", _OTHER)]
        if not values:
            raise ReplayError(f"segment {key!r}: no value has {_SEGMENT_ROWS_MIN} rows in the reference")
        segments[key] = tuple(values[:_SEGMENT_VALUES_MAX])
    return MonitorSpec(model=reference.model, owner="the owner", segments=segments)


def _split(request: Request) -> tuple[Columns, Frame]:
    data = request.data
    if request.reference is not None:
        return request.reference.columns, data
    first = request.reference_rows
    if first >= data.rows:
        raise ReplayError(f"the first {first:,} rows are the reference, and there are {data.rows:,}: nothing is left")
    return data.between(0, first).columns, data.between(first, data.rows)


def _windows(spec: MonitorSpec, rows_per_window: int | None) -> WindowSpec:
    """Windows without waiting: the rows are in order, so that none is late. What is joined waits for its other half."""
    windows = spec.windows
    if rows_per_window is not None:
        length = rows_per_window * ROW_MS
        windows = replace(windows, pane_ms=length, length_ms=length, hop_ms=length)
    return replace(windows, grace_ms=0, lateness_ms=windows.lateness_ms if spec.joins else 0)
