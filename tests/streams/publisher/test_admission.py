"""What is let into the queue, and what it weighs there."""

import gc
import tracemalloc
from collections import UserDict
from collections.abc import Callable
from typing import Any

import pytest

from kedge.streams.publisher.admission import STREAMS_MAX, Admission, Refusal, RefusedError, moment, request_id
from kedge.streams.publisher.row import KEYS_MAX, NAME_CHARS_MAX
from tests.streams.publisher.readback import make_row


def refusal(call: Callable[..., object], *args: object) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        call(*args)
    return caught.value.refusal


def test_features_stand_by_kind_and_nothing_stands_nowhere() -> None:
    given = {"a": 1.0, "b": "x", "c": None, "d": True, "e": 2, "f": [1]}
    numbers, strings = Admission().features(given)
    assert numbers.keys() == {"a", "e", "f"}
    assert strings == {"b": "x", "d": "true"}


def test_the_callers_mapping_is_copied_and_left_alone() -> None:
    given = {"a": 1.0, "b": "x"}
    numbers, _ = Admission().features(given)
    given["a"] = 2.0
    assert numbers == {"a": 1.0}
    assert given == {"a": 2.0, "b": "x"}


def test_any_mapping_will_do() -> None:
    assert Admission().features(UserDict({"a": 1.0})).numbers == {"a": 1.0}


@pytest.mark.parametrize("name", [1, None, "", "x" * (NAME_CHARS_MAX + 1), "\ud800", ("a",)])
def test_names_are_short_texts(name: object) -> None:
    admission = Admission()
    assert refusal(admission.features, {"good": 1.0, name: 1.0}) is Refusal.FEATURES
    assert refusal(admission.class_scores, {name: 1.0}) is Refusal.CLASS_SCORES
    assert refusal(admission.segment, {name: "a"}) is Refusal.SEGMENT


@pytest.mark.parametrize("given", [[("a", 1)], "a", 3, object()])
def test_maps_are_mappings(given: object) -> None:
    admission = Admission()
    assert refusal(admission.features, given) is Refusal.FEATURES
    assert refusal(admission.class_scores, given) is Refusal.CLASS_SCORES
    assert refusal(admission.segment, given) is Refusal.SEGMENT


def test_a_map_has_at_most_a_thousand_keys() -> None:
    names = {f"f{i}": 1.0 for i in range(KEYS_MAX)}
    assert len(Admission().features(names).numbers) == KEYS_MAX
    assert refusal(Admission().features, {**names, "one more": 1.0}) is Refusal.TOO_MANY_KEYS


@pytest.mark.parametrize("given", [None, "", 7, b"r", ["r"], "x" * (NAME_CHARS_MAX + 1), "\ud800"])
def test_a_request_id_is_a_short_text(given: object) -> None:
    assert refusal(request_id, given) is Refusal.REQUEST_ID


@pytest.mark.parametrize("given", ["now", 2**63, float("nan"), float("inf"), [1], 1e300])
def test_a_time_is_an_integer_of_64_bits(given: object) -> None:
    assert refusal(moment, given) is Refusal.TIMESTAMP


def test_a_strange_time_is_the_workers_to_judge() -> None:
    assert [moment(given) for given in (-1, 0, 7_258_118_400_000, 1_700_000_000_000.9)] == [
        -1,
        0,
        7_258_118_400_000,
        1_700_000_000_000,
    ]


@pytest.mark.parametrize(
    "given",
    [
        ("", "1", "PRIMARY"),
        ("m", None, "PRIMARY"),
        ("m", 7, "PRIMARY"),
        ("m", "1", "primary"),
        ("m", "1", None),
        ([], "1", {}),
    ],
)
def test_a_stream_is_model_version_and_role(given: tuple[object, object, object]) -> None:
    assert refusal(Admission().stream, *given) is Refusal.STREAM


def test_a_process_has_a_bounded_number_of_streams() -> None:
    admission = Admission()
    for version in range(STREAMS_MAX):
        admission.stream("m", str(version), "CANARY")
    assert refusal(admission.stream, "m", "one more", "CANARY") is Refusal.TOO_MANY_STREAMS
    assert admission.stream("m", "0", "CANARY") == ("m", "0", "CANARY")


@pytest.mark.parametrize(
    "features",
    [
        {},
        {f"f{i}": 0.0 for i in range(20)},
        {f"f{i}": "" for i in range(20)},
        {f"f{i}": 0.0 for i in range(300)},
        {"text": "x" * 1_000, "number": 1.0},
    ],
)
def test_a_row_weighs_about_what_the_queue_says(features: dict[str, object]) -> None:
    def fresh() -> dict[str, object]:  # values of its own for every row, as in requests
        return {
            name: value + len(rows) + 0.5 if isinstance(value, float) else f"{value}{len(rows)}"
            for name, value in features.items()
        }

    rows: list[Any] = []
    rows.append(make_row("warm-up", features=fresh()))
    gc.collect()
    tracemalloc.start()
    rows.extend(make_row(f"request-{i}", features=fresh()) for i in range(200))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    stated = sum(row.cost for row in rows[1:])
    assert taken <= stated * 1.1
    assert stated <= taken * 3
