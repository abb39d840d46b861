"""The closed sets of the contracts; every value is the symbol of its Avro enum."""

from enum import StrEnum

__all__ = [
    "AckResult",
    "Action",
    "AlertEvent",
    "Cause",
    "ControlKind",
    "FindingKind",
    "GridKind",
    "HarmKind",
    "JoinKind",
    "OverrideAction",
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
    TRAFFIC = "TRAFFIC"
    CANDIDATE = "CANDIDATE"
    UNKNOWN = "UNKNOWN"


class FindingKind(StrEnum):
    """What a finding looked at."""

    FEATURE = "feature"
    SCORE = "score"
    LABEL = "label"
    CONFIDENCE = "confidence"
    QUALITY = "quality"
    SEQUENTIAL = "sequential"


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
    NOTICE = "NOTICE"
    """Something that people must know beside the incident's own steps; `subject` says what."""


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


class AckResult(StrEnum):
    """What an actuator made of a command."""

    ACKED = "ACKED"
    """It is done: the router stands where the command wants it."""
    NACKED = "NACKED"
    """It was not done, and will not be; `reason` says why."""


class OverrideAction(StrEnum):
    """What a person tells the guard."""

    PIN = "PIN"
    """The model stays on a version: automation is held."""
    SUPPRESS = "SUPPRESS"
    """No page and no command; everything is still decided and journalled."""
    FORCE = "FORCE"
    """Send this action now."""
    RELEASE = "RELEASE"
    """End whatever people hold, and a failed action."""
    DISARM = "DISARM"
    """Every action as in dry run."""
    DRILL = "DRILL"
    """Rehearse one named failure."""


class JoinKind(StrEnum):
    """What was joined on a request."""

    PAIR = "PAIR"
    """Two versions' answers."""
    OUTCOME = "OUTCOME"
    """An answer and what came of it, within the join horizon."""
    LABEL = "LABEL"
    """The same from an outcome that carries version, score and time itself, in day panes."""


class HarmKind(StrEnum):
    """What a version may do worse than its control."""

    ERROR = "ERROR"
    LATENCY = "LATENCY"
    OUTCOME = "OUTCOME"
    DIVERGENCE = "DIVERGENCE"


class ControlKind(StrEnum):
    """What a version was compared with."""

    CONCURRENT = "CONCURRENT"
    """Another version that served at the same time."""
    HISTORY = "HISTORY"
    """The previous version's last healthy windows: no control is live."""
    NONE = "NONE"
