"""Every row in one batch, in order, numbered, and no message too large."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.codec import Codec
from kedge.streams.publisher.admission import Admission
from kedge.streams.publisher.batcher import HEAD_BYTES, Batch, Batcher, Limits, Oversize
from kedge.streams.publisher.bulk import Given, bulk_of
from kedge.streams.publisher.columns import Slice
from kedge.streams.publisher.pack import record_of
from kedge.streams.publisher.row import KEYS_MAX, NAME_CHARS_MAX, Row, Stream
from kedge.streams.variables.table import PUBLISHER
from tests.streams.publisher.given import STREAMS, rows
from tests.streams.publisher.readback import STREAM, make_row

WIDE = Limits(rows_max=500, bytes_max=900_000, age_s=1.0)


def slice_of(stream: Stream, first: int, count: int) -> Slice:
    """Rows whose time stamps count up from `first`."""
    given_rows = Given(
        request_ids=[f"r{place}" for place in range(count)],
        features={"a": np.arange(count, dtype=float), "t": ["x", "yy"] * (count // 2) + ["z"] * (count % 2)},
        timestamp=np.arange(first, first + count),
    )
    bulk = bulk_of(Admission(), stream, given_rows, 0)
    chunk = bulk.chunk()
    return Slice(chunk, np.arange(count), chunk.names, bulk.text, bulk.cost)


def times(batch: Batch) -> list[int]:
    """The time stamps, which in these tests say which row it is."""
    found: list[int] = []
    for piece in batch.pieces:
        found += [piece.timestamp] if isinstance(piece, Row) else piece.chunk.timestamps[piece.places].tolist()
    return found


# What happens to a batcher: a row, a slice of n rows, n rows dropped, or some time passing.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("row"), rows(), st.integers(0, 2)),
        st.tuples(st.just("slice"), st.sampled_from(STREAMS), st.integers(0, 2), st.integers(1, 40)),
        st.tuples(st.just("drop"), st.sampled_from(STREAMS), st.integers(1, 9)),
        st.tuples(st.just("pass"), st.floats(0.1, 2)),
    ),
    max_size=40,
)


Line = tuple[Stream, int]


class Run:
    """A batcher, and what it was given."""

    def __init__(self, limits: Limits) -> None:
        self.batcher = Batcher(limits)
        self.now_s = 0.0
        self.serial = 0
        self.put: dict[Line, list[int]] = defaultdict(list)
        self.dropped: dict[Stream, int] = defaultdict(int)
        self.out: list[Batch] = []

    def add(self, piece: Row | Slice, stream: Stream, partition: int) -> None:
        for result in self.batcher.add(piece, partition=partition, now_s=self.now_s, stream=stream):
            assert isinstance(result, Batch)
            self.out.append(result)
        self.put[stream, partition] += range(self.serial, self.serial + piece.rows)
        self.serial += piece.rows

    def play(self, kind: str, *what: object) -> None:
        match kind, what:
            case "row", (Row() as row, int(partition)):
                self.add(row._replace(timestamp=self.serial), row.stream, partition)
            case "slice", (Stream() as stream, int(partition), int(count)):
                self.add(slice_of(stream, self.serial, count), stream, partition)
            case "drop", (Stream() as stream, int(count)):
                self.batcher.charge(stream, count)
                self.dropped[stream] += count
            case _, (float(step),):
                self.now_s += step
                self.out += self.batcher.due(self.now_s)

    def lines(self) -> dict[Line, list[Batch]]:
        found: dict[Line, list[Batch]] = defaultdict(list)
        for batch in self.out:
            found[batch.stream, batch.partition].append(batch)
        return found


@settings(deadline=None)
@given(steps, st.integers(1, 12), st.integers(HEAD_BYTES + 1_100, 8_000))
def test_every_row_travels_once_in_order_and_is_numbered(
    script: list[tuple[str, object]], rows_max: int, bytes_max: int
) -> None:
    run = Run(Limits(rows_max=rows_max, bytes_max=bytes_max, age_s=1.0))
    for step in script:
        run.play(*step)
    for stream in STREAMS:  # a batch of each stream after the last drop
        run.play("row", make_row(stream=stream), 0)
    run.out += run.batcher.close_all()
    assert run.batcher.open_rows == 0
    for batch in run.out:
        assert 1 <= batch.rows <= rows_max
        assert batch.rows == len(times(batch)) == sum(piece.rows for piece in batch.pieces)
        assert batch.cost == sum(piece.rows * piece.cost for piece in batch.pieces)
        assert len(Codec().encode(record_of(batch, "f" * 24))) <= bytes_max
    lines = run.lines()
    assert {place: [time for batch in line for time in times(batch)] for place, line in lines.items()} == run.put
    for line in lines.values():
        assert [batch.sequence for batch in line] == list(range(len(line)))
        assert [batch.rows_before for batch in line] == [sum(b.rows for b in line[:i]) for i in range(len(line))]
        assert [batch.dropped for batch in line] == sorted(batch.dropped for batch in line)
    for stream in STREAMS:
        charged = sum(line[-1].dropped for (own, _), line in lines.items() if own == stream)
        assert charged == run.dropped[stream], "each drop is charged to one partition"


@settings(deadline=None)
@given(st.lists(st.tuples(rows(), st.floats(0, 1.5)), min_size=1, max_size=30))
def test_no_row_waits_longer_than_the_age(script: list[tuple[Row, float]]) -> None:
    batcher = Batcher(WIDE)
    opened: dict[Stream, float] = {}
    now_s = 0.0
    for row, step in script:
        now_s += step
        for batch in batcher.due(now_s):
            assert now_s - opened.pop(batch.stream) >= WIDE.age_s
        assert all(now_s - since < WIDE.age_s for since in opened.values())
        batcher.add(row, partition=0, now_s=now_s, stream=row.stream)
        opened.setdefault(row.stream, now_s)


def test_a_batch_closes_at_its_count() -> None:
    batcher = Batcher(Limits(rows_max=2, bytes_max=10_000, age_s=1.0))
    assert batcher.add(make_row(), partition=0, now_s=0, stream=STREAM) == []
    [batch] = batcher.add(make_row(), partition=0, now_s=0, stream=STREAM)
    assert isinstance(batch, Batch)
    assert batch.rows == 2


def test_ever_new_names_close_the_batch_before_the_worker_would_refuse_it() -> None:
    batcher = Batcher(WIDE)
    names = [
        {f"{first}-{i}": value for i in range(KEYS_MAX // 2)} for first, value in (("a", 1.0), ("b", "x"), ("c", 1.0))
    ]
    done = [batcher.add(make_row(features=own), partition=0, now_s=0, stream=STREAM) for own in names]
    assert [len(results) for results in done] == [0, 0, 1]
    first = done[2][0]
    assert isinstance(first, Batch)
    record = record_of(first, "p")
    assert (first.rows, len(record.numbers) + len(record.strings)) == (2, KEYS_MAX)


def test_rows_that_share_no_feature_do_not_multiply_into_a_huge_batch() -> None:
    batcher = Batcher(WIDE)
    for i in range(60):
        features = {f"{i}-{j}": 1.0 for j in range(15)}
        batcher.add(make_row(features=features), partition=0, now_s=0, stream=STREAM)
    for batch in batcher.close_all():
        assert len(Codec().encode(record_of(batch, "p"))) < WIDE.bytes_max


@pytest.mark.parametrize(
    "features_of",
    [
        lambda n: {f"f{i}": n + 0.5 for i in range(800)},
        lambda n: {f"f{i}": f"{n}-{i}" for i in range(400)},
        lambda n: {f"f{i}": f"{n}".ljust(900, "x") for i in range(20)},
        lambda n: {f"f{i}": f"{n}".ljust(900, "é") for i in range(20)},
        lambda n: {f"f{i}": n + 0.5 if (n + i) % 2 else f"{n}-{i}" for i in range(300)},
        lambda n: {f"{n % 40}-{i}": n + 0.5 for i in range(20)},
    ],
    ids=["numbers", "short texts", "long texts", "beyond ASCII", "of both kinds", "of many kinds"],
)
def test_a_batch_is_closed_close_to_its_bytes_and_never_past_them(
    features_of: Callable[[int], dict[str, object]],
) -> None:
    batcher = Batcher(replace(WIDE, rows_max=100_000))
    done: list[Batch | Oversize] = []
    serial = 0
    while not done:
        row = make_row(f"r{serial}", features=features_of(serial), segment={"s": str(serial)}, label=str(serial))
        done = batcher.add(row, partition=0, now_s=0, stream=STREAM)
        serial += 1
    [batch] = done
    assert isinstance(batch, Batch)
    size = len(Codec().encode(record_of(batch, "f" * 24)))
    assert WIDE.bytes_max / 4 < size <= WIDE.bytes_max


def test_the_largest_row_that_is_let_in_never_makes_a_message_too_large() -> None:
    def long(first: str) -> dict[str, object]:
        tail = "\U0001f600" * (NAME_CHARS_MAX - 5)
        return {f"{first}{i:04}{tail}": "\U0001f600" * 1_000 for i in range(KEYS_MAX)}

    batcher = Batcher(WIDE)
    huge = make_row(features=long("f"), segment=long("s"))
    assert batcher.add(huge, partition=0, now_s=0, stream=STREAM) == [Oversize(1, huge.cost)]
    assert batcher.open_rows == 0
    assert batcher.add(make_row(), partition=1, now_s=0, stream=STREAM) == []
    [batch] = batcher.close_all()
    assert (batch.sequence, batch.dropped) == (0, 1), "what no message can hold is a drop like any other"


def test_no_setting_allows_a_message_past_the_workers_limit() -> None:
    assert PUBLISHER["batch_bytes_max"].high < 2**20


@pytest.mark.parametrize("name", ["m", "\U0001f600" * NAME_CHARS_MAX])
def test_a_messages_head_is_bounded(name: str) -> None:
    stream = Stream(name, name, "PRIMARY")
    batcher = Batcher(WIDE)
    batcher.add(make_row(stream=stream), partition=0, now_s=0, stream=stream)
    [batch] = batcher.close_all()
    assert len(Codec().encode(record_of(batch, "f" * 24))) < HEAD_BYTES + 100
