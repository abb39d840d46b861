"""The bounds hold and every row is counted, whoever calls."""

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.streams.publisher.admission import Admission, Refusal
from kedge.streams.publisher.bulk import Bulk, Given, bulk_of
from kedge.streams.publisher.intake import Intake
from tests.streams.publisher.readback import STREAM, make_row


def bulk(rows: int) -> Bulk:
    return bulk_of(Admission(), STREAM, Given(request_ids=["r"] * rows, features={"a": [1.0] * rows}), 0)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    intake = Intake(rows_max=2, bytes_max=2**20)
    for _ in range(3):
        intake.offer(make_row())
    stats = intake.stats()
    assert (stats.logged, stats.queued, stats.dropped) == (3, 2, 1)
    assert intake.drops() == {STREAM: 1}
    assert len(intake.drain()) == 2


def test_memory_is_a_bound_too() -> None:
    row = make_row()
    intake = Intake(rows_max=100, bytes_max=2 * row.cost)
    for _ in range(3):
        intake.offer(row)
    assert intake.stats().dropped == 1


def test_of_columns_the_first_rows_are_taken_as_far_as_they_fit() -> None:
    intake = Intake(rows_max=5, bytes_max=2**20)
    intake.offer(bulk(3))
    intake.offer(bulk(3))
    assert [item.rows for item in intake.drain()] == [3, 2]
    assert intake.stats().dropped == 1


def test_rows_on_the_wire_count_until_they_are_settled() -> None:
    intake = Intake(rows_max=1, bytes_max=2**20)
    intake.offer(make_row())
    intake.drain()
    intake.offer(make_row())
    assert intake.stats().dropped == 1
    intake.settle(sent=1)
    intake.offer(make_row())
    stats = intake.stats()
    assert (stats.sent, stats.queued, stats.dropped) == (1, 1, 1)


def test_a_closed_queue_drops_what_comes_and_keeps_what_it_has() -> None:
    intake = Intake(rows_max=10, bytes_max=2**20)
    intake.offer(make_row())
    intake.close()
    intake.offer(make_row())
    stats = intake.stats()
    assert (stats.queued, stats.dropped, len(intake.drain())) == (1, 1, 1)


def test_refused_calls_are_counted_by_reason_and_not_as_logged() -> None:
    intake = Intake(rows_max=10, bytes_max=2**20)
    intake.reject(Refusal.REQUEST_ID, 1)
    intake.reject(Refusal.COLUMN_LENGTH, 7)
    stats = intake.stats()
    assert (stats.logged, stats.rejected) == (0, 8)
    assert stats.rejections == {Refusal.REQUEST_ID: 1, Refusal.COLUMN_LENGTH: 7}


actions = st.lists(
    st.one_of(
        st.tuples(st.just("row"), st.just(1)),
        st.tuples(st.just("bulk"), st.integers(1, 9)),
        st.tuples(st.just("sent"), st.integers(1, 9)),
        st.tuples(st.just("lost"), st.integers(1, 9)),
    )
)


@given(actions, st.integers(1, 20))
def test_logged_is_sent_queued_dropped_or_undelivered(script: list[tuple[str, int]], rows_max: int) -> None:
    intake = Intake(rows_max=rows_max, bytes_max=2**20)
    logged = 0
    for kind, rows in script:
        queued = intake.stats().queued
        match kind:
            case "row":
                intake.offer(make_row())
                logged += 1
            case "bulk":
                intake.offer(bulk(rows))
                logged += rows
            case "sent":
                intake.settle(sent=min(rows, queued))
            case _:
                intake.settle(undelivered=min(rows, queued))
        stats = intake.stats()
        assert stats.logged == logged == stats.sent + stats.queued + stats.dropped + stats.undelivered
        assert 0 <= stats.queued <= rows_max


@pytest.mark.parametrize("rows_max", [1_000, 10**6])
def test_many_threads_lose_no_count(rows_max: int) -> None:
    intake = Intake(rows_max=rows_max, bytes_max=2**40)
    row = make_row()

    def log() -> None:
        for _ in range(3_000):
            intake.offer(row)

    threads = [threading.Thread(target=log) for _ in range(8)]
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(often)
    stats = intake.stats()
    assert stats.logged == 24_000
    assert sum(intake.drops().values()) == stats.dropped
    assert len(intake.drain()) == stats.queued == min(rows_max, 24_000)


def test_a_sleeping_thread_is_woken_by_a_row() -> None:
    intake = Intake(rows_max=10, bytes_max=2**20)
    woken = threading.Event()

    def sleep() -> None:
        intake.wait(60)
        woken.set()

    thread = threading.Thread(target=sleep, daemon=True)
    thread.start()
    intake.offer(make_row())
    assert woken.wait(10)


def close_amid_offer(moment: int) -> tuple[int | None, Intake]:
    """Close in a handler that runs after the call number `moment` that `offer` makes; what it then finds on the way."""
    intake = Intake(rows_max=2, bytes_max=2**20)
    row = make_row()
    seen, found = 0, None

    def handle(_frame: object, event: str, _of: object) -> None:
        nonlocal seen, found
        if event in ("c_return", "return"):
            seen += 1
            if seen == moment:
                sys.setprofile(None)
                intake.close()
                intake.settle(sent=len(intake.drain()))
                found = intake.stats().queued

    sys.setprofile(handle)
    try:
        intake.offer(row)
    finally:
        sys.setprofile(None)
    return found, intake


def test_a_handler_that_closes_amid_offer_finds_each_row_counted_and_queued_or_neither() -> None:
    for moment in range(1, 100):
        found, intake = close_amid_offer(moment)
        if found is None:  # `offer` makes no more calls than that
            assert moment > 6
            return
        assert (found, intake.stats().queued) == (0, 0), moment
    raise AssertionError
