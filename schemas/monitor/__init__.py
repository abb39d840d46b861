"""The monitor file: one YAML file a model, parsed strictly."""

from kedge.schemas.monitor.notes import Problem
from kedge.schemas.monitor.parse import MonitorError, monitor_hash, monitor_json_schema, parse_monitor, to_document
from kedge.schemas.monitor.spec import (
    METRICS,
    P_VALUE_METRICS,
    SIGNALS,
    ActionsSpec,
    Disclose,
    FeatureSpec,
    FeatureType,
    FreezeSpec,
    MonitorSpec,
    PolicyKind,
    PolicyOverride,
    PolicySpec,
    SignalSpec,
    VolumeSpec,
    WindowSpec,
)

__all__ = [
    "METRICS",
    "P_VALUE_METRICS",
    "SIGNALS",
    "ActionsSpec",
    "Disclose",
    "FeatureSpec",
    "FeatureType",
    "FreezeSpec",
    "MonitorError",
    "MonitorSpec",
    "PolicyKind",
    "PolicyOverride",
    "PolicySpec",
    "Problem",
    "SignalSpec",
    "VolumeSpec",
    "WindowSpec",
    "monitor_hash",
    "monitor_json_schema",
    "parse_monitor",
    "to_document",
]
