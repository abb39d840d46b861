"""The records of the contracts as frozen dataclasses, field for field as in `schemas/avro`.

Timestamps are int milliseconds since 1970-01-01 UTC, arrays are tuples, enums are `StrEnum`s.
`RECORDS` names those that travel on their own; the rest are parts of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kedge.schemas.records.alert import Alert, Evidence, EvidenceBin
from kedge.schemas.records.baseline import (
    Baseline,
    Monitor,
    Provenance,
    SegmentCounts,
    SignalBaseline,
)
from kedge.schemas.records.command import Command, Journal
from kedge.schemas.records.dead_letter import DeadLetter
from kedge.schemas.records.enums import (
    Action,
    AlertEvent,
    Cause,
    FindingKind,
    GridKind,
    Role,
    Severity,
    SignalKind,
    Verdict,
)
from kedge.schemas.records.partial import (
    ModelProgress,
    Partial,
    Position,
    Progress,
    UnseenCategory,
)
from kedge.schemas.records.prediction import (
    Coded,
    FeatureValue,
    Packed,
    Prediction,
    PredictionBatch,
    ShadowAnswer,
)
from kedge.schemas.records.report import Bin, Finding, Report, UnseenShare
from kedge.schemas.records.state import (
    EventIds,
    Gap,
    GuardModel,
    IncidentSignal,
    JudgeDetail,
    JudgedWindow,
    JudgeModel,
    LastSeen,
    LateSource,
    LedgerEntry,
    LiveStream,
    ModelSource,
    ModelTime,
    OpenIncident,
    ProducerState,
    SignalHistory,
    SourceProgress,
    TallyDetail,
)

__all__ = [
    "RECORDS",
    "Action",
    "Alert",
    "AlertEvent",
    "Baseline",
    "Bin",
    "Cause",
    "Coded",
    "Command",
    "DeadLetter",
    "EventIds",
    "Evidence",
    "EvidenceBin",
    "FeatureValue",
    "Finding",
    "FindingKind",
    "Gap",
    "GridKind",
    "GuardModel",
    "IncidentSignal",
    "Journal",
    "JudgeDetail",
    "JudgeModel",
    "JudgedWindow",
    "LastSeen",
    "LateSource",
    "LedgerEntry",
    "LiveStream",
    "ModelProgress",
    "ModelSource",
    "ModelTime",
    "Monitor",
    "OpenIncident",
    "Packed",
    "Partial",
    "Position",
    "Prediction",
    "PredictionBatch",
    "ProducerState",
    "Progress",
    "Provenance",
    "Report",
    "Role",
    "SegmentCounts",
    "Severity",
    "ShadowAnswer",
    "SignalBaseline",
    "SignalHistory",
    "SignalKind",
    "SourceProgress",
    "TallyDetail",
    "UnseenCategory",
    "UnseenShare",
    "Verdict",
]

RECORDS: Final[Mapping[str, type]] = MappingProxyType(
    {
        record.__name__: record
        for record in (
            Alert,
            Baseline,
            Command,
            DeadLetter,
            EventIds,
            GuardModel,
            Journal,
            JudgeDetail,
            JudgeModel,
            Monitor,
            Partial,
            Position,
            Prediction,
            PredictionBatch,
            ProducerState,
            Progress,
            Report,
            TallyDetail,
        )
    }
)
