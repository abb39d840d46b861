"""One record of `outcomes` to what it says, or to the reason why not."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import OutcomeSpec, OutcomeType
from kedge.schemas.records import Outcome
from kedge.streams.core.binning import number_name
from kedge.streams.core.columns import MAP_KEYS_MAX, RefusedError
from kedge.streams.core.intake import FUTURE_MS_MAX, check_partition, decoded
from kedge.streams.core.record import Record

__all__ = ["observed_as", "read_outcome", "well_timed"]

NAME_CHARS_MAX: Final = 200
"""Of version and kind."""

TEXT_CHARS_MAX: Final = 1_024
"""Of classes, observed or predicted."""

_LONGEST: Final = {
    "version": NAME_CHARS_MAX,
    "kind": NAME_CHARS_MAX,
    "label": TEXT_CHARS_MAX,
    "observed": TEXT_CHARS_MAX,
}


def read_outcome(record: Record, codec: Codec, partitions: int) -> Mapping[str, Any]:
    """Return a decoded `Outcome`; raises `RefusedError` for whatever must not be counted."""
    outcome = decoded(record, codec, (Outcome,))
    for name, longest in _LONGEST.items():
        text = outcome[name]
        if isinstance(text, str) and len(text) > longest:
            raise RefusedError("text_too_long", f"{name} of more than {longest} characters")
    if len(outcome["segment"]) > MAP_KEYS_MAX:
        raise RefusedError("too_many_keys", f"more than {MAP_KEYS_MAX} keys in one map")
    if any(isinstance(number, float) and not isfinite(number) for number in (outcome["observed"], outcome["score"])):
        raise RefusedError("not_finite", "observed or score is no finite number")
    check_partition(record, outcome["request_id"], partitions)
    return outcome


def well_timed(outcome: Mapping[str, Any], appended_ms: int) -> bool:
    """Return whether its times are possible."""
    times = (
        [outcome["timestamp"]] if outcome["predicted_at"] is None else [outcome["timestamp"], outcome["predicted_at"]]
    )
    return all(0 < time <= appended_ms + FUTURE_MS_MAX for time in times)


def observed_as(spec: OutcomeSpec, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the outcome with what was observed in the form of its kind; raises `RefusedError` where it has none."""
    observed = outcome["observed"]
    if spec.type is OutcomeType.CLASS:
        return {**outcome, "observed": observed if isinstance(observed, str) else number_name(observed)}
    if isinstance(observed, str):
        raise RefusedError("outcome_type", f"a text where the monitor says {spec.type}")
    return outcome
