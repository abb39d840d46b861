"""Every outcome has one fate: joined, counted as a label, or one of the reasons why not."""

from dataclasses import replace

import pytest

from kedge.detectors.outcomes import OutcomeKind, OutcomeLayout
from kedge.schemas.records import JoinKind, JoinPartial, Outcome
from kedge.streams.core import join_state
from kedge.streams.core.join_choice import VERSIONS_MAX
from kedge.streams.core.join_labels import DAY_MS
from tests.streams.core.joined import Joining, answer, outcome
from tests.streams.core.made import CODEC, MINUTE, NOON, letters, outputs, single, tally

LABELS = OutcomeLayout(OutcomeKind.CLASS, ("cat", "dog"))
TODAY = NOON - NOON % DAY_MS
WEEK_AGO = NOON - 7 * DAY_MS


def label(request: str, observed: str = "cat", predicted_at: int = WEEK_AGO, **changes: object) -> Outcome:
    """Return a label that says itself what was predicted, and when."""
    made = outcome(request, observed, predicted_at=predicted_at, version="v1", label="dog")
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def labelled(joining: Joining, segment: str = "") -> dict[tuple[str, int], int]:
    """Return labels counted by version and day."""
    return {
        (cell.version, cell.pane): sum(counts[LABELS.confusion])
        for cell, counts in joining.cells().items()
        if cell.kind is JoinKind.LABEL and cell.segment == segment
    }


def flags(joining: Joining) -> set[int]:
    """Return the flags of the labels' counts that the last checkpoint told."""
    found = outputs(joining.checkpoints[-1], "partials")
    return {p.flags for p in found if isinstance(p, JoinPartial) and p.kind is JoinKind.LABEL}


def sent(*outcomes: object, appended: int = NOON) -> Joining:
    """Return a tally that has seen the present, and these."""
    joining = Joining()
    joining.send(single("now"))
    joining.send(*outcomes, appended=appended)
    joining.save()
    return joining


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (outcome("a", float("nan")), "not_finite"),
        (outcome("a", float("inf")), "not_finite"),
        (outcome("a", score=float("nan")), "not_finite"),
        (outcome("a", "text", kind="click"), "outcome_type"),
        (outcome("a", kind="k" * 201), "text_too_long"),
        (outcome("a", "c" * 1_025), "text_too_long"),
        (outcome("a", segment={f"k{i}": "" for i in range(1_001)}), "too_many_keys"),
        (b"nonsense", "undecodable"),
        (b"", "empty"),
        (b"\0" * 1_048_577, "too_large"),
        (answer("a"), "unexpected_record"),
    ],
)
def test_what_cannot_be_an_outcome_is_a_dead_letter(broken: object, reason: str) -> None:
    joining = Joining()
    [record] = joining.append(outcome("a"))
    data = broken if isinstance(broken, bytes) else CODEC.encode(broken)
    joining.read([replace(record, value=data)])
    joining.save()
    [(found, rows)] = letters(joining.checkpoints[-1])
    assert (found, rows) == (reason, 1) or (reason in {"undecodable", "unexpected_record"} and rows == 1)
    assert joining.fates() == {"received": 1, "refused": 1}


def test_an_outcome_in_the_wrong_partition_would_never_meet_its_answer() -> None:
    core = tally(
        "outcomes: {click: {delay: 2m}}\ncomparison: {join_horizon: 5m}\n",
        topology={"predictions": 4, "outcomes": 4, "partials": 1},
    )
    record = replace(Joining().append(outcome("a"))[0], partition=0)
    core.fold([replace(record, offset=0, value=CODEC.encode(outcome(f"r{0}")))], NOON)
    core.fold([replace(record, offset=i, value=CODEC.encode(outcome(f"r{i}"))) for i in range(1, 40)], NOON)
    found = letters(core.snapshot(NOON))
    assert set(found) == {("wrong_partition", 1)}
    assert 20 < len(found) < 40


def test_other_models_and_kinds_are_counted_and_no_more() -> None:
    joining = sent(outcome("a", model="other"), outcome("a", kind="purchase"))
    assert joining.fates() == {"received": 2, "unmonitored": 1, "unexpected": 1}
    assert letters(joining.checkpoints[-1]) == []


def test_times_that_cannot_be_are_quarantined() -> None:
    joining = sent(
        outcome("a", timestamp=NOON + 6 * MINUTE),
        outcome("b", timestamp=0),
        label("c", predicted_at=-1),
        label("d", predicted_at=NOON + DAY_MS),
    )
    assert joining.fates() == {"received": 4, "quarantined": 4}
    assert letters(joining.checkpoints[-1]) == [("timestamp", 1)] * 4


