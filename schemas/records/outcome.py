"""What came of a prediction, as label pipelines send it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One observation of one kind for one request; a second one of the same kind is left out.

    Within the join horizon it finds its prediction by `request_id`. A label that comes later carries `version` and
    `predicted_at` (and `score`, `label` where they are measured) itself.
    """

    request_id: str
    """The Kafka key, as in the prediction."""
    model: str
    kind: str
    """Which of the monitor's outcomes this is."""
    timestamp: int
    """When it was observed, milliseconds since 1970-01-01 UTC."""
    observed: float | str
    """A number (0 or 1 for binary outcomes), or a class."""
    version: str | None = None
    score: float | None = None
    label: str | None = None
    """The class that was predicted."""
    predicted_at: int | None = None
    """Milliseconds since 1970-01-01 UTC."""
    segment: Mapping[str, str] = field(default_factory=dict)
