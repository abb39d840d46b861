"""What a tally has done with rows since it was last asked, for the metrics."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Final

from kedge.streams.core.cells import Cell
from kedge.streams.core.dedupe import Charge
from kedge.streams.core.instructions import Observation

__all__ = ["Meter", "Stream"]

Stream = tuple[str, str, str]
"""(model, version, role)."""


WHYS: Final = ("dropped", "gap", "found")
"""Why rows are missing; those found came after all."""


class Meter:
    """Counts rows by fate, rows that are missing, and requests and errors by stream."""

    def __init__(self) -> None:
        self._fates: Counter[tuple[str, str]] = Counter()
        self._missing: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[Stream] = Counter()
        self._errors: Counter[Stream] = Counter()

    def fate(self, model: str, fate: str, rows: int) -> None:
        """Note what became of rows."""
        self._fates[model, fate] += rows

    def charged(self, model: str, charge: Charge) -> None:
        """Note rows that are missing of a model, or found."""
        why = "dropped" if charge.dropped else "gap" if charge.rows > 0 else "found"
        self._missing[model, why] += abs(charge.rows)

    def counted(self, stream: Stream, cell: Cell) -> None:
        """Note what was added to a cell of all rows."""
        self._requests[stream] += cell.requests
        self._errors[stream] += cell.errors

    def drain(self) -> Iterator[Observation]:
        """Yield what was noted since the last call."""
        for (model, fate), rows in self._fates.items():
            yield Observation("rows", {"model": model, "fate": fate}, rows)
        # Each is shown from a model's first row on: a counter that begins at more than 0 has not risen, to Prometheus.
        for model, why in product({stream[0] for stream in self._requests} | {of for of, _ in self._missing}, WHYS):
            yield Observation("missing", {"model": model, "why": why}, self._missing[model, why])
        for name, counter in (("requests", self._requests), ("errors", self._errors)):
            for (model, version, role), rows in counter.items():
                yield Observation(name, {"model": model, "version": version, "role": role}, rows)
        self._fates, self._missing, self._requests, self._errors = Counter(), Counter(), Counter(), Counter()
