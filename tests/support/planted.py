"""Something personal, hidden wherever a sender can put it, and every form in which it could come out again."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from kedge.schemas.monitor import monitor_hash, parse_monitor, to_document
from kedge.schemas.partition import partition_for
from kedge.schemas.records import (
    Baseline,
    Coded,
    FeatureValue,
    Monitor,
    Packed,
    Prediction,
    PredictionBatch,
    Provenance,
    Role,
    ShadowAnswer,
)
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.fit import FitOptions, fit
from tests.support.rides import MINUTE, START, ZONES
from tests.support.service import CODEC
from tests.support.shell import PARTITIONS

MODEL: Final = "planted"
MAIL: Final = "jane.doe@example.com"
CARD: Final = 4_111_111_111_111_111
NAME: Final = "Wilhelmina Featherstonehaugh"
SECRETS: Final = (MAIL, NAME, "Featherstone", "jane.doe", str(CARD))
UNNAMED_MAX: Final = 19
"""How often an unseen category may come in one pane of one partition without being named."""
LABELS: Final = ("late", "on time")
TEXT: Final = f"""
model: {MODEL}
owner: privacy@example.com
windows: {{pane: 60s, length: 5m, hop: 1m, grace: 10s, lateness: 10m, idle_timeout: 2s}}
policy: {{breaches: 1, windows: 1}}
segments: {{region: [eu]}}
features:
  km: {{range: [0, 1000], cardinality_max: 5, critical: true}}
  zone: {{type: categorical, allowed: [{", ".join(ZONES)}], cardinality_max: 2}}
"""

Sent = tuple[int, bytes, bytes]
"""Partition, key and value of a message."""


def _varint(number: int) -> bytes:
    """A long as Avro writes it."""
    rest, found = number << 1, bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


FORMS: Final = (
    *(secret.encode() for secret in SECRETS),
    *(struct.pack(form, CARD) for form in ("<d", ">d", "<q", ">q")),
    _varint(CARD),
)
"""The bytes that are searched."""


def monitor() -> Monitor:
    """Return the monitor, as published."""
    document = to_document(parse_monitor(TEXT, "planted.yaml"))
    return Monitor(model=MODEL, hash=monitor_hash(document), effective_from=0, document=document)


def baseline(rows: int = 5_000) -> Baseline:
    """Return a baseline in which nothing is planted."""
    rng = np.random.default_rng(12)
    columns = Columns(
        model=MODEL,
        version="",
        role="PRIMARY",
        timestamps=np.full(rows, START, np.int64),
        numbers={"km": Numbers(rng.lognormal(1.0, 0.6, rows))},
        strings={"zone": Texts(ZONES, rng.integers(0, len(ZONES), rows).astype(np.int32))},
        segments={"region": Texts(("eu", "us"), rng.integers(0, 2, rows).astype(np.int32))},
        score=Numbers(rng.beta(2, 5, rows)),
        label=Texts(LABELS, rng.integers(0, 2, rows).astype(np.int32)),
        confidence=Numbers(rng.uniform(0.5, 1.0, rows)),
    )
    spec = parse_monitor(TEXT, "planted.yaml")
    return fit(columns, Provenance(dataset="planted", rows=rows, created_at=0), FitOptions(monitor=spec))


def ordinary(minute: int, rows: int) -> Iterator[Sent]:
    """Yield usual events, spread over a minute and all partitions."""
    rng = np.random.default_rng(minute)
    for i in range(rows):
        km, zone, label = float(rng.lognormal(1.0, 0.6)), ZONES[rng.integers(4)], LABELS[rng.integers(2)]
        yield _sent(_event(f"o-{minute}-{i}", minute, i, {"km": km, "zone": zone}, label=label))


def planted(minute: int) -> Iterator[Sent]:
    """Yield what one minute hides: `UNNAMED_MAX` rows of each category in partition 0, and single events elsewhere."""
    yield 0, b"", CODEC.encode(_batch(minute))
    for i in range(12):
        event = _personal(f"{NAME}-{MAIL}-{CARD}-{minute}-{i}", minute, i, (NAME, MAIL, CARD)[i % 3])
        sent = _sent(event)
        if sent[0]:
            yield sent


def refused(minute: int) -> Iterator[Sent]:
    """Yield messages, each of which is refused for another reason."""
    said = f"payload of {NAME}, {MAIL}, {CARD}".encode()
    event, batch = _personal(f"{MAIL}-refused", minute, 0, NAME), _batch(minute)
    whole = CODEC.encode(event)
    right = partition_for(event.request_id.encode(), PARTITIONS)
    short = {MAIL: Packed(values=struct.pack("<d", CARD))}
    outside = {NAME: Coded(dictionary=(MAIL,), codes=np.full(batch.rows, 7, "<i4").tobytes())}
    yield 0, said, said
    yield 1, said, b"\x00\x00\x00\x00\x01" + said
    yield 2, said, whole[:10] + said
    yield 3, said, whole[:-20]
    yield (right + 1) % PARTITIONS, said, whole
    yield right, said, CODEC.encode(replace(event, event_id=f"{NAME}-ahead", timestamp=7_258_118_400_000))
    yield right, said, CODEC.encode(replace(event, features=dict.fromkeys([f"{NAME}{i}" for i in range(1_001)], MAIL)))
    yield 0, said, CODEC.encode(replace(batch, producer="broken", numbers=short))
    yield 1, said, CODEC.encode(replace(batch, producer="broken", strings=outside))


def unmonitored(minute: int) -> Iterator[Sent]:
    """Yield events of models that nobody monitors, with names that should not be a model's."""
    for name in (MAIL, NAME, str(CARD)):
        yield _sent(replace(_personal(f"{NAME}-{name}", minute, 0, name), model=name, version=MAIL))


