"""A partial says which senders its rows came from, without naming them."""

from kedge.schemas.records import Partial
from kedge.streams.core.instructions import Checkpoint
from kedge.streams.core.senders import SENDERS_MAX
from tests.streams.core.made import MINUTE, NOON, Log, Sender, outputs, restored, single, tally


def senders(checkpoint: Checkpoint | None, pane: int = NOON, segment: str = "") -> list[int]:
    """Rows by sender, the most first."""
    found = [p for p in outputs(checkpoint, "partials") if isinstance(p, Partial)]
    [partial] = [p for p in found if (p.pane_start, p.segment) == (pane, segment)]
    return [sender.rows for sender in partial.senders]


def test_rows_are_told_by_sender_and_pane() -> None:
    core, log, one, other = tally(), Log(), Sender("one"), Sender("other")
    core.fold([log.append(one.batch([NOON + i for i in range(30)]))], NOON)
    both = other.batch([NOON] * 5 + [NOON + MINUTE] * 7)
    core.fold([log.append(message) for message in (one.batch([NOON] * 10), both, single("a"))], NOON)
    checkpoint = core.snapshot(NOON)
    assert senders(checkpoint) == [40, 5]
    assert senders(checkpoint, NOON + MINUTE) == [7]


def test_only_all_rows_know_their_senders() -> None:
    core = tally("segments: {region: [eu]}\n")
    core.fold([Log().append(Sender().batch([NOON]))], NOON)
    checkpoint = core.snapshot(NOON)
    assert senders(checkpoint) == [1]
    assert senders(checkpoint, segment="region=other") == []


def test_those_with_the_most_rows_are_remembered() -> None:
    core, log = tally(), Log()
    for number in range(SENDERS_MAX + 4):
        core.fold([log.append(Sender(f"node-{number}").batch([NOON] * (number + 1)))], NOON)
    checkpoint = core.snapshot(NOON)
    assert senders(checkpoint) == list(range(SENDERS_MAX + 4, 4, -1))


def test_a_restored_cell_goes_on_with_its_senders() -> None:
    core, log, sender = tally(), Log(), Sender()
    core.fold([log.append(sender.batch([NOON] * 3))], NOON)
    again = restored(tally(), [core.snapshot(NOON)])
    again.fold([log.append(sender.batch([NOON] * 4))], NOON)
    assert senders(again.snapshot(NOON)) == [7]


def test_a_sender_is_not_named() -> None:
    core = tally()
    core.fold([Log().append(Sender("node-in-berlin").batch([NOON]))], NOON)
    checkpoint = core.snapshot(NOON)
    assert checkpoint is not None
    assert not [w for w in checkpoint.writes if w.topic == "partials" and b"berlin" in (w.value or b"")]
