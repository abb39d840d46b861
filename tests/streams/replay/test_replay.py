"""Replay says what the service would say: each row in each of its windows, once."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.records import Alert, Command, Report, Verdict
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.replay import Output, ReplayError, Request, prepare, replay
from kedge.streams.tables import Frame

START = 1_357_034_400_000
MONITOR = parse_monitor("model: m\nowner: team\nwindows: {pane: 60s, length: 5m, hop: 1m}", "test")


def frame(rows: int, seed: int = 0, *, shift_from: int | None = None, **parts: Any) -> Frame:
    """Rows one a second, two features."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rows)
    if shift_from is not None:
        values[shift_from:] += 1.0
    columns = Columns(
        model="m",
        version="",
        role="PRIMARY",
        timestamps=START + np.arange(rows, dtype=np.int64) * 1_000,
        numbers={"x": Numbers(values), "y": Numbers(rng.random(rows))},
        strings={},
        segments=parts.pop("segments", {}),
    )
    return Frame(columns=columns, **parts)


def run(**request: Any) -> list[Output]:
    return list(replay(prepare(Request(**request)), lambda _: None))


def reports(outputs: list[Output]) -> list[Report]:
    return [output for output in outputs if isinstance(output, Report)]


def test_each_window_of_time_has_one_final_report_with_its_rows() -> None:
    data = frame(3_000)
    found = reports(run(data=data, reference=frame(2_000, 1), monitor=MONITOR))
    times = data.columns.timestamps
    minutes = np.unique(times // 60_000) * 60_000
    starts = sorted({int(minute - back * 60_000) for minute in minutes for back in range(5)})
    expected = {start: int(((times >= start) & (times < start + 300_000)).sum()) for start in starts}
    assert {report.window_start: report.n for report in found} == expected
    assert [report.window_start for report in found] == starts
    assert {(report.revision, report.final, report.completeness) for report in found} == {(0, True, 1.0)}


def test_steps_of_counting_do_not_show() -> None:
    """More rows and more panes than one step takes."""
    data = frame(200_000)
    found = reports(run(data=data, reference=frame(2_000, 1), rows_per_window=400))
    assert [report.n for report in found] == [400] * 500


def test_rows_without_time_have_windows_of_rows_and_a_marked_last_one() -> None:
    found = reports(run(data=frame(2_700), reference_rows=1_000, rows_per_window=500))
    assert [report.n for report in found] == [500, 500, 500, 200]
    assert [report.window_start for report in found] == [0, 500_000, 1_000_000, 1_500_000]
    assert [report.completeness for report in found] == [1.0, 1.0, 1.0, 0.4]
    assert [report.verdict for report in found] == [Verdict.STABLE] * 3 + [Verdict.INSUFFICIENT]
    assert found[-1].reason == "completeness 40.0%, at least 95% needed"


def test_a_file_shorter_than_a_window_is_one_marked_window() -> None:
    (report,) = reports(run(data=frame(300), reference=frame(1_000, 1), rows_per_window=1_000))
    assert (report.n, report.completeness, report.verdict) == (300, 0.3, Verdict.INSUFFICIENT)


def test_drift_is_found_alerted_once_and_frozen_once() -> None:
    outputs = run(data=frame(10_000, shift_from=6_000), reference_rows=2_000, rows_per_window=1_000)
    verdicts = [report.verdict for report in reports(outputs)]
    assert verdicts == [Verdict.STABLE] * 4 + [Verdict.DRIFTED] * 4
    drifted = [f.signal for f in reports(outputs)[-1].findings if f.verdict is Verdict.DRIFTED]
    assert drifted == ["x"]
    kinds = Counter(type(output) for output in outputs)
    assert (kinds[Alert], kinds[Command]) == (1, 1)


def test_versions_and_roles_are_counted_apart_and_none_is_late() -> None:
    rows = 4_000
    codes = np.arange(rows, dtype=np.int32) % 2
    versions, roles = Texts(["a", "b"], codes), Texts(["CANARY", "PRIMARY"], 1 - codes)
    data = frame(rows, versions=versions, roles=roles)
    found = reports(run(data=data, reference=frame(2_000, 1), rows_per_window=1_000))
    counted = Counter({(r.version, r.role.value): 0 for r in found})
    for report in found:
        counted[report.version, report.role.value] += report.n
    assert counted == {("a", "PRIMARY"): 2_000, ("b", "CANARY"): 2_000}
    assert {report.n for report in found} == {500}


def test_a_short_window_is_as_short_for_every_version() -> None:
    codes = (np.arange(1_400) % 4 == 0).astype(np.int32)
    data = frame(1_400, versions=Texts(["a", "b"], codes))
    found = reports(run(data=data, reference=frame(2_000, 1), rows_per_window=1_000))
    last = {report.version: report.completeness for report in found if report.window_start}
    assert last == {"a": pytest.approx(0.4), "b": pytest.approx(0.4)}


def test_segments_are_inferred_from_the_reference() -> None:
    names = Texts(["eu", "us", "rare"], (np.arange(4_000) % 2).astype(np.int32))
    names.codes[-1] = 2
    data = frame(4_000, segments={"region": names})
    found = reports(run(data=data, reference_rows=2_000, rows_per_window=1_000))
    assert {report.segment for report in found} == {"", "region=eu", "region=us"}


def test_the_report_names_the_monitor_that_was_meant() -> None:
    (first, *_) = reports(run(data=frame(600), reference=frame(2_000, 1), monitor=MONITOR, rows_per_window=300))
    assert first.monitor == monitor_hash(to_document(MONITOR))


def test_the_same_rows_say_the_same_again() -> None:
    request = {"data": frame(3_000), "reference_rows": 1_000, "rows_per_window": 500}
    assert run(**request) == run(**request)


def test_a_long_gap_costs_nothing_and_is_one_report_of_silence() -> None:
    data = frame(1_200)
    times = data.columns.timestamps.copy()
    times[600:] += 50 * 365 * 86_400_000
    data = replace(data, columns=replace(data.columns, timestamps=times))
    found = reports(run(data=data, reference=frame(2_000, 1), monitor=MONITOR))
    assert sum(report.n == 0 for report in found) == 1
    assert sum(report.n for report in found) == 5 * 1_200


def test_a_reference_of_all_rows_leaves_nothing() -> None:
    with pytest.raises(ReplayError, match="first 500 rows are the reference, and there are 500"):
        prepare(Request(data=frame(500), reference_rows=500, rows_per_window=100))


def test_a_segment_without_a_frequent_value_is_refused_by_name() -> None:
    names = Texts([str(i) for i in range(100)], np.arange(100, dtype=np.int32))
    with pytest.raises(ReplayError, match="segment 'id'"):
        prepare(Request(data=frame(100, segments={"id": names}), reference_rows=50, rows_per_window=10))
