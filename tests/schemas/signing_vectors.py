"""Signed records for whoever checks signatures in another language: fields, bytes, key and signature, in one JSON file.

The bytes are laid out here a second time, from JSON and the `.avsc` alone, as such a program would: what
`kedge.schemas.signing` makes must be the same. `python -m tests.schemas.signing_vectors` writes the file if it is
missing; it never changes it, since others test their programs with it.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kedge.schemas import records as r
from kedge.schemas.contracts import text_of
from tests.schemas.samples import SAMPLES

PATH = Path(__file__).resolve().parent / "vectors" / "signing.json"
# The first test key of RFC 8032, section 7.1: known to everybody, fit for nothing else.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RULES = (
    "kedge-<record>-v1 in ASCII, the record's name in lower case,",
    "then each field in the order of its .avsc, except signature: its length (4 bytes, big endian), and its bytes.",
    "string: UTF-8. int, long: decimal digits. boolean: true or false. enum: its symbol.",
    "a union with null: the byte 00 for null, else the byte 01 and the value.",
    "an array: the count of its items as an int, then each item; the count and each item have their own lengths.",
)


def schema_fields(record: str) -> list[tuple[str, Any]]:
    """Names and types of a record's fields, as the `.avsc` has them."""
    return [(field["name"], field["type"]) for field in json.loads(text_of(record))["fields"]]


def as_json(record: object) -> dict[str, Any]:
    """The fields that are signed, as JSON."""
    values = {part.name: getattr(record, part.name) for part in fields(record)}  # type: ignore[arg-type]  # a record
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if name != "signature"
    }


def parts(record: str, values: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Each field's name and bytes, the tag first."""
    tag = f"kedge-{record.lower()}-v1"
    yield tag, tag.encode("ascii")
    for name, kind in schema_fields(record):
        if name != "signature":
            yield name, _part(kind, values[name])


def _part(kind: Any, value: Any) -> bytes:
    if isinstance(kind, dict) and kind.get("type") == "array":
        return b"".join(map(_sized, [_plain(len(value)), *map(_plain, value)]))
    if not isinstance(kind, list):
        return _sized(_plain(value))
    return _sized(b"\x00" if value is None else b"\x01" + _plain(value))


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _plain(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8")


def examples() -> Iterator[tuple[str, r.Command | r.Override | r.Monitor]]:
    """What is signed, and in a few words what is special about it."""
    command, override, monitor = SAMPLES["Command"], SAMPLES["Override"], SAMPLES["Monitor"]
    assert isinstance(command, r.Command)
    assert isinstance(override, r.Override)
    assert isinstance(monitor, r.Monitor)
    yield "a freeze: no target, no runbook", command
    yield (
        "a rollback in a drill: text beyond ASCII, two to escalate to, a runbook",
        replace(
            command,
            action=r.Action.ROUTE_TO_SAFE_PATH,
            from_version="v2",
            target_version="v1",
            sequence=8,
            drill=True,
            owner="Flugbetrieb Zürich",
            escalation=("lead", "head"),
            runbook_url="https://example.com/runbook",
        ),
    )
    yield "a pin: nothing is forced", override
    yield (
        "a forced freeze, nobody to name as target",
        replace(override, action=r.OverrideAction.FORCE, target_version="", forced=r.Action.FREEZE_ROLLOUT),
    )
    yield "a monitor: its key id may be null, and so begins with 01", monitor


def _vector(key: Ed25519PrivateKey, title: str, record: r.Command | r.Override | r.Monitor) -> dict[str, Any]:
    name = type(record).__name__
    values = as_json(replace(record, key_id=key_id(key)))
    laid_out = dict(parts(name, values))
    data = b"".join(laid_out.values())
    return {
        "title": title,
        "record": name,
        "fields": values,
        "parts": {part: piece.hex() for part, piece in laid_out.items()},
        "bytes": data.hex(),
        "signature": key.sign(data).hex(),
    }


def key_id(key: Ed25519PrivateKey) -> str:
    """The first 16 hex digits of SHA-256 over the raw public key."""
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]


def main() -> int:
    """Write the file if it is missing."""
    if PATH.exists():
        return 0
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    document = {
        "rules": RULES,
        "key": {
            "seed": SEED.hex(),
            "public_key": key.public_key().public_bytes_raw().hex(),
            "key_id": key_id(key),
        },
        "vectors": [_vector(key, *example) for example in examples()],
    }
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{PATH.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
