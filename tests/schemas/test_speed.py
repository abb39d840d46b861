"""The hot path of decoding keeps its order of magnitude; the figures are in the benchmarks."""

import time

import numpy as np

from kedge.schemas.codec import Codec
from kedge.schemas.records import Packed, PredictionBatch, Role


def test_a_batch_of_500_rows_by_20_columns_is_decoded_in_microseconds() -> None:
    """About 35 µs on one idle core of 2024; the bound leaves room for a busy one."""
    rng = np.random.default_rng(3)
    batch = PredictionBatch(
        model="delay",
        version="v1",
        role=Role.PRIMARY,
        producer="host-1",
        sequence=0,
        rows_before=0,
        dropped=0,
        rows=500,
        timestamps=bytes(4_000),
        request_ids=bytes(4_000),
        numbers={f"feature_{place}": Packed(values=rng.random(500).tobytes()) for place in range(20)},
        strings={},
        segments={},
        score=Packed(values=rng.random(500).tobytes()),
        latency_ms=Packed(values=rng.random(500).tobytes()),
    )
    codec = Codec()
    data = codec.encode(batch)
    best = min(_seconds(codec, data) for _ in range(30))
    assert best < 120e-6


def _seconds(codec: Codec, data: bytes) -> float:
    begin = time.perf_counter()
    for _ in range(20):
        codec.decode_mapping(data, PredictionBatch)
    return (time.perf_counter() - begin) / 20
