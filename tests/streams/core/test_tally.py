"""Tally counts each row once, and tells of every row what became of it."""

from dataclasses import replace

import numpy as np
import pytest

from kedge.schemas.bitmap import pack_bits
from kedge.schemas.records import Coded, Packed, Partial, Progress
from kedge.streams.core.instructions import TopologyMismatchError
from kedge.streams.core.tally import VERSIONS_MAX, Tally
from tests.streams.core.made import (
    CODEC,
    MINUTE,
    NOON,
    Log,
    Sender,
    catalog,
    config,
    counts,
    letters,
    outputs,
    restored,
    single,
    tally,
    totals,
)


def times(rows: int, start: int = NOON) -> list[int]:
    return [start + i for i in range(rows)]


def test_every_row_lies_in_one_bin_of_every_signal() -> None:
    core, log, sender = tally(), Log(), Sender()
    core.fold([log.append(sender.batch(times(300))), log.append(sender.batch(times(200, NOON + MINUTE)))], NOON)
    checkpoint = core.snapshot(NOON)
    panes = counts(checkpoint)
    assert {pane: sum(vector) for pane, vector in panes.items()} == {NOON: 3 * 300, NOON + MINUTE: 3 * 200}
    assert totals(checkpoint) == {"received": 500, "counted": 500}


def test_how_the_log_is_cut_into_folds_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    sender, log = Sender(), Log()
    spread = [np.sort(NOON + rng.integers(-8 * MINUTE, 8 * MINUTE, 40)).tolist() for _ in range(30)]
    records = [log.append(sender.batch(t), appended=NOON + 9 * MINUTE) for t in spread]
    whole = tally()
    whole.fold(records, NOON)
    pieces = tally()
    for record in records:
        pieces.fold([record], NOON)
    one, other = whole.snapshot(NOON), pieces.snapshot(NOON)
    assert totals(one) == totals(other)
    assert totals(one)["late"] > 0
    assert counts(one) == counts(other)


def test_a_batch_and_the_same_rows_one_by_one_are_counted_alike() -> None:
    batch = Sender().batch(times(50))
    ages = np.frombuffer(batch.numbers["age"].values, "<f8")
    city = batch.strings["city"]
    cities = [city.dictionary[code] for code in np.frombuffer(city.codes, "<i4")]
    assert batch.score is not None
    scores = np.frombuffer(batch.score.values, "<f8")
    events = [
        single(
            f"e{i}",
            NOON + i,
            features={"age": float(ages[i]), "city": cities[i]},
            score=float(scores[i]),
            latency_ms=12.0,
        )
        for i in range(50)
    ]
    by_batch, by_event, log = tally(), tally(), Log()
    by_batch.fold([Log().append(batch)], NOON)
    by_event.fold([log.append(event) for event in events], NOON)
    assert counts(by_batch.snapshot(NOON)) == counts(by_event.snapshot(NOON))


def test_a_repeated_batch_and_a_repeated_event_are_counted_once() -> None:
    core, log, sender = tally(), Log(), Sender()
    batch = sender.batch(times(10))
    core.fold([log.append(m) for m in (batch, batch, single("a"), single("a"))], NOON)
    assert totals(core.snapshot(NOON)) == {"received": 22, "counted": 11, "duplicate": 11}


def test_an_event_is_known_again_after_a_restart() -> None:
    first, log, sender = tally(), Log(), Sender()
    batch = sender.batch(times(10))
    first.fold([log.append(single("a")), log.append(batch)], NOON)
    checkpoint = first.snapshot(NOON)
    second = restored(tally(), [checkpoint])
    second.fold([log.append(single("a")), log.append(batch)], NOON)
    assert totals(second.snapshot(NOON)) == {"received": 22, "counted": 11, "duplicate": 11}