def _personal(event_id: str, minute: int, i: int, value: str | int) -> Prediction:
    features = {"km": float(CARD), "zone": value, MAIL: NAME, NAME: CARD, "card": CARD}
    return replace(
        _event(event_id, minute, i, features, label=str(value)),
        segment={"region": str(value), NAME: MAIL},
        class_scores={str(value): 0.9},
        error=f"{NAME} {MAIL} {CARD}",
        shadows=(ShadowAnswer(version=MAIL, label=NAME, error=NAME),),
    )


def _event(event_id: str, minute: int, i: int, features: Mapping[str, FeatureValue], *, label: str) -> Prediction:
    return Prediction(
        event_id=event_id,
        request_id=f"{event_id}-request",
        model=MODEL,
        version="v1",
        role=Role.PRIMARY,
        timestamp=START + minute * MINUTE + 100 * i,
        segment={"region": "eu"},
        features=features,
        score=0.3,
        label=label,
        class_scores={label: 0.8},
        latency_ms=3.0,
    )


def _sent(event: Prediction) -> Sent:
    key = event.request_id.encode()
    return partition_for(key, PARTITIONS), key, CODEC.encode(event)


def _batch(minute: int) -> PredictionBatch:
    """The same by column: every row holds each of the values somewhere, as its category one of two."""
    rows = 2 * UNNAMED_MAX
    times = np.full(rows, START + minute * MINUTE, "<i8")
    card = Packed(values=np.full(rows, float(CARD), "<f8").tobytes())

    def coded(*values: str) -> Coded:
        return Coded(dictionary=values, codes=(np.arange(rows) % len(values)).astype("<i4").tobytes())

    return PredictionBatch(
        model=MODEL,
        version="v1",
        role=Role.PRIMARY,
        producer="node",
        sequence=minute,
        rows_before=minute * rows,
        dropped=0,
        rows=rows,
        timestamps=times.tobytes(),
        request_ids=np.arange(rows, dtype="<u8").tobytes(),
        numbers={"km": card, NAME: card},
        strings={"zone": coded(NAME, str(CARD)), MAIL: coded(NAME)},
        segments={"region": coded(MAIL, NAME), NAME: coded(MAIL)},
        score=card,
        label=coded(MAIL, NAME),
        class_scores={NAME: card},
        latency_ms=card,
        error=coded(f"{NAME} {MAIL} {CARD}"),
    )
