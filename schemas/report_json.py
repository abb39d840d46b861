"""Reports, alerts, commands and what else is told as JSON: one form for `replay`, `watch` and whoever reads the topics.

Names and their order are a contract like the schemas; new ones come after the old. Times are ISO 8601 in UTC, bytes are
hex, and what is not a finite number is null: JSON has no NaN.
"""

import math
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np

from kedge.schemas.records import Ack, Alert, Command, DeadLetter, Finding, Journal, Override, Report, VersionReport

__all__ = [
    "ack_to_json",
    "alert_to_json",
    "any_report_to_json",
    "command_to_json",
    "dead_letter_to_json",
    "iso_time",
    "journal_to_json",
    "override_to_json",
    "report_to_json",
    "version_report_to_json",
]

_REPORT: Final = (
    "model",
    "version",
    "role",
    "segment",
    "window_start",
    "window_end",
    "revision",
    "final",
    "requests",
    "error_share",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "n",
    "n_eff",
    "completeness",
    "verdict",
    "reason",
    "baseline",
    "findings",
    "monitor",
    "design_effect",
    "design_effect_assumed",
)
_FINDING: Final = (
    "signal",
    "kind",
    "verdict",
    "cause",
    "n",
    "n_eff",
    "psi",
    "psi_debiased",
    "kl_current_reference",
    "kl_reference_current",
    "js_distance",
    "ks",
    "ks_error",
    "ks_p_value",
    "chi_square",
    "g_p_value",
    "wasserstein",
    "hellinger",
    "missing",
    "invalid",
    "unseen",
    "out_of_range",
    "detectable_psi",
    "bins",
    "reason",
    "unseen_categories",
)
_TIMES: Final = frozenset(
    ("window_start", "window_end", "timestamp", "issued_at", "expires_at", "freeze_stands_until", "began_at")
)


def report_to_json(report: Report) -> dict[str, Any]:
    """Return a report, its findings and their bins."""
    return {**_object(report, _REPORT), "findings": [_finding(finding) for finding in report.findings]}


def version_report_to_json(report: VersionReport) -> dict[str, Any]:
    """Return what is said of a version beside its control."""
    return _object(report, _names(report))


def any_report_to_json(report: Report | VersionReport) -> dict[str, Any]:
    """Return either kind of report: a version's has `harms`, the other `findings`."""
    return report_to_json(report) if isinstance(report, Report) else version_report_to_json(report)


def alert_to_json(alert: Alert) -> dict[str, Any]:
    """Return an alert with its evidence."""
    return _object(alert, _names(alert))


def command_to_json(command: Command) -> dict[str, Any]:
    """Return a command; its signature in hex, empty where it is unsigned."""
    return _object(command, _names(command))


def ack_to_json(ack: Ack) -> dict[str, Any]:
    """Return what an actuator made of a command."""
    return _object(ack, _names(ack))


def override_to_json(override: Override) -> dict[str, Any]:
    """Return a person's word; its signature in hex, empty where it is unsigned."""
    return _object(override, _names(override))


def journal_to_json(entry: Journal) -> dict[str, Any]:
    """Return one entry of the journal."""
    return _object(entry, _names(entry))


def dead_letter_to_json(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter; its payload, where it was kept, in hex."""
    return _object(letter, _names(letter))


def iso_time(milliseconds: int) -> str:
    """Return milliseconds since 1970-01-01 UTC as ISO 8601, with a fraction only where there is one.

    >>> iso_time(0), iso_time(1_357_034_400_250)
    ('1970-01-01T00:00:00Z', '2013-01-01T10:00:00.250Z')
    """
    # numpy's calendar has every year that an int64 of milliseconds can name; datetime's ends in 9999.
    text = str(np.datetime64(milliseconds, "ms")).removesuffix(".000")
    return f"{text}Z"


def _finding(finding: Finding) -> dict[str, Any]:
    return _object(finding, _FINDING)


def _object(record: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _value(name, getattr(record, name)) for name in names}


def _value(name: str, value: object) -> object:
    if is_dataclass(value):
        return _object(value, _names(value))
    match value:
        case tuple():
            return [_value("", item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case int() if name in _TIMES:
            return iso_time(value)
        case bytes():
            return value.hex()
    # An enum's member would print as its name in some tools; its value is plain text.
    return str(value) if isinstance(value, str) else value


def _names(record: Any) -> Iterable[str]:  # noqa: ANN401 - any of the dataclasses
    return (field.name for field in fields(record))
