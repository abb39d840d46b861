"""When what happens: the seasons that are compared, and everything that is published before the first prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Baseline, Monitor, Provenance
from kedge.streams.core.columns import Columns, Numbers
from kedge.streams.core.fit import FitOptions, fit
from kedge.streams.demo.breaks import break_rows, close_laguardia, hours_in_utc
from kedge.streams.demo.delay import fit_delays
from kedge.streams.demo.flights import DATASET, LATE_MIN, Flights
from kedge.streams.demo.rollout import VERSION_1, VERSION_2, Season, utc

__all__ = ["BREAK_AT", "CLOSED", "REFERENCE", "REPAIR_AT", "STREAM", "Setting", "prepare"]

# Spring against summer: of all quarters that the year offers, the one whose next eight weeks change least by
# themselves. The debiased PSI of every feature, of every day, stays under 0.05 (the warning starts at 0.1).
REFERENCE: Final = (utc("2013-04-01"), utc("2013-07-01"))
STREAM: Final = (REFERENCE[1], utc("2013-08-12T12:00"))
"""Six weeks, and half a day more: a window closes when something later has been seen."""
BREAK_AT: Final = utc("2013-07-11T14:00")
REPAIR_AT: Final = utc("2013-07-15T14:00")
CLOSED: Final = (utc("2013-07-26"), utc("2013-07-28"))
"""LaGuardia: the world changes, for whatever version answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is published."""

    monitor: Monitor
    baselines: Sequence[Baseline]
    """One of each version."""
    season: Season


def prepare(flights: Flights, broken: tuple[str, ...], *, created_at: int) -> Setting:
    """Fit model and baselines to the reference, and let both versions score the stream.

    Args:
        flights: all of them.
        broken: names in `BREAKS`, of what breaks on the way; none: a season in which nothing happens at all.
        created_at: stands in the baselines' provenance, milliseconds since 1970-01-01 UTC.
    """
    text = files(__package__).joinpath("monitor.yaml").read_text(encoding="utf-8")
    spec = parse_monitor(text, "monitor.yaml")
    everything = _columns(flights, spec.model)
    before, during = (_rows(flights, period) for period in (REFERENCE, STREAM))
    reference, stream = everything.take(before), everything.take(during)
    delay = flights.delay_min[before]
    arrived = np.isfinite(delay)
    model = fit_delays(reference.take(arrived), delay[arrived] > LATE_MIN)

    def scores(columns: Columns) -> dict[str, Numbers]:
        """Version 2 is the same model behind another front: it asks with hours that the model has never learnt."""
        asked = {VERSION_1: columns, VERSION_2: hours_in_utc(columns)}
        return {version: Numbers(model.score(of)) for version, of in asked.items()}

    for name in broken:
        hit = (stream.timestamps >= BREAK_AT) & (stream.timestamps < REPAIR_AT)
        stream = break_rows(stream, name, hit)
    if broken:
        stream = close_laguardia(stream, (stream.timestamps >= CLOSED[0]) & (stream.timestamps < CLOSED[1]))
    provenance = Provenance(dataset=f"{DATASET}, April to June 2013", rows=reference.rows, created_at=created_at)
    document = to_document(spec)
    return Setting(
        monitor=Monitor(model=spec.model, hash=monitor_hash(document), effective_from=0, document=document),
        baselines=[
            fit(replace(reference, version=version, score=score), provenance, FitOptions(monitor=spec))
            for version, score in scores(reference).items()
        ],
        season=Season(
            rows=stream,
            scores=scores(stream),
            delay_min=flights.delay_min[during],
            arrived_at=flights.arrived_at[during],
            eventful=bool(broken),
        ),
    )


def _columns(flights: Flights, model: str) -> Columns:
    return Columns(
        model=model,
        version=VERSION_1,
        role="PRIMARY",
        timestamps=flights.timestamps,
        numbers=flights.numbers,
        strings=flights.texts,
        segments={},
    )


def _rows(flights: Flights, period: tuple[int, int]) -> NDArray[np.bool_]:
    return (flights.timestamps >= period[0]) & (flights.timestamps < period[1])
