"""`kedge baseline` and `kedge monitor` without Kafka."""

import json
from pathlib import Path

import jsonschema
import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.records import Baseline
from tests.streams.cli.support import call, lines, table

MONITOR = "model: fraud\nowner: risk\nfeatures: {carrier: {type: categorical}}\nsegments: {region: [eu, us]}\n"
SIGNALS = ("--score", "score", "--label", "label", "--ignore", "when")


@pytest.fixture
def monitor(tmp_path: Path) -> Path:
    path = tmp_path / "monitor.yaml"
    path.write_text(MONITOR)
    return path


@pytest.fixture
def fitted(tmp_path: Path, monitor: Path) -> Path:
    path = tmp_path / "baseline.avro"
    result = call("baseline", "fit", table(tmp_path / "r.csv"), "-o", path, "--monitor", monitor, *SIGNALS)
    assert result.exit_code == 0, result.output
    return path


def test_a_fitted_file_is_the_record_that_is_published(fitted: Path) -> None:
    baseline = Codec().decode(fitted.read_bytes(), Baseline)
    assert (baseline.model, baseline.version, baseline.effective_from) == ("fraud", "", 0)
    assert [signal.name for signal in baseline.signals] == ["amount", "age", "carrier", "score", "label"]
    assert [counts.segment for counts in baseline.counts] == ["", "region=eu", "region=us"]
    assert (baseline.provenance.dataset, baseline.provenance.rows) == ("r.csv", 4_000)


def test_show_tells_what_is_in_it(fitted: Path) -> None:
    shown = call("baseline", "show", fitted)
    assert "fraud, every version: baseline" in shown.stdout
    assert "segment region=eu:" in shown.stdout
    (document,) = lines(call("baseline", "show", fitted, "--json"))
    carrier = document["signals"][2]
    assert sorted(carrier["categories"]) == ["AA", "DL", "UA"]
    assert sum(carrier["counts"]) == document["rows"] == 4_000


def test_diff_finds_what_moved(tmp_path: Path, fitted: Path) -> None:
    moved = tmp_path / "moved.avro"
    other = table(tmp_path / "s.csv", seed=1, shift_from=0)
    call("baseline", "fit", other, "-o", moved, "--model", "fraud", "--ignore", "region", *SIGNALS)
    result = call("baseline", "diff", fitted, moved, "--json")
    assert result.exit_code == 3
    (found,) = lines(result)
    verdicts = {difference["signal"]: difference["verdict"] for difference in found}
    assert verdicts.pop("amount") == "DRIFTED"
    assert set(verdicts.values()) == {"STABLE"}
    assert call("baseline", "diff", fitted, fitted).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "give --model NAME, or --monitor FILE"),
        (("--model", "m", "--ignore", "wehn"), 2, "did you mean 'when'"),
        (("--model", "m", "--score", "label"), 1, "'label' holds text, expected numbers"),
    ],
)
def test_fit_says_what_is_wrong(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = call("baseline", "fit", table(tmp_path / "r.csv", 100), "-o", tmp_path / "b.avro", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert not (tmp_path / "b.avro").exists()


def test_a_feature_called_as_the_answer_is_warned_of_unless_it_is_meant(tmp_path: Path, monitor: Path) -> None:
    data, out = table(tmp_path / "r.csv", 100), tmp_path / "b.avro"
    fit = ("baseline", "fit", data, "-o", out, "--monitor", monitor, "--ignore", "when", "--label", "label")
    warned = call(*fit)
    assert warned.exit_code == 0, warned.stderr
    assert warned.stderr.startswith("kedge: column 'score' is fitted as a feature, not as the model's own score")
    assert len(warned.stderr.splitlines()) == 1  # label has its role
    kinds = {signal.name: signal.kind.value for signal in Codec().decode(out.read_bytes(), Baseline).signals}
    assert (kinds["score"], kinds["label"]) == ("FEATURE", "LABEL")
    assert call(*fit, "--score", "score").stderr == ""
    monitor.write_text(MONITOR.replace("features: {", "features: {score: {}, "))
    assert call(*fit).stderr == ""


def test_ids_are_refused_by_name(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("user,x\n" + "".join(f"u{i},{i}\n" for i in range(60)))
    result = call("baseline", "fit", data, "-o", tmp_path / "b.avro", "--model", "m")
    assert result.exit_code == 1
    assert "user (60 different values in 60 rows)" in result.stderr
    allowed = call("baseline", "fit", data, "-o", tmp_path / "b.avro", "--model", "m", "--allow-id-like", "user")
    assert allowed.exit_code == 0


def test_a_baseline_too_large_to_publish_names_the_columns(tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("user,x\n" + "".join(f"u{i},{i}\n" for i in range(150_000)))
    out = tmp_path / "b.avro"
    result = call("baseline", "fit", data, "-o", out, "--model", "m", "--allow-id-like", "user")
    assert result.exit_code == 1
    assert "user (150,000 rare categories)" in result.stderr
    assert not out.exists()


def test_a_file_that_is_no_baseline(monitor: Path) -> None:
    result = call("baseline", "show", monitor)
    assert result.exit_code == 1
    assert "is no baseline, such as `kedge baseline fit` writes" in result.stderr


def test_check_of_a_good_monitor(monitor: Path, fitted: Path) -> None:
    result = call("monitor", "check", monitor, "--baseline", fitted)
    assert result.exit_code == 0
    assert "well; monitor" in result.stdout


def test_check_prints_every_problem_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("model: m\nowner: o\nfeatures: {age: {range: [9, 1]}}\nwindows: {hop: 7m}\nsurprise: 1\n")
    result = call("monitor", "check", path)
    assert result.exit_code == 1
    for said in ("3 problems", "features.age.range", "windows.length", "surprise: unknown key"):
        assert said in result.stdout
    (document,) = lines(call("monitor", "check", path, "--json"))
    assert {problem["path"] for problem in document["problems"]} >= {"features.age.range", "surprise"}


def test_check_against_a_baseline_that_does_not_fit(tmp_path: Path, fitted: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "model: fraud\nowner: o\nfeatures: {amount: {type: categorical}, zip: {}}\nsegments: {region: [eu, jp]}\n"
    )
    result = call("monitor", "check", path, "--baseline", fitted)
    assert result.exit_code == 1
    for said in ("features.amount: categorical", "features.zip: the baseline does not have", "region=jp"):
        assert said in result.stdout


def test_the_schema_is_one_that_monitors_keep(monitor: Path) -> None:
    schema = json.loads(call("monitor", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "model" in schema["properties"]
    assert monitor.exists()
