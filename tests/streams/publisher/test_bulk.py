"""What `log_many` makes of arrays."""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kedge.streams.publisher.admission import Admission, Refusal, RefusedError
from kedge.streams.publisher.bulk import Bulk, Given, bulk_of
from kedge.streams.publisher.columns import LABEL, SCORE, Plane
from tests.streams.publisher.readback import STREAM

IDS = ["a", "b", "c"]


def bulk(*, request_ids: object = IDS, features: object = MappingProxyType({}), **given: object) -> Bulk:
    return bulk_of(Admission(), STREAM, Given(request_ids=request_ids, features=features, **given), 1_000)


def read(found: Bulk, key: tuple[Plane, str]) -> list[Any]:
    """A column as Python values, text before number, None where a row has neither."""
    out: list[Any] = [None] * found.rows
    numbers, texts = found.numbers.get(key), found.texts.get(key)
    for row in range(found.rows):
        if numbers is not None and (numbers.present is None or numbers.present[row]):
            out[row] = float(numbers.values[row])
        if texts is not None and (texts.present is None or texts.present[row]):
            out[row] = texts.dictionary[texts.codes[row]]
    return out


class Series:
    """What pandas and polars give: something with `__array__` and a length."""

    def __init__(self, values: Sequence[object]) -> None:
        self.values = np.array(values)

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[np.generic]:
        return self.values

    def __len__(self) -> int:
        return len(self.values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]),
        (np.array([1, 2, 3], np.int8), [1.0, 2.0, 3.0]),
        (np.array([1.5, 2.5, 3.5], ">f4"), [1.5, 2.5, 3.5]),
        (np.array([True, False, True]), ["true", "false", "true"]),
        (np.array(["x", "y", "x"]), ["x", "y", "x"]),
        (np.array(["x", None, 1.0], object), ["x", None, 1.0]),
        (np.ma.MaskedArray([1.0, 2.0, 3.0], [False, True, False]), [1.0, None, 3.0]),
        (Series([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]),
        (Series(["x", "y", "z"]), ["x", "y", "z"]),
        ([1.0, None, 3], [1.0, None, 3.0]),
        (("x", True, 1), ["x", "true", 1.0]),
        ([None, None, None], [None, None, None]),
        ("eu", ["eu", "eu", "eu"]),
    ],
)
def test_a_feature_is_any_column(values: object, expected: list[object]) -> None:
    assert read(bulk(features={"f": values}), (Plane.FEATURE, "f")) == expected


@pytest.mark.parametrize(
    "values",
    [
        np.array([1j, 2j, 3j]),
        np.array(["2024-01-01"] * 3, "M8[D]"),
        np.ones((3, 2)),
        [[1.0], [2.0], [3.0]],
        [object(), {}, b"x"],
        np.array([b"a", b"b", b"c"]),
    ],
)
def test_what_holds_no_values_is_invalid_in_every_row(values: object) -> None:
    found = read(bulk(features={"f": values}, score=values), (Plane.FEATURE, "f"))
    assert all(math.isnan(value) for value in found)


def test_nan_stays_nan() -> None:
    found = read(bulk(features={"f": np.array([1.0, math.nan, math.inf])}), (Plane.FEATURE, "f"))
    assert (found[0], found[2]) == (1.0, math.inf)
    assert math.isnan(found[1])


def test_a_score_that_is_text_is_invalid() -> None:
    found = read(bulk(score=[0.5, "0.5", None]), SCORE)
    assert (found[0], found[2]) == (0.5, None)
    assert math.isnan(found[1])
    assert all(math.isnan(value) for value in read(bulk(score=["a", "b", "c"]), SCORE))


def test_labels_may_be_class_numbers() -> None:
    assert read(bulk(label=np.array([1, 0, 1])), LABEL) == ["1", "0", "1"]
    assert read(bulk(label=[True, 1, 1.0]), LABEL) == ["true", "1", None]


def test_arrays_are_copied() -> None:
    values, stamps = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3])
    found = bulk(features={"f": values}, timestamp=stamps)
    values[:], stamps[:] = 0, 0
    assert read(found, (Plane.FEATURE, "f")) == [1.0, 2.0, 3.0]
    assert found.timestamps.tolist() == [1, 2, 3]


def test_one_time_and_one_truth_stand_for_all_rows() -> None:
    assert bulk(timestamp=5).timestamps.tolist() == [5, 5, 5]
    assert bulk().timestamps.tolist() == [1_000] * 3
    assert bulk().probe is None
    assert bulk(probe=True).probe is not None
    probe = bulk(probe=np.array([False, True, False])).probe
    assert probe is not None
    assert probe.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "given",
    [
        {"features": {"f": [1.0, 2.0]}},
        {"features": {"f": np.ones(4)}},
        {"features": {"f": np.float64(1.0)}},
        {"features": {"f": 1.0}},
        {"score": [0.5]},
        {"label": ["a", "b", "c", "d"]},
        {"class_scores": {"late": [0.1]}},
        {"segment": {"region": ["eu"]}},
        {"timestamp": [1]},
        {"probe": [True]},
    ],
)
def test_every_column_is_as_long_as_the_ids(given: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        bulk(**given)
    assert caught.value.refusal is Refusal.COLUMN_LENGTH


def test_ids_may_be_an_array() -> None:
    assert bulk(request_ids=np.array(["x", "y"])).request_ids == ["x", "y"]
    with pytest.raises(RefusedError):
        bulk(request_ids=[1, 2, 3])
    with pytest.raises(RefusedError):
        bulk(request_ids=np.arange(3))


def test_the_head_is_the_first_rows() -> None:
    found = bulk(
        features={"f": [1.0, None, 3.0], "g": ["x", None, "z"]}, probe=[True, False, False], timestamp=[1, 2, 3]
    ).head(2)
    assert (found.rows, found.request_ids, found.timestamps.tolist()) == (2, ["a", "b"], [1, 2])
    assert read(found, (Plane.FEATURE, "f")) == [1.0, None]
    assert read(found, (Plane.FEATURE, "g")) == ["x", None]
    assert found.chunk().rows == 2