def test_counts_go_on_from_the_restored_state() -> None:
    log, sender = Log(), Sender()
    batches = [log.append(sender.batch(times(100, NOON + i))) for i in range(6)]
    straight = tally()
    straight.fold(batches, NOON)
    first = tally()
    first.fold(batches[:3], NOON)
    second = restored(tally(), [first.snapshot(NOON)])
    assert second.committed == {"predictions": 2}
    second.fold(batches[3:], NOON)
    assert counts(second.snapshot(NOON)) == counts(straight.snapshot(NOON))


def test_a_state_of_other_partition_counts_is_refused() -> None:
    first = tally()
    first.fold([Log().append(single("a"))], NOON)
    checkpoint = first.snapshot(NOON)
    other = Tally(config(topology={"predictions": 2, "partials": 1, "reports": 1}), catalog(), CODEC)
    with pytest.raises(TopologyMismatchError, match="partitions"):
        restored(other, [checkpoint])


def test_a_missing_batch_is_charged_and_refunded_when_it_comes() -> None:
    core, log, sender = tally(), Log(), Sender()
    first, lost, third = (sender.batch(times(10, NOON + i)) for i in range(3))
    core.fold([log.append(first), log.append(third)], NOON)
    assert [p.lost for p in outputs(core.snapshot(NOON), "partials") if isinstance(p, Partial)] == [10]
    core.fold([log.append(lost)], NOON)
    checkpoint = core.snapshot(NOON)
    assert [(p.lost, p.requests) for p in outputs(checkpoint, "partials") if isinstance(p, Partial)] == [(0, 30)]


def test_rows_that_a_sender_had_to_drop_are_charged_once() -> None:
    core, log, sender = tally(), Log(), Sender()
    core.fold([log.append(sender.batch(times(10), dropped=5)), log.append(sender.batch(times(10), dropped=7))], NOON)
    assert [p.lost for p in outputs(core.snapshot(NOON), "partials") if isinstance(p, Partial)] == [7]


def test_a_sequence_older_than_the_bitmap_is_a_dead_letter() -> None:
    core, log, sender = tally(), Log(), Sender()
    ancient = sender.batch(times(3))
    sender.sequence, sender.rows_before = 5_000, 3
    core.fold([log.append(sender.batch(times(3))), log.append(ancient)], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("too_old_to_tell", 3)]


def test_a_wrong_clock_closes_nothing() -> None:
    core, log, sender = tally(), Log(), Sender()
    ahead = sender.batch([NOON, NOON + 3_600_000, -1, 0])
    core.fold([log.append(ahead, appended=NOON), log.append(single("far", NOON + 10 * MINUTE), appended=NOON)], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("timestamp", 3), ("timestamp", 1)]
    assert totals(checkpoint) == {"received": 5, "quarantined": 4, "counted": 1}
    progress = next(p for p in outputs(checkpoint, "partials") if isinstance(p, Progress))
    assert [model.max_timestamp for model in progress.models] == [NOON]


def test_late_rows_are_counted_as_late_and_left_out() -> None:
    core, log, sender = tally(), Log(), Sender()
    core.fold([log.append(sender.batch([NOON + 30 * MINUTE]))], NOON)
    core.fold([log.append(sender.batch([NOON, NOON + 29 * MINUTE]))], NOON)
    assert totals(core.snapshot(NOON)) == {"received": 3, "counted": 2, "late": 1}


def test_rows_that_come_and_expire_between_two_checkpoints_are_still_told() -> None:
    core, log, sender = tally(), Log(), Sender()
    fifty_years = 50 * 365 * 24 * 3_600_000
    far = NOON + fifty_years
    core.fold([log.append(sender.batch([NOON])), log.append(sender.batch([far]))], far)
    checkpoint = core.snapshot(NOON)
    assert sorted(counts(checkpoint)) == [NOON, far - far % MINUTE]
    second = restored(tally(), [checkpoint])
    assert not counts(second.snapshot(far + 10_000))


