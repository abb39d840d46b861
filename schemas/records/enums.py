"""The closed sets of the contracts; every value is the symbol of its Avro enum."""

from enum import StrEnum

__all__ = [
    "Action",
    "AlertEvent",
    "Cause",
    "FindingKind",
    "GridKind",
    "Role",
    "Severity",
    "SignalKind",
    "Verdict",
]


class Role(StrEnum):
    """What the answering version was to the request."""

    PRIMARY = "PRIMARY"
    CANARY = "CANARY"
    SHADOW = "SHADOW"


class Verdict(StrEnum):
    """What was said of a window or a signal; decided in this order."""

    INVALID = "INVALID"
    INSUFFICIENT = "INSUFFICIENT"
    STABLE = "STABLE"
    WARNING = "WARNING"
    DRIFTED = "DRIFTED"


class Cause(StrEnum):
    """Where a drift comes from; NONE where nothing drifted."""

    NONE = "NONE"
    PIPELINE = "PIPELINE"
    DISTRIBUTION = "DISTRIBUTION"
    UNKNOWN = "UNKNOWN"


class FindingKind(StrEnum):
    """What a finding looked at."""

    FEATURE = "feature"
    SCORE = "score"
    LABEL = "label"
    CONFIDENCE = "confidence"
    QUALITY = "quality"


class SignalKind(StrEnum):
    """What a baseline's signal is."""

    FEATURE = "FEATURE"
    SCORE = "SCORE"
    LABEL = "LABEL"
    CONFIDENCE = "CONFIDENCE"


class GridKind(StrEnum):
    """How a baseline's signal is cut into bins."""

    QUANTILES = "QUANTILES"
    VALUES = "VALUES"
    CATEGORIES = "CATEGORIES"


class AlertEvent(StrEnum):
    """A step in the life of an incident."""

    OPENED = "OPENED"
    UPDATED = "UPDATED"
    RESOLVED = "RESOLVED"


class Severity(StrEnum):
    """Whom an alert may wake."""

    PAGE = "PAGE"
    TICKET = "TICKET"


class Action(StrEnum):
    """What a command asks for."""

    FREEZE_ROLLOUT = "FREEZE_ROLLOUT"
    ROUTE_TO_SAFE_PATH = "ROUTE_TO_SAFE_PATH"
    RESUME_ROLLOUT = "RESUME_ROLLOUT"
    START_SHADOW = "START_SHADOW"
    REQUEST_RETRAIN = "REQUEST_RETRAIN"
    CANCEL = "CANCEL"
