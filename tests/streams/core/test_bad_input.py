"""Whatever a sender writes is a dead letter or a bin: never a stop, never memory or time past its size."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.records import Coded, Packed, PredictionBatch, Progress
from kedge.streams.core.spans import PANES_MAX
from tests.streams.core.made import CODEC, NOON, Log, Sender, letters, outputs, single, tally, totals

TIMES = [NOON, NOON + 1, NOON + 2]
BREAK = Callable[[PredictionBatch], PredictionBatch]

BROKEN: dict[str, tuple[BREAK, str]] = {
    "empty": (lambda b: replace(b, rows=0, timestamps=b"", request_ids=b""), "empty_batch"),
    "ten million rows in a hundred bytes": (lambda b: replace(b, rows=10_000_000), "column_length"),
    "negative rows": (lambda b: replace(b, rows=-3), "column_length"),
    "short numbers": (lambda b: replace(b, numbers={"age": Packed(values=b"\0" * 16)}), "column_length"),
    "short codes": (lambda b: replace(b, strings={"city": Coded(dictionary=("x",), codes=b"\0")}), "column_length"),
    "code outside": (
        lambda b: replace(b, strings={"city": Coded(dictionary=("x",), codes=np.full(3, 9, "<i4").tobytes())}),
        "code_range",
    ),
    "negative code": (
        lambda b: replace(b, strings={"city": Coded(dictionary=("x",), codes=np.full(3, -1, "<i4").tobytes())}),
        "code_range",
    ),
    "codes into nothing": (
        lambda b: replace(b, strings={"city": Coded(dictionary=(), codes=bytes(12))}),
        "code_range",
    ),
    "long bitmap": (
        lambda b: replace(b, score=Packed(values=bytes(24), validity=pack_bits(np.ones(99, np.bool_)))),
        "column_length",
    ),
    "short probe": (lambda b: replace(b, probe=b""), "column_length"),
    "negative sequence": (lambda b: replace(b, sequence=-1), "sequence_range"),
    "too many keys": (
        lambda b: replace(b, numbers={f"f{i}": Packed(values=bytes(24)) for i in range(1_001)}),
        "too_many_keys",
    ),
    "endless version": (lambda b: replace(b, version="v" * 201), "version_too_long"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_batch_that_does_not_fit_together_is_one_dead_letter(name: str) -> None:
    broken, reason = BROKEN[name]
    core, log, sender = tally(), Log(), Sender()
    good = sender.batch(TIMES)
    core.fold([log.append(broken(sender.batch(TIMES))), log.append(good)], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [(reason, 0)]
    assert totals(checkpoint)["counted"] == 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (None, "empty"),
        (b"garbage", "unknown_schema"),
        (b"\x00\x00\x00\x00\x07rest", "unknown_schema"),
        (b"\xc3\x01" + bytes(8), "unknown_schema"),
        (CODEC.encode(Progress(source=0, sources=1, read_through=0, at_end=True, models=())), "wrong_record"),
        (CODEC.encode(single("a"))[:30], "undecodable"),
        (bytes(1_048_577), "too_large"),
    ],
)
def test_bytes_that_are_no_prediction_are_dead_letters(value: bytes | None, reason: str) -> None:
    core, log = tally(), Log()
    core.fold([log.append(value), log.append(single("after"))], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [(reason, 0)]
    assert totals(checkpoint)["counted"] == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_of_a_message_stops_the_tally(data: st.DataObject) -> None:
    message = CODEC.encode(data.draw(st.sampled_from([Sender().batch(TIMES), single("a")])))
    mutant = bytearray(message)
    for _ in range(data.draw(st.integers(1, 6))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    core, log = tally(), Log()
    core.fold([log.append(bytes(mutant), appended=NOON), log.append(single("after"))], NOON)
    checkpoint = core.snapshot(NOON)
    assert checkpoint is not None
    assert checkpoint.committed == {"predictions": 1}


@pytest.mark.parametrize("timestamp", [-1, 0, 1, NOON - 40 * 365 * 86_400_000, NOON + 170 * 365 * 86_400_000])
def test_no_timestamp_costs_more_than_another(timestamp: int) -> None:
    core, log, sender = tally(), Log(), Sender()
    records = [log.append(sender.batch([NOON])), log.append(sender.batch([timestamp]), appended=NOON)]
    tracemalloc.start()
    began = time.process_time()
    core.fold([*records, log.append(sender.batch([NOON + 1]))], NOON)
    assert outputs(core.snapshot(NOON), "partials")
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Far above what it takes, far below what an enumeration of panes would.
    assert seconds < 2
    assert peak < 20_000_000


def test_rows_that_each_lie_in_a_pane_of_their_own_cost_what_rows_cost() -> None:
    core, log, sender = tally(), Log(), Sender()
    hours = [NOON - 3_600_000 * i for i in range(PANES_MAX, 0, -1)]
    record = log.append(sender.batch(hours))
    tracemalloc.start()
    core.fold([record], NOON)
    checkpoint = core.snapshot(NOON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert totals(checkpoint)["counted"] == PANES_MAX
    assert len(outputs(checkpoint, "partials")) == PANES_MAX + 1
    # All cells at once would be 4,096 times ten kilobytes.
    assert peak < 25_000_000


def test_rows_in_more_panes_than_that_are_a_dead_letter() -> None:
    core, log, sender = tally(), Log(), Sender()
    hours = [NOON - 3_600_000 * i for i in range(PANES_MAX + 1)]
    core.fold([log.append(sender.batch(hours)), log.append(sender.batch(TIMES))], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("too_many_panes", PANES_MAX + 1)]
    assert totals(checkpoint)["counted"] == 3
