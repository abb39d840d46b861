"""The records of the contracts as frozen dataclasses, field for field as in `schemas/avro`.

Timestamps are int milliseconds since 1970-01-01 UTC, arrays are tuples, enums are `StrEnum`s.
`RECORDS` names those that travel on their own; the rest are parts of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kedge.schemas.records.alert import Alert, Evidence, EvidenceBin, HarmEvidence, Note
from kedge.schemas.records.baseline import (
    Baseline,
    Monitor,
    Provenance,
    SegmentCounts,
    SignalBaseline,
)
from kedge.schemas.records.command import Command, Journal, Reading
from kedge.schemas.records.dead_letter import DeadLetter
from kedge.schemas.records.enums import (
    AckResult,
    Action,
    AlertEvent,
    Cause,
    ControlKind,
    FindingKind,
    GridKind,
    HarmKind,
    JoinKind,
    OverrideAction,
    Role,
    Severity,
    SignalKind,
    Verdict,
)
from kedge.schemas.records.join_partial import JoinPartial
from kedge.schemas.records.join_state import AnswerFacts, JoinRates, JoinSegment, OutcomeFacts, PaneRate
from kedge.schemas.records.outcome import Outcome
from kedge.schemas.records.partial import (
    ModelProgress,
    Partial,
    Position,
    Progress,
    SenderRows,
    UnseenCategory,
)
from kedge.schemas.records.people import Ack, Override
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
from kedge.schemas.records.version_report import (
    Contrast,
    DisagreementFeature,
    Flip,
    Harm,
    OutcomeSection,
    PairSection,
    VersionReport,
)

__all__ = [
    "RECORDS",
    "Ack",
    "AckResult",
    "Action",
    "Alert",
    "AlertEvent",
    "AnswerFacts",
    "Baseline",
    "Bin",
    "Cause",
    "Coded",
    "Command",
    "Contrast",
    "ControlKind",
    "DeadLetter",
    "DisagreementFeature",
    "EventIds",
    "Evidence",
    "EvidenceBin",
    "FeatureValue",
    "Finding",
    "FindingKind",
    "Flip",
    "Gap",
    "GridKind",
    "GuardModel",
    "Harm",
    "HarmEvidence",
    "HarmKind",
    "IncidentSignal",
    "JoinKind",
    "JoinPartial",
    "JoinRates",
    "JoinSegment",
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
    "Note",
    "OpenIncident",
    "Outcome",
    "OutcomeFacts",
    "OutcomeSection",
    "Override",
    "OverrideAction",
    "Packed",
    "PairSection",
    "PaneRate",
    "Partial",
    "Position",
    "Prediction",
    "PredictionBatch",
    "ProducerState",
    "Progress",
    "Provenance",
    "Reading",
    "Report",
    "Role",
    "SegmentCounts",
    "SenderRows",
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
    "VersionReport",
]

RECORDS: Final[Mapping[str, type]] = MappingProxyType(
    {
        record.__name__: record
        for record in (
            Ack,
            Alert,
            Baseline,
            Command,
            DeadLetter,
            EventIds,
            GuardModel,
            JoinPartial,
            JoinRates,
            JoinSegment,
            Journal,
            JudgeDetail,
            JudgeModel,
            Monitor,
            Outcome,
            Override,
            Partial,
            Position,
            Prediction,
            PredictionBatch,
            ProducerState,
            Progress,
            Report,
            TallyDetail,
            VersionReport,
        )
    }
)
