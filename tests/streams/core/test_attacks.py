"""What was found by attacking the core: each of these lost counts, or stopped the worker for good."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from kedge.schemas.monitor import monitor_hash
from kedge.schemas.packed import pack_counts
from kedge.schemas.records import Alert, Coded, Monitor, Partial, Progress, Provenance, Report, Verdict
from kedge.streams.core.columns import Texts
from kedge.streams.core.dedupe import StreamKey
from kedge.streams.core.fit import fit
from kedge.streams.core.guard import Guard
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.judge import Judge
from kedge.streams.core.tally import Tally
from kedge.streams.core.tally_state import SENDERS_MAX
from kedge.streams.trust import DevelopmentVerifier
from kedge.streams.worker.agents import catalog_sink
from tests.streams.core.made import (
    CODEC,
    MINUTE,
    NOON,
    Chain,
    Log,
    Rec,
    Sender,
    baseline,
    catalog,
    config,
    letters,
    monitor_record,
    outputs,
    reference_columns,
    single,
    tally,
    totals,
)
from tests.streams.core.test_guard import TUMBLING, guard_inputs, story
from tests.streams.core.test_judge import spread
from tests.support.means import guard_means

INT64_MAX = 2**63 - 1
HOUR = 60 * MINUTE
DAY = 24 * 60 * MINUTE
BYTES_MAX = 1_000_000
"""What librdkafka sends unless told otherwise."""


@pytest.mark.parametrize("field", ["rows_before", "dropped", "sequence"])
def test_no_count_that_a_sender_makes_up_stops_the_tally(field: str) -> None:
    core, log = tally(), Log()
    made_up = [Sender(str(i)).batch([NOON], **{field: INT64_MAX}) for i in range(3)]
    large = [Sender(str(i)).batch([NOON], **{field: 2**40}) for i in range(3, 6)]
    core.fold([log.append(message) for message in [*made_up, *large, Sender("good").batch([NOON])]], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("sequence_range", 0)] * 3
    (partial,) = [p for p in outputs(checkpoint, "partials") if isinstance(p, Partial) and not p.segment]
    assert partial.requests == 4


def test_a_producer_with_a_long_name_makes_no_state_that_cannot_be_written() -> None:
    core, log = tally(), Log()
    core.fold([log.append(Sender("é" * 300_000).batch([NOON])), log.append(Sender().batch([NOON]))], NOON)
    checkpoint = core.snapshot(NOON)
    assert checkpoint is not None
    assert letters(checkpoint) == [("producer_too_long", 0)]
    assert max(len(write.key) + len(write.value or b"") for write in checkpoint.writes) < BYTES_MAX


def test_a_kept_payload_is_never_longer_than_a_letter_may_be() -> None:
    core, log = tally(keep_payloads=True), Log()
    core.fold([log.append(b"x" * 1_048_576)], NOON)
    assert letters(core.snapshot(NOON)) == [("unknown_schema", 0)]


def counted(text: str, start: int, later: str, panes: range) -> set[tuple[int, int, int]]:
    """Windows in minutes about `start`, where a later monitor takes over, and their requests; 60 rows a minute."""
    chain, sender = Chain(text), Sender()
    chain.catalog.put_monitor(monitor_record(later, start))
    sent = [chain.send(sender.batch(spread(start + i * MINUTE, 60)), now=start + i * MINUTE) for i in panes]
    told = [report for reports in sent for report in reports if isinstance(report, Report)]
    return {((r.window_start - start) // MINUTE, (r.window_end - start) // MINUTE, r.requests) for r in told}


def test_a_window_of_thousands_of_panes_is_reported() -> None:
    chain, sender = Chain("windows: {pane: 1s, length: 1h, hop: 1h, grace: 0, lateness: 5m}\n"), Sender()
    start = NOON - NOON % HOUR + HOUR
    chain.send(sender.batch(spread(start)), now=start)
    (report,) = chain.send(sender.batch([start + HOUR + 1_000]), now=start + HOUR)
    assert isinstance(report, Report)
    assert (report.window_start, report.requests) == (start, 300)


def test_the_windows_before_another_pane_length_keep_all_their_panes() -> None:
    start = NOON - NOON % HOUR + HOUR
    later = "windows: {pane: 2m, length: 2m, hop: 2m, grace: 0, lateness: 5m}\n"
    found = counted("", start, later, range(-6, 8))
    assert found - {(-7, -5, 60)} == {(s, s + 2, 120) for s in [*range(-6, -1), 0, 2, 4]}


def test_the_panes_of_a_long_window_outlast_the_start_of_short_ones() -> None:
    start = NOON - NOON % HOUR + HOUR
    long = "windows: {pane: 1m, length: 1h, hop: 1h, grace: 0, lateness: 1m}\n"
    short = "windows: {pane: 1m, length: 2m, hop: 2m, grace: 60s, lateness: 1m}\n"
    found = counted(long, start, short, range(-60, 5))
    assert found == {(-60, 0, 3_600), (0, 2, 120)}


def test_windows_across_the_start_of_a_monitor_are_not_said_to_be_silent() -> None:
    start = NOON - NOON % HOUR + HOUR
    found = counted("", start, "design_effect: 1.5\n", range(-6, 6))
    assert [window for window in found if not window[2] or window[0] < 0 < window[1]] == []


def test_rows_that_expire_with_the_chunk_that_brought_them_replace_nothing() -> None:
    core, log = tally(), Log()
    first, second = Sender("p1", "v1"), Sender("p2", "v2")
    core.fold([log.append(second.batch([NOON])), log.append(first.batch([NOON] * 7))], NOON)
    core.snapshot(NOON)
    chunk = [second.batch([NOON + 1]), first.batch([NOON + 2]), second.batch([NOON + 60 * MINUTE])]
    core.fold([log.append(message) for message in chunk], NOON)
    told = [p for p in outputs(core.snapshot(NOON), "partials") if isinstance(p, Partial)]
    assert [p.requests for p in told if (p.version, p.pane_start) == ("v1", NOON)] == [8]


def test_made_up_versions_make_no_cells_by_way_of_their_gaps() -> None:
    core, log = tally(), Log()
    flood = [Sender(version=f"v{i}").batch([NOON], rows_before=5) for i in range(100)]
    core.fold([log.append(message) for message in flood], NOON)
    told = {p.version for p in outputs(core.snapshot(NOON), "partials") if isinstance(p, Partial)}
    assert len(told) == 32


def test_a_burst_of_single_events_makes_no_state_that_cannot_be_written() -> None:
    core = tally()
    for event in range(250_000):
        core._state.ids.keep("m", NOON + MINUTE, event)  # noqa: SLF001 - 250,000 real events take a minute
    core.fold([Log().append(single("a"))], NOON)
    checkpoint = core.snapshot(NOON)
    assert checkpoint is not None
    ids = [write for write in checkpoint.writes if write.key.startswith(b"ids:")]
    assert len({write.key for write in ids}) == len(ids) == 3
    assert max(len(write.value or b"") for write in ids) < BYTES_MAX


def test_a_batch_sent_again_is_known_while_its_pane_takes_rows_however_long_that_is() -> None:
    core, log, sender = tally("windows: {pane: 60s, length: 2m, hop: 1m, grace: 0, lateness: 2d}\n"), Log(), Sender()
    other, sent = Sender("other"), sender.batch([NOON] * 5)
    core.fold([log.append(message) for message in (other.batch([NOON - 2 * DAY]), sent)], NOON)
    core.fold([log.append(other.batch([NOON + DAY + 2 * MINUTE]))], NOON)
    core.fold([log.append(sent)], NOON)
    assert totals(core.snapshot(NOON))["duplicate"] == 5


def test_an_event_is_known_while_its_own_monitor_takes_it() -> None:
    start, prompt = NOON + 10 * MINUTE, "windows: {pane: 60s, length: 2m, hop: 1m, grace: 0, lateness: 0}\n"
    core, log = tally(), Log()
    core._catalog.put_monitor(monitor_record(prompt, start))  # noqa: SLF001 - as the worker's sink does
    for name, minutes in (("old", -2), ("new", 0), ("newer", 2), ("old", -2)):
        core.fold([log.append(single(name, start + minutes * MINUTE))], NOON)
    assert totals(core.snapshot(NOON))["duplicate"] == 1


def test_a_report_of_a_thousand_categorical_signals_fits_into_a_message() -> None:
    codes = np.repeat(np.arange(50), 40).astype(np.int32)
    texts = Texts([f"category_{i:03d}" for i in range(50)], codes)
    rows = replace(
        reference_columns(2_000), numbers={}, strings={f"signal_number_{i:04d}": texts for i in range(1_000)}
    )
    known = catalog(with_baseline=False)
    known.put_baseline(fit(rows, Provenance(dataset="d", rows=2_000, created_at=0)))
    core, judge = Tally(config(), known, CODEC), Judge(config(), known, CODEC)
    core.count([replace(rows, version="v1")])
    judge.fold(partials(core.snapshot(NOON)), NOON)
    judge.finish()
    checkpoint = judge.snapshot(NOON)
    assert checkpoint is not None
    assert max(len(write.value or b"") for write in checkpoint.writes) < BYTES_MAX
    found = [report for report in outputs(checkpoint, "reports") if isinstance(report, Report)]
    assert {len(report.findings) for report in found} == {1_001}
    assert {sum(bool(finding.bins) for finding in report.findings) for report in found} == {200}


def partials(checkpoint: Checkpoint | None) -> list[Rec]:
    """What a tally told, as records of `partials`."""
    writes = () if checkpoint is None else checkpoint.writes
    return [Rec("partials", i, NOON, w.value) for i, w in enumerate(w for w in writes if w.topic == "partials")]


@pytest.mark.parametrize(
    "change",
    [
        {"requests": INT64_MAX},
        {"errors": -1},
        {"lost": -INT64_MAX},
        {"pane_ms": 0},
        {"pane_start": -MINUTE},
        {"pane_start": NOON + 1},
        {"source": 1},
        {"counts": pack_counts(np.array([2**62]))},
        {"latency": pack_counts(np.array([2**62]))},
    ],
)
def test_a_partial_that_nobody_can_have_counted_is_a_dead_letter(change: Mapping[str, Any]) -> None:
    core, judge = tally(), Judge(config(), catalog(), CODEC)
    core.fold([Log().append(Sender().batch(spread(NOON)))], NOON)
    right = partials(core.snapshot(NOON))
    wrong = replace(CODEC.decode(right[0].value or b"", Partial), **change)
    judge.fold([replace(right[0], value=CODEC.encode(wrong)), *right], NOON)
    judge.finish()
    checkpoint = judge.snapshot(NOON)
    assert letters(checkpoint) == [("undecodable", 0)]
    assert {report.requests for report in outputs(checkpoint, "reports") if isinstance(report, Report)} == {300}


@pytest.mark.parametrize("change", [{"source": 7}, {"source": -1}, {"sources": 2}])
def test_progress_of_a_partition_that_is_not_there_holds_nothing_back(change: Mapping[str, Any]) -> None:
    core, judge = tally(), Judge(config(), catalog(), CODEC)
    core.fold([Log().append(Sender().batch([*spread(NOON), NOON + 2 * MINUTE]))], NOON)
    right = partials(core.snapshot(NOON))
    wrong = replace(CODEC.decode(right[-1].value or b"", Progress), **change)
    judge.fold([replace(right[-1], value=CODEC.encode(wrong)), *right], NOON)
    checkpoint = judge.snapshot(NOON)
    assert letters(checkpoint) == [("undecodable", 0)]
    assert outputs(checkpoint, "reports")


def test_no_published_baseline_or_monitor_stops_the_worker() -> None:
    known, good = catalog(), baseline()
    sink = catalog_sink(known, CODEC, DevelopmentVerifier(), CollectorRegistry())
    twice = replace(good, hash="twice", effective_from=NOON, signals=(*good.signals, good.signals[0]))
    sink("baselines", b"", CODEC.encode(twice))
    other = replace(monitor_record("design_effect: 2\n", NOON), hash=monitor_record().hash)
    sink("monitors", b"", CODEC.encode(other))
    half = '{"model": "m", "owner": "\\ud800"}'
    sink("monitors", b"", CODEC.encode(Monitor(model="m", hash=monitor_hash(half), effective_from=NOON, document=half)))
    plan = known.plan_at("m", "v1", NOON)
    assert plan is not None
    assert plan.hashes == (monitor_record().hash, good.hash)
    assert plan.monitor.design_effect is None


def test_an_incident_whose_windows_are_all_amended_away_is_not_said_to_be_gone() -> None:
    chain, _ = story([15, 15])
    inputs = guard_inputs(chain)
    guard = Guard(config(), catalog(TUMBLING), CODEC, guard_means())
    guard.fold(inputs, NOON)
    opened = [alert.event.value for alert in outputs(guard.snapshot(NOON), "alerts") if isinstance(alert, Alert)]
    for record in inputs:
        report = CODEC.decode(record.value or b"", Report)
        unjudged = tuple(replace(finding, verdict=Verdict.INSUFFICIENT) for finding in report.findings)
        amended = replace(report, revision=report.revision + 1, verdict=Verdict.INSUFFICIENT, findings=unjudged)
        guard.fold([replace(record, value=CODEC.encode(amended))], NOON)
    assert (opened, outputs(guard.snapshot(NOON), "alerts")) == (["OPENED"], [])


def test_a_segment_is_no_more_complete_than_the_whole() -> None:
    chain, sender = Chain("segments: {region: [eu]}\n"), Sender()
    region = {"region": Coded(dictionary=("eu",), codes=bytes(4 * 300))}
    chain.send(sender.batch(spread(NOON), segments=region))
    sender.sequence, sender.rows_before = sender.sequence + 1, sender.rows_before + 10_000
    chain.send(sender.batch(spread(NOON + MINUTE), segments=region))
    sent = chain.send(sender.batch([NOON + 3 * MINUTE]))
    found = [report for report in sent if isinstance(report, Report) and report.window_start == NOON]
    assert [(r.segment, r.verdict) for r in found] == [(s, Verdict.INSUFFICIENT) for s in ("", "region=eu")]
    assert found[0].completeness == pytest.approx(found[1].completeness, rel=0.01)


def test_a_flood_of_made_up_senders_makes_no_state_without_end() -> None:
    core, log = tally(), Log()
    known = Sender("known")
    core.fold([log.append(known.batch([NOON]))], NOON)
    for i in range(SENDERS_MAX - 1):
        core._state.sender(StreamKey(f"s{i}", "m", "v1", "PRIMARY"))  # noqa: SLF001 - 20,000 messages would take a minute
    core.fold([log.append(Sender("one-more").batch([NOON])), log.append(known.batch([NOON]))], NOON)
    checkpoint = core.snapshot(NOON)
    assert letters(checkpoint) == [("too_many_senders", 1)]
    assert totals(checkpoint)["counted"] == 2
