"""What `validate` says, and that it agrees with what the publisher makes of a value."""

import json
import math

import numpy as np
import pytest

from kedge.schemas.monitor import parse_monitor, to_document
from kedge.streams.contract import Contract, Validation, validate

CONTRACT = Contract({"age": "numeric", "city": "categorical", "member": "categorical"})
GOOD = {"age": 41, "city": "Bern", "member": True}


def test_features_as_promised_are_ok() -> None:
    assert validate(GOOD, CONTRACT) == Validation()
    assert validate(GOOD, CONTRACT).ok
    assert validate({"age": np.float32(1), "city": np.str_("x"), "member": np.bool_(0)}, CONTRACT).ok


def test_a_plain_mapping_will_do() -> None:
    assert validate({"a": 1}, {"a": "numeric"}).ok


def test_everything_wrong_is_named_at_once() -> None:
    found = validate({"age": "41", "town": "Bern", "member": None, 7: 1}, CONTRACT)  # type: ignore[dict-item] # on purpose
    assert found.missing == ("city", "member")
    assert found.unexpected == ("<int>", "town")
    assert [(wrong.feature, wrong.expected, wrong.found) for wrong in found.wrong_type] == [("age", "numeric", "str")]
    assert not found.ok


@pytest.mark.parametrize(
    ("feature", "value", "found"),
    [
        ("age", True, "bool"),
        ("age", [41], "list"),
        ("age", math.nan, "not a finite number"),
        ("age", -math.inf, "not a finite number"),
        ("city", 3000, "int"),
        ("city", ["Bern"], "list"),
        ("city", b"Bern", "bytes"),
    ],
)
def test_what_windows_would_count_as_invalid_is_wrongly_typed(feature: str, value: object, found: str) -> None:
    [wrong] = validate({**GOOD, feature: value}, CONTRACT).wrong_type
    assert (wrong.feature, wrong.found) == (feature, found)


def test_the_detail_is_json_and_holds_no_value() -> None:
    secret = "anna@example.org"  # noqa: S105 - a planted value
    found = validate({"age": secret, "city": [secret], "note": secret}, CONTRACT)
    detail = json.dumps(found.as_detail())
    assert secret not in detail
    assert json.loads(detail) == {
        "missing": ["member"],
        "unexpected": ["note"],
        "wrong_type": [
            {"feature": "age", "expected": "numeric", "found": "str"},
            {"feature": "city", "expected": "categorical", "found": "list"},
        ],
    }


def test_a_monitors_document_is_a_contract() -> None:
    spec = parse_monitor(
        "model: m\nowner: o\nfeatures: {age: {range: [0, 120]}, city: {type: categorical}}\n", "monitor.yaml"
    )
    contract = Contract.from_document(to_document(spec))
    assert dict(contract.features) == {"age": "numeric", "city": "categorical"}


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", '{"features": {}}', '{"features": {"a": 1}}', '{"features": {"a": {"type": "date"}}}'],
)
def test_a_document_without_features_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=r"features|Expecting"):
        Contract.from_document(document)


def test_an_unknown_type_is_refused_with_its_feature() -> None:
    with pytest.raises(ValueError, match=r"features\.a: expected numeric or categorical, not 'number'"):
        Contract({"a": "number"})
