"""When what happens: the seasons that are compared, and everything that is published before the first prediction."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

import numpy as np

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Baseline, Monitor, Provenance
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.fit import FitOptions, fit
from kedge.streams.demo.breaks import break_rows
from kedge.streams.demo.delay import fit_delays
from kedge.streams.demo.flights import DATASET, LATE_MIN, Flights

__all__ = ["BREAK_AT", "DAY_MS", "STREAM", "Setting", "prepare"]

DAY_MS: Final = 86_400_000


def _utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


# Spring against summer: of all quarters that the year offers, the one whose next eight weeks change least by
# themselves. The debiased PSI of every feature, of every day, stays under 0.05 (the warning starts at 0.1).
REFERENCE: Final = (_utc("2013-04-01"), _utc("2013-07-01"))
STREAM: Final = (REFERENCE[1], _utc("2013-08-26T12:00"))
"""Eight weeks, and half a day more: a window closes when something later has been seen."""
BREAK_AT: Final = _utc("2013-08-08T14:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is published."""

    monitor: Monitor
    baseline: Baseline
    stream: Columns
    """Predictions in order of event time, with their scores."""
    window_ms: int

    def expected(self) -> dict[int, int]:
        """Return the predictions in each window, by its start; the last window is not complete and left out."""
        starts = self.stream.timestamps - self.stream.timestamps % self.window_ms
        found, counts = np.unique(starts, return_counts=True)
        return dict(zip(found[:-1].tolist(), counts[:-1].tolist(), strict=True))


def prepare(flights: Flights, broken: tuple[str, ...], *, created_at: int) -> Setting:
    """Fit model and baseline to the reference, and score the stream, in which `broken` features break on the way.

    Args:
        flights: all of them.
        broken: names in `BREAKS`.
        created_at: stands in the baseline's provenance, milliseconds since 1970-01-01 UTC.
    """
    text = files(__package__).joinpath("monitor.yaml").read_text(encoding="utf-8")
    spec = parse_monitor(text, "monitor.yaml")
    everything = _columns(flights, spec.model)
    reference, late = _between(everything, flights, REFERENCE)
    arrived = np.isfinite(late)
    model = fit_delays(reference.take(arrived), late[arrived] > LATE_MIN)
    stream, _ = _between(everything, flights, STREAM)
    for name in broken:
        stream = break_rows(stream, name, stream.timestamps >= BREAK_AT)
    provenance = Provenance(dataset=f"{DATASET}, April to June 2013", rows=reference.rows, created_at=created_at)
    scored = replace(reference, score=Numbers(model.score(reference)))
    document = to_document(spec)
    return Setting(
        monitor=Monitor(model=spec.model, hash=monitor_hash(document), effective_from=0, document=document),
        baseline=fit(scored, provenance, FitOptions(monitor=spec)),
        stream=replace(stream, score=Numbers(model.score(stream))),
        window_ms=spec.windows.length_ms,
    )


def _columns(flights: Flights, model: str) -> Columns:
    return Columns(
        model=model,
        version="2013.2",
        role="PRIMARY",
        timestamps=flights.timestamps,
        numbers=flights.numbers,
        strings=flights.texts,
        segments={},
    )


def _between(columns: Columns, flights: Flights, period: tuple[int, int]) -> tuple[Columns, np.ndarray]:
    rows = (columns.timestamps >= period[0]) & (columns.timestamps < period[1])
    return columns.take(rows), flights.delay_min[rows]