def test_probes_and_unmonitored_models_are_counted_nowhere() -> None:
    core, log, sender = tally(), Log(), Sender()
    probes = pack_bits(np.array([True, False]))
    core.fold(
        [
            log.append(m)
            for m in (sender.batch(times(2), probe=probes), single("a", probe=True), single("b", model="x"))
        ],
        NOON,
    )
    assert totals(core.snapshot(NOON)) == {"received": 4, "counted": 1, "probe": 2, "unmonitored": 1}


def test_an_event_in_the_wrong_partition_is_a_dead_letter() -> None:
    core = tally(topology={"predictions": 7, "partials": 1, "reports": 1})
    log = Log()
    core.fold([log.append(single(f"e{i}")) for i in range(70)], NOON)
    checkpoint = core.snapshot(NOON)
    wrong = [reason for reason, _ in letters(checkpoint)]
    assert 40 < len(wrong) < 70
    assert set(wrong) == {"wrong_partition"}


def test_a_flood_of_made_up_versions_is_refused() -> None:
    core, log = tally(), Log()
    core.fold([log.append(single(f"e{i}", version=f"v{i}")) for i in range(VERSIONS_MAX + 2)], NOON)
    core.fold([log.append(single("x", version="one-more")), log.append(single("y", version="v0"))], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("too_many_versions", 1)] * 3
    assert totals(checkpoint)["counted"] == VERSIONS_MAX + 1


MISSING, INVALID = -2, -1
"""Last two bins of every grid; the layout is age, city, score."""


def test_null_nan_infinity_wrong_type_and_absence_each_have_their_bin() -> None:
    core, log, sender = tally(), Log(), Sender()
    rows = 6
    ages = Packed(
        values=np.array([40.0, np.nan, np.inf, -np.inf, 0.0, 0.0], "<f8").tobytes(),
        validity=pack_bits(np.array([1, 1, 1, 1, 0, 0], np.bool_)),
    )
    texts = Coded(
        dictionary=("forty",),
        codes=np.zeros(rows, "<i4").tobytes(),
        validity=pack_bits(np.array([0, 0, 0, 0, 1, 0], np.bool_)),
    )
    batch = replace(sender.batch(times(rows)), numbers={"age": ages}, strings={"age": texts})
    core.fold([log.append(batch)], NOON)
    plan = catalog().plan_at("m", "v1", NOON)
    assert plan is not None
    vector = np.array(counts(core.snapshot(NOON))[NOON])
    age, city = (vector[s.where] for s in plan.signals if s.name in {"age", "city"})
    assert (age[MISSING], age[INVALID], age.sum()) == (1, 4, 6)
    assert (city[MISSING], city.sum()) == (6, 6)


def test_unexpected_features_are_a_number_and_no_bin() -> None:
    core, log = tally(), Log()
    core.fold([log.append(single("a", features={"age": 1.0, "shoe_size": 44.0, "pet": "cat"}))], NOON)
    assert [p.unexpected for p in outputs(core.snapshot(NOON), "partials") if isinstance(p, Partial)] == [2]


def test_segments_outside_the_list_are_other() -> None:
    core, log = tally("segments: {region: [eu]}\n"), Log()
    for i, segment in enumerate(({"region": "eu"}, {"region": "mars"}, {})):
        core.fold([log.append(single(f"e{i}", segment=segment))], NOON)
    checkpoint = core.snapshot(NOON)
    assert sum(counts(checkpoint, "region=eu")[NOON]) == 3 * 1
    assert sum(counts(checkpoint, "region=other")[NOON]) == 3 * 2
    assert sum(counts(checkpoint)[NOON]) == 3 * 3


def test_a_quiet_tally_tells_its_progress_and_nothing_else() -> None:
    core = tally()
    core.stand({"predictions": 0}, NOON)
    first = core.snapshot(NOON)
    assert [type(p) for p in outputs(first, "partials")] == [Progress]
    assert core.snapshot(NOON + 1) is None
    core.stand({"predictions": 0}, NOON + 2_000)
    told = outputs(core.snapshot(NOON + 2_000), "partials")
    assert [(p.at_end, p.read_through) for p in told if isinstance(p, Progress)] == [(True, NOON + 2_000)]
