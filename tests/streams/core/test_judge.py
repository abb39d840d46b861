"""Judge replaces, closes, amends and finishes; windows without data are said, once."""

from dataclasses import replace

import pytest

from kedge.schemas.records import Partial, Progress, Report, Verdict
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.judge import Judge
from tests.streams.core.made import (
    CODEC,
    MINUTE,
    NOON,
    Chain,
    Rec,
    Sender,
    catalog,
    config,
    outputs,
    restored,
    single,
)


def spread(start: int, rows: int = 300) -> list[int]:
    return [start + i * (MINUTE // rows) for i in range(rows)]


def reports(sent: list[object]) -> list[Report]:
    return [report for report in sent if isinstance(report, Report)]


def named(report: Report) -> tuple[int, int, int, bool, int]:
    """Window in minutes since noon, revision, final, rows."""
    start, end = ((t - NOON) // MINUTE for t in (report.window_start, report.window_end))
    return start, end, report.revision, report.final, report.n


def test_windows_close_in_order_once_the_watermark_has_passed() -> None:
    chain, sender = Chain(), Sender()
    sent = [r for i in range(5) for r in reports(chain.send(sender.batch(spread(NOON + i * MINUTE))))]
    sent += reports(chain.send(sender.batch([NOON + 5 * MINUTE])))
    assert [named(r) for r in sent] == [
        (-1, 1, 0, False, 300),
        (0, 2, 0, False, 600),
        (1, 3, 0, False, 600),
        (2, 4, 0, False, 600),
        (3, 5, 0, False, 600),
    ]
    assert {r.verdict for r in sent} == {Verdict.STABLE}


def test_late_rows_amend_and_a_final_report_ends_a_window() -> None:
    chain, sender = Chain(), Sender()
    chain.send(sender.batch(spread(NOON)), sender.batch([NOON + 2 * MINUTE]))
    assert reports(chain.send(sender.batch(spread(NOON, 20)))) == []
    amended = reports(chain.send(sender.batch([NOON + 3 * MINUTE])))
    assert (0, 2, 1, False, 320) in [named(r) for r in amended]
    last = reports(chain.send(sender.batch([NOON + 8 * MINUTE])))
    assert [named(r) for r in last if r.window_start == NOON] == [(0, 2, 2, True, 320)]


def test_a_partial_replaces_what_its_source_said_before() -> None:
    judge = Judge(config(), catalog(), CODEC)
    chain, sender = Chain(), Sender()
    chain.send(sender.batch(spread(NOON, 30)))
    chain.send(sender.batch(spread(NOON, 30)))
    partials = [w for w in chain.written if w.topic == "partials"]
    told = [Rec("partials", i, NOON, w.value, w.key) for i, w in enumerate(partials + partials)]
    judge.fold(told, NOON)
    judge.finish()
    assert {r.n for r in outputs(judge.snapshot(NOON), "reports") if isinstance(r, Report)} == {60}


def test_fifty_empty_years_are_one_report() -> None:
    chain, sender = Chain(), Sender()
    fifty_years = 50 * 365 * 24 * 60
    chain.send(sender.batch(spread(NOON)))
    sent = reports(chain.send(sender.batch([NOON + fifty_years * MINUTE]), now=NOON))
    sent += reports(chain.send(sender.batch([NOON + (fifty_years + 3) * MINUTE]), now=NOON))
    empty = [r for r in sent if r.n == 0 and r.window_end < NOON + (fifty_years + 1) * MINUTE]
    assert [(r.verdict, r.reason) for r in empty] == [(Verdict.INSUFFICIENT, "no data")]
    assert empty[0].window_start == NOON + MINUTE
    assert empty[0].window_end == NOON + fifty_years * MINUTE
    assert len(sent) < 12


def test_a_version_that_vanishes_is_said_once() -> None:
    chain, old, new = Chain(), Sender("old"), Sender("new", version="v2")
    chain.send(old.batch(spread(NOON)), new.batch(spread(NOON)))
    sent = [r for i in range(1, 9) for r in reports(chain.send(new.batch(spread(NOON + i * MINUTE))))]
    gone = [r for r in sent if r.version == "v1" and r.n == 0]
    assert [named(r)[2:] for r in gone if r.revision == 0] == [(0, False, 0)]


def test_a_monitor_without_baseline_is_invalid_with_that_reason() -> None:
    chain, sender = Chain(with_baseline=False), Sender()
    sent = reports(chain.send(sender.batch(spread(NOON)), sender.batch([NOON + 5 * MINUTE])))
    assert {(r.verdict, r.reason, r.findings) for r in sent if r.n} == {
        (Verdict.INVALID, "no baseline for version v1", ())
    }


def test_lost_rows_make_a_window_insufficient() -> None:
    chain, sender = Chain(), Sender()
    chain.send(sender.batch(spread(NOON)))
    sender.batch(spread(NOON))
    sent = reports(chain.send(sender.batch(spread(NOON)), sender.batch([NOON + 2 * MINUTE])))
    whole = next(r for r in sent if r.window_start == NOON)
    assert whole.verdict is Verdict.INSUFFICIENT
    assert whole.completeness == pytest.approx(2 / 3)
    assert {f.verdict for f in whole.findings} == {Verdict.INSUFFICIENT}
    assert all(f.psi is not None for f in whole.findings)


def test_few_rows_are_insufficient_and_show_no_histogram() -> None:
    chain = Chain()
    sent = reports(chain.send(single("a"), single("b", NOON + 5 * MINUTE)))
    few = next(r for r in sent if r.n == 1)
    assert few.verdict is Verdict.INSUFFICIENT
    assert [f.bins for f in few.findings] == [(), (), ()]


def test_segments_that_are_too_small_are_not_told_apart() -> None:
    chain = Chain("segments: {region: [eu, us]}\n")
    rows = [single(f"e{i}", NOON + i, segment={"region": "eu"}) for i in range(30)]
    few = [single(f"u{i}", NOON + i, segment={"region": "us"}) for i in range(15)]
    other = [single(f"o{i}", NOON + i) for i in range(10)]
    sent = reports(chain.send(*rows, *few, *other, single("end", NOON + 2 * MINUTE)))
    told = {r.segment: r.n for r in sent if r.window_start == NOON}
    assert told == {"": 55, "region=eu": 30, "region=other": 25}


def silent(source: int, *, sources: int, now: int, at_end: bool = True) -> Rec:
    progress = Progress(source=source, sources=sources, read_through=now, at_end=at_end, models=())
    return Rec("partials", 10_000 + source, now, CODEC.encode(progress))


def told_by_one_of_two(*, at_end: bool) -> tuple[Judge, list[Rec]]:
    """A judge of two sources, what the one that has rows tells, and the other."""
    chain, sender = Chain(), Sender()
    chain.send(sender.batch(spread(NOON)), sender.batch([NOON + 3 * MINUTE]), now=NOON + 3 * MINUTE)
    records: list[Rec] = []
    for write in [w for w in chain.written if w.topic == "partials"]:
        value = CODEC.decode(write.value or b"", (Partial, Progress))
        if isinstance(value, Progress):
            value = replace(value, sources=2)
        records.append(Rec("partials", len(records), NOON, CODEC.encode(value), write.key))
    judge = Judge(config(topology={"predictions": 2, "partials": 1, "reports": 1}), catalog(), CODEC)
    return judge, [*records, silent(1, sources=2, now=NOON if not at_end else NOON + 4 * MINUTE, at_end=at_end)]


def test_a_source_that_lags_holds_windows_back_and_one_at_its_end_does_not() -> None:
    lagging, records = told_by_one_of_two(at_end=False)
    lagging.fold(records, NOON)
    assert outputs(lagging.snapshot(NOON), "reports") == []
    current, records = told_by_one_of_two(at_end=True)
    current.fold(records, NOON)
    assert outputs(current.snapshot(NOON), "reports")


def test_a_source_that_was_never_heard_of_holds_windows_back() -> None:
    judge, records = told_by_one_of_two(at_end=True)
    judge.fold(records[:-1], NOON)
    assert outputs(judge.snapshot(NOON), "reports") == []


def test_a_restored_judge_goes_on_where_it_stood() -> None:
    chain, sender = Chain(), Sender()
    batches = [sender.batch(spread(NOON + i * MINUTE)) for i in range(12)]
    straight = [named(r) for b in batches for r in reports(chain.send(b))]
    broken = Chain()
    again: list[tuple[int, int, int, bool, int]] = []
    for batch in batches:
        again += [named(r) for r in reports(broken.send(batch))]
        broken.judge = Judge(config(), broken.catalog, CODEC)
        restored(broken.judge, [Checkpoint(tuple(broken.states["Judge"]), {})])
    assert again == straight


def test_garbage_on_partials_is_a_dead_letter_and_no_stop() -> None:
    judge = Judge(config(), catalog(), CODEC)
    judge.fold([Rec("partials", 0, NOON, b"garbage"), silent(0, sources=1, now=NOON)], NOON)
    checkpoint = judge.snapshot(NOON)
    assert [letter.reason for letter in outputs(checkpoint, "dead_letters")] == ["unknown_schema"]  # type: ignore[attr-defined] # decoded above