def test_outcomes_move_no_watermark() -> None:
    joining = sent(*(outcome(f"r{i}", timestamp=NOON + 4 * MINUTE) for i in range(10)))
    joining.send(answer("early", timestamp=NOON - 2 * MINUTE))
    joining.save()
    assert joining.clicks() == {"v1": (2, 0)}


def test_a_label_that_says_enough_is_counted_on_the_day_of_its_prediction() -> None:
    joining = sent(label("a"), label("b", "dog"), label("c", "cow", version="v2", segment={"region": "eu"}))
    day = WEEK_AGO - WEEK_AGO % DAY_MS
    assert labelled(joining) == {("v1", day): 2, ("v2", day): 1}
    assert labelled(joining, "region=eu") == {("v2", day): 1}
    assert joining.fates() == {"received": 3, "labelled": 3}


def test_a_label_within_the_horizon_waits_for_its_prediction() -> None:
    joining = sent(label("e-now", predicted_at=NOON - MINUTE), label("r-now", predicted_at=NOON - MINUTE))
    assert labelled(joining) == {}
    assert joining.fates() == {"received": 2, "joined": 1, "waiting": 1}


def test_a_label_of_a_kind_without_label_horizon_is_not_taken() -> None:
    joining = sent(outcome("a", 1.0, version="v1", predicted_at=WEEK_AGO))
    assert labelled(joining) == {}
    assert joining.fates() == {"received": 1, "waiting": 1}


def test_a_label_twice_is_once_also_after_a_crash_and_also_if_it_was_joined_first() -> None:
    joining = sent(label("a"), label("r-now", predicted_at=NOON))
    joining.crash()
    joining.send(label("a", "dog"), label("a", timestamp=NOON + MINUTE))
    joining.send(single("later", NOON + 20 * MINUTE))
    joining.send(label("r-now", predicted_at=NOON), appended=NOON + 20 * MINUTE)
    joining.save()
    assert sum(labelled(joining).values()) == 1
    assert joining.fates() == {"received": 5, "labelled": 1, "joined": 1, "duplicate": 3}


def test_labels_past_their_horizon_are_late() -> None:
    joining = sent(label("a", predicted_at=TODAY - 11 * DAY_MS), label("b", predicted_at=TODAY - 10 * DAY_MS))
    assert joining.fates() == {"received": 2, "late": 1, "labelled": 1}


def test_days_past_the_horizon_are_dropped_with_what_is_known_of_them() -> None:
    joining = sent(label("a"), label("b", predicted_at=TODAY - DAY_MS))
    joining.send(single("later", NOON + 9 * DAY_MS), appended=NOON + 9 * DAY_MS)
    joining.send(label("a"), appended=NOON + 9 * DAY_MS)
    joining.save()
    assert joining.fates()["late"] == 1
    state = {write.key: write.value for c in joining.checkpoints for write in c.writes if write.topic == "state"}
    assert len([key for key, value in state.items() if value is not None and key.startswith(b"labl")]) == 1
    assert len([key for key, value in state.items() if value is not None and key.startswith(b'join["LABEL"')]) == 2
    again = Joining()
    again.checkpoints = joining.checkpoints
    again.crash()
    again.send(label("b", predicted_at=TODAY - DAY_MS), appended=NOON + 9 * DAY_MS)
    again.save()
    assert again.fates()["duplicate"] == 1


def test_past_the_bound_label_counts_say_that_they_may_hold_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_state, "LABELS_MAX", 2)
    joining = sent(label("a"), label("b"))
    assert flags(joining) == {0}
    joining.send(label("c"))
    joining.save()
    assert flags(joining) == {1}


def test_made_up_versions_cost_no_more_than_a_bound() -> None:
    joining = sent(*(label(f"r{i}", version=f"v{i}") for i in range(VERSIONS_MAX + 10)))
    assert joining.fates()["labelled"] <= VERSIONS_MAX
    assert joining.fates()["refused"] >= 10
    assert {reason for reason, _ in letters(joining.checkpoints[-1])} == {"too_many_versions"}


def test_every_outcome_is_seen_in_the_metrics() -> None:
    joining = sent(outcome("r-now"), outcome("a"), outcome("a"), label("b"), outcome("c", kind="purchase"))
    joining.close()
    noted: dict[str, float] = {}
    for observation in joining.core.drain():
        if observation.name == "outcomes":
            noted[observation.labels["fate"]] = noted.get(observation.labels["fate"], 0) + observation.value
    assert noted == {"received": 5, "joined": 1, "unmatched": 1, "duplicate": 1, "labelled": 1, "unexpected": 1}
