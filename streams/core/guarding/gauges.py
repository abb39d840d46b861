"""What the guard shows of a model at any time."""

from collections.abc import Iterator
from typing import Final

from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.states import State
from kedge.streams.core.instructions import Observation

__all__ = ["gauges"]

_NUMBERS: Final = {state: number for number, state in enumerate(State)}


def gauges(model: ModelState, now_ms: int) -> Iterator[Observation]:
    """Yield the gauges of a model; a drill that never was has no age."""
    labels = {"model": model.model}
    yield Observation("incident_open", labels, model.incident is not None)
    yield Observation("guard_state", labels, _NUMBERS[model.state])
    if model.drilled_at is not None:
        yield Observation("drill_age_ms", labels, now_ms - model.drilled_at)
