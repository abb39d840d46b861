"""Reports, alerts, commands and dead letters as JSON: names, their order, times, and no NaN."""

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.contracts import current
from kedge.schemas.records import Alert, Command, DeadLetter, Finding, Harm, Report, VersionReport
from kedge.schemas.report_json import (
    alert_to_json,
    command_to_json,
    dead_letter_to_json,
    iso_time,
    report_to_json,
    version_report_to_json,
)
from tests.schemas.made import any_value
from tests.schemas.samples import SAMPLES

# Of the first issue, in its order; more may come after.
REPORT = [
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
]
FINDING = [
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
]


def sample(kind: type[Any]) -> Any:
    return SAMPLES[kind.__name__]


def test_a_report_has_the_promised_names_in_order() -> None:
    made = report_to_json(sample(Report))
    assert list(made)[: len(REPORT)] == REPORT
    assert list(made["findings"][0])[: len(FINDING)] == FINDING
    assert list(made["findings"][0]["bins"][0]) == ["label", "reference", "current", "contribution"]


def test_nothing_of_a_report_is_left_out() -> None:
    made = report_to_json(sample(Report))
    assert set(made) == {part.name for part in fields(Report)}
    assert set(made["findings"][0]) == {part.name for part in fields(Finding)}


def test_a_report_reads_as_its_record() -> None:
    report = sample(Report)
    made = report_to_json(report)
    assert made["role"] == "PRIMARY"
    assert type(made["verdict"]) is str
    assert made["window_start"] == "2013-01-01T10:00:00Z"
    assert made["findings"][0]["psi_debiased"] == report.findings[0].psi_debiased
    assert made["findings"][0]["unseen_categories"] == [{"name": "ua", "count": 41}]


def test_what_is_no_number_is_null() -> None:
    report = sample(Report)
    broken = replace(report, error_share=math.nan, findings=(replace(report.findings[0], psi=math.inf),))
    made = report_to_json(broken)
    assert made["error_share"] is None
    assert made["findings"][0]["psi"] is None
    json.dumps(made, allow_nan=False)


def test_a_version_s_report_reads_as_its_record() -> None:
    made = version_report_to_json(sample(VersionReport))
    assert list(made) == [part.name for part in fields(VersionReport)]
    assert (made["control_kind"], made["verdict"]) == ("CONCURRENT", "DRIFTED")
    assert (made["window_end"], made["began_at"]) == ("2013-01-01T10:05:00Z", "2013-01-01T09:30:00Z")
    assert made["pairs"]["flips"] == [{"control": "on_time", "candidate": "late", "count": 90}]
    assert list(made["harms"][0]) == [part.name for part in fields(Harm)]
    assert made["harms"][0]["kind"] == "OUTCOME"
    assert made["outcomes"][0]["mae"] is None
    assert version_report_to_json(replace(sample(VersionReport), pairs=None))["pairs"] is None


def test_an_alert_a_command_and_a_dead_letter_read_as_their_records() -> None:
    alert = alert_to_json(sample(Alert))
    assert list(alert) == [part.name for part in fields(Alert)]
    assert alert["freeze_stands_until"] == "2013-01-02T10:00:00Z"
    assert alert["signals"][0]["bins"][0]["label"] == "below 187"
    assert alert_to_json(replace(sample(Alert), freeze_stands_until=None))["freeze_stands_until"] is None
    command = command_to_json(replace(sample(Command), signature=b"\xab\xcd"))
    assert command["signature"] == "abcd"
    assert command_to_json(sample(Command))["signature"] == ""
    assert (command["issued_at"], command["expires_at"]) == ("2013-01-01T10:00:00Z", "2013-01-02T10:00:00Z")
    letter = dead_letter_to_json(sample(DeadLetter))
    assert letter["payload"] == "ff00"
    assert letter["offset"] == 2**40
    assert letter["timestamp"] == "2013-01-01T10:00:00Z"


@settings(deadline=None)  # a busy machine must not turn a test red
@given(any_value(current()["Report"]), any_value(current()["Alert"]), any_value(current()["DeadLetter"]))
def test_any_record_is_json(report: Report, alert: Alert, letter: DeadLetter) -> None:
    for made in (report_to_json(report), alert_to_json(alert), dead_letter_to_json(letter)):
        assert json.loads(json.dumps(made, allow_nan=False)) == made


@settings(deadline=None)  # the same
@given(any_value(current()["VersionReport"]))
def test_any_version_s_report_is_json(report: VersionReport) -> None:
    made = version_report_to_json(report)
    assert json.loads(json.dumps(made, allow_nan=False)) == made


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_357_034_400_250, "2013-01-01T10:00:00.250Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (7_258_118_400_000, "2200-01-01T00:00:00Z"),
    ],
)
def test_times_are_iso_8601_in_utc(milliseconds: int, text: str) -> None:
    assert iso_time(milliseconds) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_time_has_a_text(milliseconds: int) -> None:
    assert iso_time(milliseconds).endswith("Z")
