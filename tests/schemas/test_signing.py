"""What a signature is over: the published vectors, and no two records with the same bytes."""

import json
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kedge.schemas import records as r
from kedge.schemas.contracts import current
from kedge.schemas.signing import signed_bytes
from tests.schemas.made import any_value
from tests.schemas.signing_vectors import PATH, RULES, as_json, key_id, parts, schema_fields

PUBLISHED = json.loads(PATH.read_text("utf-8"))
KEY = PUBLISHED["key"]
SIGNED = {"Command": r.Command, "Override": r.Override, "Monitor": r.Monitor}
ANY_SIGNED = st.one_of(*(any_value(current()[name]) for name in SIGNED))


def record_of(vector: dict[str, Any]) -> r.Command | r.Override | r.Monitor:
    enums = {"action": r.Action if vector["record"] == "Command" else r.OverrideAction, "forced": r.Action}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in vector["fields"].items()
    }
    values |= {name: enum(values[name]) for name, enum in enums.items() if values.get(name) is not None}
    made: r.Command | r.Override | r.Monitor
    made = SIGNED[vector["record"]](**values, signature=bytes.fromhex(vector["signature"]))
    return made


@pytest.mark.parametrize("vector", PUBLISHED["vectors"], ids=lambda vector: vector["title"])
def test_a_published_record_has_the_published_bytes_and_signature(vector: dict[str, Any]) -> None:
    record = record_of(vector)
    data = signed_bytes(record)
    assert data.hex() == vector["bytes"] == "".join(vector["parts"].values())
    assert {name: piece.hex() for name, piece in parts(vector["record"], vector["fields"])} == vector["parts"]
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(KEY["public_key"])).verify(record.signature or b"", data)
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY["seed"])).sign(data) == record.signature
    assert record.key_id == KEY["key_id"]


def test_the_published_key_is_what_it_says() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY["seed"]))
    assert private.public_key().public_bytes_raw().hex() == KEY["public_key"]
    assert key_id(private) == KEY["key_id"]
    assert tuple(PUBLISHED["rules"]) == RULES


def test_every_signed_record_is_published_with_its_null_and_without() -> None:
    told = [(vector["record"], vector["fields"]) for vector in PUBLISHED["vectors"]]
    assert {name for name, _values in told} == set(SIGNED)
    assert {values["runbook_url"] is None for name, values in told if name == "Command"} == {True, False}
    assert {values["forced"] is None for name, values in told if name == "Override"} == {True, False}


def read_back(name: str, data: bytes) -> dict[str, Any]:
    """The fields as texts, None and lists, read from the bytes by the schema."""
    at = len(f"kedge-{name.lower()}-v1")
    assert data[:at] == f"kedge-{name.lower()}-v1".encode()

    def piece() -> bytes:
        nonlocal at
        start, at = at + 4, at + 4 + int.from_bytes(data[at : at + 4], "big")
        return data[start:at]

    values: dict[str, Any] = {}
    for field, kind in schema_fields(name):
        if field == "signature":
            continue
        head = piece()
        if isinstance(kind, dict) and kind["type"] == "array":
            values[field] = [piece().decode() for _ in range(int(head))]
        elif isinstance(kind, list):
            values[field] = None if head == b"\x00" else head.removeprefix(b"\x01").decode()
        else:
            values[field] = head.decode()
    assert at == len(data)
    return values


def as_text(value: object) -> object:
    match value:
        case None | list():
            return value
        case bool():
            return str(value).lower()
    return str(value)


@given(ANY_SIGNED)
def test_bytes_say_every_field_but_the_signature(record: r.Command | r.Override | r.Monitor) -> None:
    name = type(record).__name__
    data = signed_bytes(record)
    assert read_back(name, data) == {field: as_text(value) for field, value in as_json(record).items()}
    assert data == b"".join(piece for _name, piece in parts(name, as_json(record)))
    assert signed_bytes(replace(record, signature=b"another")) == data


def test_another_field_or_key_breaks_the_signature() -> None:
    vector = PUBLISHED["vectors"][0]
    record = record_of(vector)
    assert isinstance(record, r.Command)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(KEY["public_key"]))
    for forged in (
        replace(record, drill=True),
        replace(record, expires_at=record.expires_at + 1),
        replace(record, key_id="0" * 16),
        replace(record, environment=record.environment + "d", model=record.model[1:]),
    ):
        with pytest.raises(InvalidSignature):
            public.verify(record.signature, signed_bytes(forged))


@dataclass(frozen=True)
class Weighed:
    weight: float


def test_what_has_no_canonical_bytes_cannot_be_signed() -> None:
    with pytest.raises(TypeError, match="float has no canonical bytes"):
        signed_bytes(cast("Any", Weighed(0.1)))
