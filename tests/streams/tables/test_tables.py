"""What a CSV or Parquet file means, and what is refused with its place."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kedge.schemas.hashing import id_hash
from kedge.schemas.monitor import parse_monitor
from kedge.streams.core.columns import Numbers, Texts
from kedge.streams.tables import ColumnError, Frame, Roles, TableError, read_frame


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    return path


def parquet(tmp_path: Path, columns: Mapping[str, Any]) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    return path


def read(path: Path, **roles: Any) -> Frame:
    return read_frame(path, Roles(**roles), "m")


def numbers(column: Numbers) -> list[float | None]:
    valid = np.ones(column.values.size, np.bool_) if column.valid is None else column.valid
    pairs = zip(column.values.tolist(), valid.tolist(), strict=True)
    return [value if present else None for value, present in pairs]


def texts(column: Texts) -> list[str | None]:
    valid = np.ones(column.codes.size, np.bool_) if column.valid is None else column.valid
    return [column.dictionary[code] if there else None for code, there in zip(column.codes, valid, strict=True)]


def test_csv_numbers_texts_and_booleans(tmp_path: Path) -> None:
    found = read(csv(tmp_path, "x,c,b\n1,AA,true\n2.5,,false\n,NA,\n")).columns
    assert numbers(found.numbers["x"]) == [1.0, 2.5, None]
    assert texts(found.strings["c"]) == ["AA", None, "NA"]
    assert texts(found.strings["b"]) == ["true", "false", None]


def test_nan_and_infinities_are_values_and_not_missing(tmp_path: Path) -> None:
    found = numbers(read(csv(tmp_path, "x\n1\nNaN\ninf\n-inf\nNA\n")).columns.numbers["x"])
    assert found[0] == 1.0
    assert str(found[1:]) == "[nan, inf, -inf, None]"


def test_one_bad_value_does_not_make_text_of_a_column_of_numbers(tmp_path: Path) -> None:
    found = read(csv(tmp_path, "x,y\n1,0\n2,0\nbroken,0\n4,0\n,0\n")).columns
    assert numbers(found.numbers["x"]) == [1.0, 2.0, None, 4.0, None]
    assert texts(found.strings["x"]) == [None, None, "broken", None, None]


def test_a_type_that_changes_late_in_the_file_is_seen(tmp_path: Path) -> None:
    rows = "1\n" * 400_000
    assert read(csv(tmp_path, f"x\n{rows}1.5\n")).columns.numbers["x"].values[-1] == 1.5


def test_what_the_monitor_calls_categorical_stays_text(tmp_path: Path) -> None:
    monitor = parse_monitor("model: m\nowner: o\nfeatures: {zip: {type: categorical}, on: {type: categorical}}", "t")
    found = read(csv(tmp_path, "zip,on\n02139,True\n,False\n"), monitor=monitor).columns
    assert texts(found.strings["zip"]) == ["02139", None]
    assert texts(found.strings["on"]) == ["true", "false"]


def test_parquet_says_what_is_text_and_what_is_null(tmp_path: Path) -> None:
    columns = {
        "x": pa.array([1, None, 3], pa.int16()),
        "y": pa.array([1.0, float("nan"), None]),
        "c": pa.array(["1", "", None]).dictionary_encode(),
        "z": pa.nulls(3),
    }
    found = read(parquet(tmp_path, columns)).columns
    assert numbers(found.numbers["x"]) == [1.0, None, 3.0]
    assert str(numbers(found.numbers["y"])) == "[1.0, nan, None]"
    assert texts(found.strings["c"]) == ["1", "", None]
    assert numbers(found.numbers["z"]) == [None, None, None]


def test_roles_take_columns_from_the_features(tmp_path: Path) -> None:
    path = csv(tmp_path, "t,s,l,v,r,g,x\n1,0.5,1,7,primary,eu,1\n2,0.6,0,8,SHADOW,us,2\n")
    frame = read(path, timestamp="t", score="s", label="l", version="v", role="r", segments=("g",))
    assert set(frame.columns.numbers) == {"x"}
    assert not frame.columns.strings
    assert frame.columns.label is not None
    assert texts(frame.columns.label) == ["1", "0"]
    streams = [(part.version, part.role, part.timestamps.tolist()) for part in frame.streams()]
    assert streams == [("7", "PRIMARY", [1_000]), ("8", "SHADOW", [2_000])]


def test_a_segment_is_a_feature_too_where_the_monitor_says_so(tmp_path: Path) -> None:
    text = "model: m\nowner: o\nfeatures: {g: {type: categorical}}\nsegments: {g: [eu]}"
    found = read(csv(tmp_path, "g,x\neu,1\n"), segments=("g",), monitor=parse_monitor(text, "t")).columns
    assert list(found.strings) == ["g"]
    assert list(found.segments) == ["g"]


def test_features_may_be_called_like_signals(tmp_path: Path) -> None:
    found = read(csv(tmp_path, "score,s\n1,0.5\n"), score="s").columns
    assert list(found.numbers) == ["score"]


def test_text_among_scores_is_invalid(tmp_path: Path) -> None:
    found = read(csv(tmp_path, "s,x\n0.5,1\n0.6,1\noops,1\n,1\n"), score="s").columns.score
    assert found is not None
    assert str(numbers(found)) == "[0.5, 0.6, nan, None]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2013-01-01 10:00:00", 1_357_034_400_000),
        ("2013-01-01T10:00:00Z", 1_357_034_400_000),
        ("2013-01-01T11:00:00.250+01:00", 1_357_034_400_250),
        ("1357034400", 1_357_034_400_000),
        ("1357034400.25", 1_357_034_400_250),
        ("1357034400000", 1_357_034_400_000),
        ("1357034400000000", 1_357_034_400_000),
        ("1357034400000000000", 1_357_034_400_000),
        ("2200-01-01", 7_258_118_400_000),
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path: Path, given: str, expected: int) -> None:
    assert read(csv(tmp_path, f"t,x\n{given},1\n"), timestamp="t").columns.timestamps.tolist() == [expected]


def test_parquet_times_keep_their_zone(tmp_path: Path) -> None:
    moment = dt.datetime(2013, 1, 1, 10, tzinfo=dt.UTC)
    for kind in (pa.timestamp("ns", "America/New_York"), pa.timestamp("s", "UTC")):
        path = parquet(tmp_path, {"t": pa.array([moment], kind), "x": [1]})
        assert read(path, timestamp="t").columns.timestamps.tolist() == [1_357_034_400_000]


def test_times_of_several_forms_in_one_column(tmp_path: Path) -> None:
    path = csv(tmp_path, "t,x\n2013-01-01 10:00:00,1\n2013-01-01T10:00:01Z,2\n2013-01-01T11:00:02+01:00,3\n")
    assert np.diff(read(path, timestamp="t").columns.timestamps).tolist() == [1_000, 1_000]


def test_unsorted_rows_are_sorted_with_all_their_columns(tmp_path: Path) -> None:
    frame = read(csv(tmp_path, "t,x,c\n3,30,c\n1,10,a\n2,20,\n1,11,d\n"), timestamp="t")
    assert numbers(frame.columns.numbers["x"]) == [10.0, 11.0, 20.0, 30.0]
    assert texts(frame.columns.strings["c"]) == ["a", "d", None, "c"]


def test_rows_without_time_come_one_a_second(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "x\n5\n6\n")).columns.timestamps.tolist() == [0, 1_000]


@pytest.mark.parametrize(
    ("text", "roles", "expected"),
    [
        ("", {}, "Empty CSV"),
        ("x\n", {}, "no rows"),
        ("x,x\n1,2\n", {}, "several columns are called 'x'"),
        ("x,,y\n1,2,3\n", {}, "column 2 has no name"),
        ("x,y\n1,2\n3\n", {}, "Row #3: Expected 2 columns, got 1"),
        ("t,x\n1,1\n,2\n", {"timestamp": "t"}, "'t', row 2: has no time"),
        ("t,x\n1,1\n-1,2\n", {"timestamp": "t"}, "'t', row 2: lies before 1970"),
        ("t,x\n2013-01-01,1\nsoon,2\n", {"timestamp": "t"}, "'t', row 2: 'soon' is no time"),
        ("t,x\n1,1\nnan,2\n", {"timestamp": "t"}, "'t', row 2: is nan"),
        ("r,x\nprimary,1\nking,2\n", {"role": "r"}, "'r', row 2: 'king' is no role, expected PRIMARY"),
        ("v,x\na,1\n,2\n", {"version": "v"}, "'v', row 2: holds nothing"),
        ("v,x\n" + "".join(f"v{i},1\n" for i in range(40)), {"version": "v"}, "40 versions, at most 32"),
        ("s,x\nlow,1\nhigh,2\n", {"score": "s"}, "'s' holds text, expected numbers"),
        ("d,x\n2013-01-01,1\n", {}, "'d' holds date32.*--ignore d"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(
    tmp_path: Path, text: str, roles: dict[str, Any], expected: str
) -> None:
    with pytest.raises(TableError, match=expected) as refused:
        read(csv(tmp_path, text), **roles)
    assert "rows.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"score": "scroe"}, "no column 'scroe' \\(--score\\); did you mean 'score'"),
        ({"score": "score", "label": "score"}, "named for two roles"),
        ({"ignored": frozenset({"nothing"})}, "no column 'nothing' \\(--ignore\\)"),
    ],
)
def test_columns_that_are_not_there_are_a_usage_error(tmp_path: Path, roles: dict[str, Any], expected: str) -> None:
    with pytest.raises(ColumnError, match=expected):
        read(csv(tmp_path, "score,x\n0.5,1\n"), **roles)


def test_a_reference_needs_no_time_and_no_versions(tmp_path: Path) -> None:
    roles = {"timestamp": "t", "version": "v", "role": "r", "reference": True}
    assert read(csv(tmp_path, "x\n1\n"), **roles).rows == 1
    assert list(read(csv(tmp_path, "t,x\n,1\n"), **roles).columns.numbers) == ["x"]


def test_files_that_are_not_there_or_not_what_they_say(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read(tmp_path / "none.csv")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and more")
    with pytest.raises(TableError, match="cannot be read"):
        read(tmp_path / "x.parquet")


def test_outcomes_are_numbers_or_classes_and_true_is_1(tmp_path: Path) -> None:
    path = csv(tmp_path, "x,won,paid,kind\n1,true,1,cat\n2,False,0,dog\n3,,,\n")
    assert [
        numbers(found) for name in ("won", "paid") if isinstance(found := read(path, outcome=name).outcomes, Numbers)
    ] == [
        [1.0, 0.0, None],
        [1.0, 0.0, None],
    ]
    kind = read(path, outcome="kind").outcomes
    assert isinstance(kind, Texts)
    assert texts(kind) == ["cat", "dog", None]
    mixed = csv(tmp_path, "x,y\n1,1\n2,0\n3,often\n")
    with pytest.raises(TableError, match="column 'y', row 3: 'often' among numbers"):
        read(mixed, outcome="y")


def test_requests_are_hashed_as_publishers_hash_them_and_follow_their_rows(tmp_path: Path) -> None:
    path = csv(tmp_path, "t,req,y\n20,r-2,0\n10,r-1,1\n")
    found = read(path, timestamp="t", request_id="req", outcome="y")
    assert found.columns.requests is not None
    assert found.columns.requests.tolist() == [id_hash("r-1"), id_hash("r-2")]
    assert isinstance(found.outcomes, Numbers)
    assert numbers(found.outcomes) == [1.0, 0.0]
    alone = read(path, timestamp="t", outcome="y", ignored=frozenset(("req",)))
    assert alone.requests is not None
    with pytest.raises(TableError, match="column 'req', row 1: holds nothing"):
        read(csv(tmp_path, "x,req\n1,\n"), request_id="req")
