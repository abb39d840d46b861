"""What came of a file's rows: which kind of outcome that is, and each of them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from kedge.schemas.monitor import MonitorSpec, OutcomeSpec, OutcomeType
from kedge.streams.core.columns import Numbers, Texts
from kedge.streams.replay.errors import ReplayError
from kedge.streams.tables import Frame

__all__ = ["infer_outcome", "kind_of", "outcomes_of"]

_CLASSES_MAX: Final = 20
_OTHER: Final = "other"


def kind_of(spec: MonitorSpec, column: str, outcomes: Numbers | Texts) -> str:
    """Return which of the monitor's outcomes a column holds: the one of its name, else the only one.

    Raises:
        ReplayError: the monitor has none, or several others, or one of another type.
    """
    names = [column] if column in spec.outcomes else list(spec.outcomes)
    if len(names) != 1:
        known = f"has {', '.join(names)}" if names else "has none"
        raise ReplayError(f"--outcome {column}: the monitor {known}: name an outcome of it {column!r}")
    kind = spec.outcomes[names[0]].type
    if isinstance(outcomes, Texts) and kind is not OutcomeType.CLASS:
        raise ReplayError(f"--outcome {column} holds text, and {names[0]!r} of the monitor is {kind.value}")
    return names[0]


def infer_outcome(column: str, outcomes: Numbers | Texts) -> OutcomeSpec:
    """Return what a column's outcomes are, for want of a monitor that says it.

    Raises:
        ReplayError: they are numbers other than 0 and 1, of which nobody but a monitor knows when they are good.
    """
    if isinstance(outcomes, Texts):
        rows = np.bincount(outcomes.codes, minlength=len(outcomes.dictionary)).tolist()
        ranked = sorted(zip(rows, outcomes.dictionary, strict=True), key=lambda pair: (-pair[0], pair[1]))
        classes = [text for _, text in ranked if text not in ("", _OTHER)]
        return OutcomeSpec(type=OutcomeType.CLASS, classes=tuple(classes[:_CLASSES_MAX]))
    known = outcomes.values if outcomes.valid is None else outcomes.values[outcomes.valid]
    if np.isin(known, (0.0, 1.0)).all():
        return OutcomeSpec()
    raise ReplayError(
        f"--outcome {column} holds numbers other than 0 and 1: give a --monitor whose outcomes have "
        f"{column}: {{type: numeric, tolerance: …}}"
    )


def outcomes_of(frame: Frame, kind: str) -> Iterator[Mapping[str, Any]]:
    """Yield what came of the rows, fields as in `Outcome`: seen when they were answered, one of each request.

    Rows of one request, as of a version and its shadow, say the same.
    """
    outcomes, requests = frame.outcomes, frame.requests
    if outcomes is None or requests is None:
        return
    rows = np.arange(frame.rows) if outcomes.valid is None else np.flatnonzero(outcomes.valid)
    texts = outcomes.dictionary if isinstance(outcomes, Texts) else None
    values = outcomes.codes if isinstance(outcomes, Texts) else outcomes.values
    times = frame.columns.timestamps
    for row in rows.tolist():
        value = values[row]
        yield {
            "request_id": requests.dictionary[requests.codes[row]],
            "model": frame.columns.model,
            "kind": kind,
            "timestamp": int(times[row]),
            "observed": float(value) if texts is None else texts[value],
            "version": None,
            "score": None,
            "label": None,
            "predicted_at": None,
            "segment": {},
        }
