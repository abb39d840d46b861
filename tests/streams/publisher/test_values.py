"""What becomes of a value."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

import numpy as np
import pytest

from kedge.streams.publisher.values import CODE_CHARS_MAX, TEXT_CHARS_MAX, UNSPECIFIED, code, label, number, plain


class Colour(str, Enum):  # noqa: UP042 - as it is
    """The old kind, whose str() is not its value."""

    RED = "red"


class Size(StrEnum):
    """The new kind."""

    BIG = "big"


class Level(IntEnum):
    """A number by another name."""

    HIGH = 3


class Odd(float):
    """A number of somebody's own type."""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1.5, 1.5),
        (3, 3.0),
        (True, "true"),
        (False, "false"),
        ("", ""),
        ("Zürich", "Zürich"),
        (None, None),
        (math.inf, math.inf),
        (np.float16(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int8(-3), -3.0),
        (np.uint64(2**63), float(2**63)),
        (np.bool_(True), "true"),  # noqa: FBT003 - the value itself
        (np.str_("a"), "a"),
        (Colour.RED, "red"),
        (Size.BIG, "big"),
        (Level.HIGH, 3.0),
        (Odd(2.5), 2.5),
        ("x" * TEXT_CHARS_MAX, "x" * TEXT_CHARS_MAX),
    ],
)
def test_a_value_is_a_number_a_text_or_nothing(given: object, expected: float | str | None) -> None:
    found = plain(given)
    assert found == expected
    assert type(found) is type(expected), "plain types only: nothing of the caller's is kept"


@pytest.mark.parametrize(
    "given",
    [
        [1.0],
        {"a": 1},
        object(),
        b"bytes",
        1j,
        Decimal(1),
        datetime(2024, 1, 1, tzinfo=UTC),
        np.datetime64("2024-01-01"),
        np.array([1.0]),
        np.array(1.0),
        10**400,
        -(10**400),
        math.nan,
        np.float32("nan"),
        "x" * (TEXT_CHARS_MAX + 1),
        "lone \ud800 surrogate",
    ],
)
def test_what_is_no_value_becomes_nan(given: object) -> None:
    found = plain(given)
    assert isinstance(found, float)
    assert math.isnan(found)


def test_a_score_that_is_no_number_is_invalid_not_missing() -> None:
    assert number(None) is None
    assert number(np.int64(2)) == 2.0
    for wrong in ("0.5", True, [0.5]):
        found = number(wrong)
        assert found is not None
        assert math.isnan(found)


def test_a_label_is_text_and_class_numbers_are_written_out() -> None:
    labels = ("late", 3, np.int32(-3), True, np.bool_(False))  # noqa: FBT003 - the value itself
    assert [label(given) for given in labels] == ["late", "3", "-3", "true", "false"]
    assert [label(given) for given in (None, 1.0, 10**5_000, ["late"], "x" * 2_000)] == [None] * 5


def test_an_error_is_never_lost_and_never_free_text() -> None:
    assert code(None) is None
    assert code("timeout") == "timeout"
    for given in ("", "x" * (CODE_CHARS_MAX + 1), ValueError("a secret"), 500.0, object()):
        assert code(given) == UNSPECIFIED
