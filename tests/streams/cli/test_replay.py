"""`kedge replay`, as a user and as a CI gate."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from kedge.schemas.report_json import iso_time
from tests.streams.cli.support import call, lines, table

ROWS = ("--reference-rows", 1_000, "--rows-per-window", 500)


def test_json_is_one_report_a_line_in_the_contracts_order(tmp_path: Path) -> None:
    result = call("replay", table(tmp_path / "d.csv"), *ROWS, "--ignore", "when", "--json")
    reports = lines(result)
    assert result.exit_code == 0
    assert [report["n"] for report in reports] == [500] * 6
    assert list(reports[0])[:9] == [
        "model", "version", "role", "segment", "window_start", "window_end", "revision", "final", "requests",
    ]  # fmt: skip
    assert reports[1]["window_start"] == iso_time(500_000)
    assert {finding["signal"] for finding in reports[0]["findings"]} == {
        "amount", "age", "carrier", "score", "label", "region",
    }  # fmt: skip
    assert result.stderr == ""


def test_drift_is_exit_3_and_named(tmp_path: Path) -> None:
    result = call("replay", table(tmp_path / "flights.csv", shift_from=2_500), *ROWS, "--ignore", "when")
    assert result.exit_code == 3
    for said in (
        "rows 1,001 to 2,500",
        "rows 2,501 to 4,000",
        "DRIFTED",
        "amount",
        "would have alerted the owner: flights: opened",
        "would have commanded FREEZE_ROLLOUT, standing for 24 h unless resumed",
    ):
        assert said in result.stdout


def test_columns_that_the_reference_lacks_are_named(tmp_path: Path) -> None:
    reference = tmp_path / "r.csv"
    reference.write_text("\n".join(["amount,age", *(f"{n % 50},{n % 70}" for n in range(1_000))]))
    result = call("replay", table(tmp_path / "d.csv"), "--reference", reference, "--rows-per-window", 500)
    assert result.stderr == (
        "kedge: not compared, because the reference does not have it: when, score, carrier, label, region\n"
    )


def test_another_separator_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a;b\n1;2\n")
    result = call("replay", tmp_path / "d.csv", "--reference-rows", 1, "--rows-per-window", 1)
    assert result.exit_code == 1
    assert "has a single column: its values are separated by ';', expected ','" in result.stderr


def test_a_column_of_times_may_be_the_timestamp(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("ts,a\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,2\n")
    result = call("replay", tmp_path / "d.csv", "--reference-rows", 1, "--rows-per-window", 1)
    assert result.exit_code == 1
    assert "leave it out with --ignore ts, or give it to replay with --timestamp ts" in result.stderr


def test_too_few_rows_are_exit_4_and_what_to_do(tmp_path: Path) -> None:
    result = call("replay", table(tmp_path / "d.csv"), "--reference-rows", 1_000, "--rows-per-window", 50)
    assert result.exit_code == 4
    assert "nothing could be judged: 50 effective rows, 200 needed" in result.stdout
    assert "give more --rows-per-window" in result.stdout


def test_a_monitor_decides_windows_segments_and_types(tmp_path: Path) -> None:
    monitor = tmp_path / "m.yaml"
    monitor.write_text(
        "model: flights\nowner: ops\nfeatures: {age: {type: categorical}}\nsegments: {region: [eu]}\n"
        "windows: {pane: 60s, length: 10m, hop: 10m}\npolicy: {n_eff_min: 100}\n"
    )
    reference = table(tmp_path / "r.csv", seed=1)
    given = ("--reference", reference, "--monitor", monitor, "--timestamp", "when", "--score", "score")
    result = call("replay", table(tmp_path / "d.csv"), *given, "--label", "label", "--json")
    reports = lines(result)
    assert result.exit_code == 0
    assert {report["segment"] for report in reports} == {"", "region=eu", "region=other"}
    assert reports[0]["window_start"] == "2013-01-01T10:00:00Z"
    kinds = {finding["signal"]: finding["kind"] for finding in reports[0]["findings"]}
    assert kinds == {"amount": "feature", "age": "feature", "carrier": "feature", "score": "score", "label": "label"}
    ages = next(finding for finding in reports[0]["findings"] if finding["signal"] == "age")
    assert ages["ks"] is None


def test_versions_are_reported_apart(tmp_path: Path) -> None:
    result = call(
        "replay", table(tmp_path / "d.csv"), *ROWS, "--version", "label", "--segment", "region", "--ignore", "when"
    )
    assert result.exit_code == 0
    assert "yes region=eu" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --reference FILE or --reference-rows N"),
        (("--reference-rows", 10), "either --timestamp COLUMN, or --rows-per-window N"),
        (("--reference-rows", 10, "--rows-per-window", 5, "--timestamp", "when"), "either --timestamp COLUMN"),
        (("--reference-rows", 0, "--rows-per-window", 5), "not in the range x>=1"),
        ((*ROWS, "--score", "scor"), "did you mean 'score'"),
        ((*ROWS, "--score", "label", "--label", "label"), "named for two roles"),
        ((*ROWS, "--reference", "none.csv"), "does not exist"),
        ((*ROWS, "--outcome", "clicks"), "has no column 'clicks' (--outcome)"),
        ((*ROWS, "--request-id", "whem"), "did you mean 'when'"),
        (("--from-kafka", "2026-01-01T00:00Z..2026-01-02T00:00Z"), "give either DATA, a file, or --from-kafka"),
    ],
)
def test_usage_errors_are_exit_2(tmp_path: Path, arguments: tuple[object, ...], said: str) -> None:
    result = call("replay", table(tmp_path / "d.csv", 100), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_what_the_data_are_at_fault_for_is_exit_1_and_one_line(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("mail,x\n" + "".join(f"m{i}@example.com,{i}\n" for i in range(300)))
    result = call("replay", data, "--reference-rows", 100, "--rows-per-window", 100)
    assert result.exit_code == 1
    assert result.stderr == (
        "kedge: looks like ids: mail (100 different values in 100 rows): "
        "leave them out with --ignore, or keep them with --allow-id-like\n"
    )
    kept = call("replay", data, "--reference-rows", 100, "--rows-per-window", 100, "--allow-id-like", "mail", "--json")
    assert "example.com" not in kept.output


def test_a_bad_monitor_lists_its_problems(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("model: m\nfeaturs: {}\n")
    result = call("replay", table(tmp_path / "d.csv", 100), *ROWS, "--monitor", tmp_path / "m.yaml")
    assert result.exit_code == 1
    assert "featurs: unknown key" in result.stderr
    assert "owner: required" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either DATA, a file, or --from-kafka FROM..TO"),
        (("--from-kafka", "yesterday"), "is no range, such as 2026-11-20T10:00Z..2026-11-20T12:00Z"),
        (("--from-kafka", "2026-01-01..noon"), "'noon' is no ISO 8601 time"),
        (("--from-kafka", "2026-01-02..2026-01-01"), "ends before it begins"),
        (("--from-kafka", "2026-01-01..2026-01-02", "--score", "s"), "--score is for files"),
    ],
)
def test_usage_errors_of_a_range_are_exit_2(arguments: tuple[str, ...], said: str) -> None:
    result = call("replay", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_outcomes_that_the_monitor_does_not_fit_are_named(tmp_path: Path) -> None:
    data, monitor = table(tmp_path / "d.csv", 2_000), tmp_path / "m.yaml"
    monitor.write_text("model: m\nowner: o\noutcomes: {click: {}, buy: {}}\n")
    for arguments, said in (
        (("--outcome", "amount"), "give a --monitor whose outcomes have amount: {type: numeric, tolerance: …}"),
        (("--outcome", "carrier", "--monitor", monitor), "the monitor has click, buy: name an outcome of it 'carrier'"),
    ):
        result = call("replay", data, *ROWS, "--ignore", "when", *arguments)
        assert (result.exit_code, said in result.stderr) == (1, True), result.stderr


def test_with_outcomes_each_window_still_has_one_report(tmp_path: Path) -> None:
    given = ("--ignore", "when", "--outcome", "label", "--json")
    result = call("replay", table(tmp_path / "d.csv"), *ROWS, *given)
    reports = [report for report in lines(result) if "findings" in report]
    assert [(report["n"], report["final"]) for report in reports] == [(500, True)] * 6


def compared(path: Path, rows: int = 12_000) -> Path:
    """Write answers of two versions to requests of their own; what comes of the second's is worse."""
    rng = np.random.default_rng(3)
    second = np.arange(rows) % 2 == 1
    columns = {
        "x": rng.normal(size=rows).round(3),
        "version": np.where(second, "v2", "v1"),
        "role": np.where(second, "canary", "primary"),
        "req": np.arange(rows),
        "click": rng.random(rows) < np.where(second, 0.1, 0.3),
    }
    pa_csv.write_csv(pa.table(columns), path)
    return path


def test_a_version_whose_outcomes_are_worse_than_its_controls_does_harm(tmp_path: Path) -> None:
    given = ("--version", "version", "--role", "role", "--request-id", "req", "--outcome", "click")
    rows = ("--reference-rows", 2_000, "--rows-per-window", 500)
    told = call("replay", compared(tmp_path / "d.csv"), *rows, *given, "--json")
    reports = [report for report in lines(told) if "harms" in report]
    assert told.exit_code == 3, told.output
    assert {report["version"]: report["control"] for report in reports} == {"v1": "", "v2": "v1"}
    harmed = {h["measure"] for r in reports for h in r["harms"] if h["verdict"] == "DRIFTED"}
    assert harmed == {"click.positive_rate"}
    observed = {r["version"]: sum(o["n"] for o in r["outcomes"]) for r in reports if r["outcomes_due"]}
    assert observed == {"v1": 250, "v2": 250}
    shown = call("replay", compared(tmp_path / "d.csv"), *rows, *given)
    assert shown.exit_code == 3
    assert "v2 canary" in shown.stdout
