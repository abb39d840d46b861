"""Batches are a cut of what was fetched: nothing is lost, doubled or moved, and each says what it follows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from kedge.streams.worker.scheduler import Batch, BatchScheduler, BrokenChainError, Chain, Fetched, chunks


@dataclass(frozen=True)
class Sent:
    """A record."""

    offset: int
    value: bytes | None = b"v"
    key: bytes | None = None
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0


RECORDS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40)), min_size=1, max_size=60).map(
    lambda steps: [
        Sent(offset=sum(gap for gap, _ in steps[: at + 1]), value=b"." * size) for at, (_, size) in enumerate(steps)
    ]
)


@given(RECORDS, st.integers(-1, 3), st.integers(1, 9), st.integers(1, 100))
def test_chunks_are_a_cut(records: list[Sent], follows: int, max_records: int, max_bytes: int) -> None:
    cut = list(chunks(TP("t", 0), Fetched(7, follows, records), max_records=max_records, max_bytes=max_bytes))
    assert [record for batch in cut for record in batch.records] == records
    assert [batch.follows for batch in cut] == [follows, *(batch.last for batch in cut[:-1])]
    assert all(batch.epoch == 7 and 0 < len(batch.records) <= max_records for batch in cut)
    assert all(sum(len(r.value or b"") for r in batch.records[:-1]) < max_bytes for batch in cut)


def test_nothing_fetched_is_no_batch() -> None:
    assert list(chunks(TP("t", 0), Fetched(1, -1, []))) == []


def test_partitions_take_turns() -> None:
    full, short = TP("t", 0), TP("t", 1)
    fetched = {
        full: Fetched(1, -1, [Sent(offset) for offset in range(5_000)]),
        short: Fetched(2, 4, [Sent(5, partition=1)]),
    }
    turns: list[tuple[TP, Batch]] = list(BatchScheduler().iterate(fetched))
    assert [tp for tp, _ in turns] == [full, short, full, full]
    assert turns[1][1].follows == 4


def _batches(*, epoch: int = 3) -> list[Batch]:
    records = [Sent(offset) for offset in (10, 11, 15, 16, 20)]  # the gaps are markers, or were compacted
    return list(chunks(TP("t", 0), Fetched(epoch, -1, records), max_records=2))


def test_a_chain_takes_the_batches_of_its_epoch_in_order() -> None:
    chain = Chain(3, 9)
    assert [chain.takes(batch) for batch in _batches()] == [True, True, True]
    assert chain.last == 20


def test_a_chain_drops_the_batches_of_another_epoch() -> None:
    chain = Chain(4, 9)
    assert not any(chain.takes(batch) for batch in _batches(epoch=3))
    assert chain.last == -1


@pytest.mark.parametrize(
    "disturb",
    [
        lambda batches: [batches[0], batches[2]],
        lambda batches: batches[1:],
        lambda batches: [batches[0], batches[0]],
        lambda batches: [batches[1], batches[0]],
    ],
    ids=["lost", "first lost", "twice", "swapped"],
)
def test_a_chain_breaks_where_a_batch_is_missing_or_comes_back(
    disturb: Callable[[list[Batch]], list[Batch]],
) -> None:
    chain = Chain(3, 9)
    with pytest.raises(BrokenChainError, match="lost or came back"):
        [chain.takes(batch) for batch in disturb(_batches())]


def test_a_chain_breaks_where_the_log_begins_again() -> None:
    with pytest.raises(BrokenChainError, match="the state contains 10"):
        Chain(3, 10).takes(_batches()[0])
    chain = Chain(3, 9)
    first, *_ = _batches()
    chain.takes(first)
    with pytest.raises(BrokenChainError):
        chain.takes(replace(first, follows=11))
