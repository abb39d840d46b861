"""The stores that tell duplicates: bounded, and exact within their bound."""

from hypothesis import given
from hypothesis import strategies as st

from kedge.streams.core.dedupe import REMEMBERED, Batch, Charge, EventIdStore, Stream


def batch(sequence: int, rows_before: int, rows: int = 10, dropped: int = 0) -> Batch:
    return Batch(sequence, rows, rows_before, dropped, 0, 0, ("m", "b"))


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=12))
def test_whatever_the_order_each_batch_is_counted_once_and_no_charge_stays(
    order: list[int], repeated: list[int]
) -> None:
    stream = Stream()
    counted, charged = [], 0
    for sequence in [*order, *repeated]:
        admission = stream.admit(batch(sequence, sequence * 10))
        charged += sum(charge.rows for charge in admission.charges)
        if admission.refused is None:
            counted.append(sequence)
    assert sorted(counted) == list(range(12))
    assert charged == 0
    assert not stream.gaps


@given(st.sets(st.integers(0, 60), min_size=1))
def test_what_never_comes_is_charged_in_full(arrived: set[int]) -> None:
    stream = Stream()
    charged = sum(
        charge.rows for sequence in sorted(arrived) for charge in stream.admit(batch(sequence, sequence * 10)).charges
    )
    assert charged == 10 * (max(arrived) + 1 - len(arrived))


def test_what_the_bitmap_has_forgotten_is_refused_and_its_charge_stays() -> None:
    stream = Stream()
    stream.admit(batch(0, 0))
    stream.admit(batch(2, 20))
    stream.admit(batch(2 + REMEMBERED, 30 + 10 * (REMEMBERED - 1)))
    assert stream.admit(batch(1, 10)).refused == "too_old_to_tell"
    assert [(gap.first, gap.last) for gap in stream.gaps] == [(3, 1 + REMEMBERED)]


def test_ids_are_bounded_and_room_comes_back_with_expiry() -> None:
    store = EventIdStore(bound=3)
    for event in range(5):
        store.keep("m", 60_000 * (event + 1), event)
    assert (len(store), store.full) == (3, True)
    assert [store.knows("m", event) for event in range(5)] == [True, True, True, False, False]
    assert [store.expire_pane("m", end) for end in (60_000, 120_000, 120_000)] == [True, True, False]
    assert (len(store), store.full, store.knows("m", 0)) == (1, False, False)


def test_ids_survive_in_segments() -> None:
    store, again = EventIdStore(), EventIdStore()
    for event in (1, 2**64 - 1):
        store.keep("m", 60_000, event)
    for segment in store.take_fresh():
        again.load(segment)
    assert again.knows("m", 2**64 - 1)
    assert list(store.take_fresh()) == []


def test_what_came_before_a_sender_was_met_far_into_its_stream_is_not_missing() -> None:
    stream = Stream()
    assert stream.admit(batch(REMEMBERED, 99_000, dropped=7)).charges == ()
    assert stream.admit(batch(REMEMBERED + 1, 99_020, dropped=9)).charges == (
        Charge(0, ("m", "b"), 10),
        Charge(0, ("m", "b"), 2, dropped=True),
    )


def test_the_first_batches_that_never_came_are_missing() -> None:
    assert [charge.rows for charge in Stream().admit(batch(3, 30)).charges] == [30]
