"""Guard: one incident, one page, one command; nothing for less; and a journal of all of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kedge.schemas.records import (
    Alert,
    AlertEvent,
    Command,
    Journal,
    Packed,
    PredictionBatch,
    Report,
    Verdict,
)
from kedge.schemas.signing import signed_bytes
from kedge.streams.core.guard import Guard
from kedge.streams.core.instructions import Checkpoint
from tests.streams.core.made import CODEC, MINUTE, NOON, Chain, Rec, Sender, catalog, config, outputs, restored
from tests.support.means import HashSigner, guard_means

TUMBLING = """
windows: {pane: 60s, length: 1m, hop: 1m, grace: 0, lateness: 5m}
actions: {freeze_rollout: {expires_after: 1h}}
"""
NOW = NOON + 999 * MINUTE


def shifted(batch: PredictionBatch, by: float) -> PredictionBatch:
    values = np.frombuffer(batch.numbers["age"].values, "<f8") + by
    return replace(batch, numbers={"age": Packed(values=values.tobytes())})


def story(shifts: Sequence[float], text: str = TUMBLING) -> tuple[Chain, list[object]]:
    """One minute a shift; what reports, alerts and commands come of it."""
    chain, sender = Chain(text), Sender()
    sent: list[object] = []
    for i, by in enumerate([*shifts, 0.0]):
        rows = [NOON + i * MINUTE + 50 * j for j in range(1_000)]
        sent += chain.send(shifted(sender.batch(rows), by), now=NOW)
    return chain, sent


def steps(sent: list[object]) -> list[str]:
    """Alerts and commands, by name."""
    return [s.event.value if isinstance(s, Alert) else s.action.value for s in sent if isinstance(s, Alert | Command)]


def test_two_breaching_windows_give_one_page_and_one_command_and_a_third_none() -> None:
    _, sent = story([0, 0, 15, 15, 15, 15])
    assert steps(sent) == ["OPENED", "FREEZE_ROLLOUT"]
    alert = next(s for s in sent if isinstance(s, Alert))
    command = next(s for s in sent if isinstance(s, Command))
    assert [e.signal for e in alert.signals] == ["age"]
    assert (alert.owner, alert.command_id, alert.window_start) == ("me", command.command_id, NOON + 3 * MINUTE)
    assert (command.sequence, command.issued_at, command.expires_at) == (1, NOW, NOW + 60 * MINUTE)
    assert command.signature == HashSigner().sign(signed_bytes(command))
    assert command.drill is False


def test_one_breaching_window_gives_nothing() -> None:
    assert steps(story([0, 15, 0, 0, 15, 0, 0])[1]) == []


def test_two_of_three_need_not_be_neighbours() -> None:
    assert steps(story([15, 0, 15])[1]) == ["OPENED", "FREEZE_ROLLOUT"]


def test_an_incident_resolves_once_stable_and_says_whether_the_freeze_stands() -> None:
    _, sent = story([15, 15, 0, 0, 0, 0])
    assert steps(sent) == ["OPENED", "FREEZE_ROLLOUT", "RESOLVED"]
    end = next(s for s in sent if isinstance(s, Alert) and s.event is AlertEvent.RESOLVED)
    assert end.freeze_stands_until == NOW + 60 * MINUTE
    assert "the freeze stands" in end.summary


def test_a_second_drift_after_a_resolved_one_is_another_incident() -> None:
    _, sent = story([15, 15, 0, 0, 0, 15, 15])
    assert steps(sent) == ["OPENED", "FREEZE_ROLLOUT", "RESOLVED", "OPENED", "FREEZE_ROLLOUT"]
    commands = [s for s in sent if isinstance(s, Command)]
    assert len({c.command_id for c in commands}) == len({c.incident for c in commands}) == 2
    assert [c.sequence for c in commands] == [1, 2]


def test_windows_that_cannot_be_judged_move_no_counter() -> None:
    chain, sender = Chain(TUMBLING), Sender()
    sent: list[object] = []
    for i, rows in enumerate((1_000, 50, 1_000, 1_000)):
        batch = sender.batch([NOON + i * MINUTE + j for j in range(rows)])
        sent += chain.send(shifted(batch, 15 if i < 3 else 0), now=NOW)
    verdicts = [s.verdict for s in sent if isinstance(s, Report) and not s.final and s.revision == 0]
    assert verdicts == [Verdict.DRIFTED, Verdict.INSUFFICIENT, Verdict.DRIFTED]
    assert steps(sent) == ["OPENED", "FREEZE_ROLLOUT"]


def leave(guard: Guard, now: int = NOW) -> Checkpoint | None:
    """One round of the shell: nobody has said anything, so that what is staged leaves."""
    guard.tick(now)
    guard.stand({}, now)
    return guard.snapshot(now)


def guard_inputs(chain: Chain) -> list[Rec]:
    written = [w for w in chain.written if w.topic == "reports"]
    return [Rec("reports", i, NOON, w.value, w.key) for i, w in enumerate(written)]


def test_the_same_reports_lead_to_the_same_journal_however_they_are_cut() -> None:
    chain, _ = story([0, 15, 15, 0, 0, 0])
    inputs = guard_inputs(chain)
    journals = []
    for size in (1, 3, len(inputs)):
        guard, written = Guard(config(), catalog(TUMBLING), CODEC, guard_means()), []
        for i in range(0, len(inputs), size):
            guard.fold(inputs[i : i + size], NOW)
            checkpoint = guard.snapshot(NOW)
            written.append(checkpoint)
            guard = Guard(config(), catalog(TUMBLING), CODEC, guard_means())
            restored(guard, written)
        journals.append(
            [w.value for c in written if c for w in c.writes if w.topic in {"journal", "alerts", "control"}]
        )
    assert journals[0] == journals[1] == journals[2]


def test_every_report_stands_in_the_journal_in_order() -> None:
    chain, _ = story([0, 15, 15, 0])
    entries = [CODEC.decode(w.value or b"", Journal) for w in chain.written if w.topic == "journal"]
    assert [e.sequence for e in entries] == list(range(1, len(entries) + 1))
    assert len([e for e in entries if e.input_topic == "reports"]) == len(guard_inputs(chain))
    decisions = [(e.input_topic, e.decision) for e in entries if e.decision != "none"]
    assert decisions == [("reports", "open_incident+freeze_rollout"), ("stand", "send_freeze_rollout")]
    assert all(len(e.state_digest) == 64 for e in entries)
    assert {len(e.input_digest) for e in entries if e.input_topic == "reports"} == {64}


def test_a_revision_replaces_a_verdict_and_unsends_nothing() -> None:
    chain, _ = story([15, 15])
    inputs = guard_inputs(chain)
    first = CODEC.decode(inputs[0].value or b"", Report)
    stable = replace(
        first,
        revision=1,
        verdict=Verdict.STABLE,
        findings=tuple(replace(f, verdict=Verdict.STABLE) for f in first.findings),
    )
    before = Guard(config(), catalog(TUMBLING), CODEC, guard_means())
    amended = Rec("reports", 1, NOON, CODEC.encode(stable))
    rest = [replace(r, offset=r.offset + 1) for r in inputs[1:]]
    before.fold([inputs[0], amended, *rest], NOW)
    assert outputs(leave(before), "control") == []
    after = Guard(config(), catalog(TUMBLING), CODEC, guard_means())
    after.fold([*inputs, replace(amended, offset=len(inputs))], NOW)
    assert len(outputs(leave(after), "control")) == 1


@pytest.mark.parametrize("breaches", [1, 3])
def test_the_monitor_says_how_many_windows_it_takes(breaches: int) -> None:
    text = TUMBLING + f"policy: {{breaches: {breaches}, windows: 3}}\n"
    assert bool(steps(story([15] * breaches, text)[1])) is True
    assert steps(story([15] * (breaches - 1) + [0], text)[1]) == []


def test_garbage_on_reports_is_a_dead_letter_and_no_stop() -> None:
    guard = Guard(config(), catalog(TUMBLING), CODEC, guard_means())
    guard.fold([Rec("reports", 0, NOON, b"garbage")], NOW)
    assert [letter.reason for letter in outputs(guard.snapshot(NOW), "dead_letters")] == ["unknown_schema"]  # type: ignore[attr-defined] # decoded above


def test_an_incident_of_a_version_that_is_gone_ends_after_a_day_and_says_so() -> None:
    chain, old, new = Chain(TUMBLING), Sender("old"), Sender("new", version="v2")
    sent: list[object] = []
    for minute in (0, 1, 2, 3, 26 * 60, 26 * 60 + 1, 26 * 60 + 2):
        times = [NOON + minute * MINUTE + 50 * j for j in range(1_000)]
        batches = [new.batch(times)]
        if minute < 3:
            batches.append(shifted(old.batch(times), 15))
        sent += chain.send(*batches, now=NOW)
    assert steps(sent) == ["OPENED", "FREEZE_ROLLOUT", "RESOLVED"]
    end = next(s for s in sent if isinstance(s, Alert) and s.event is AlertEvent.RESOLVED)
    assert "not judged for a day: age" in end.summary
