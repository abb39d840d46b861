"""Records in any order become views of bounded size."""

from dataclasses import replace
from typing import TypeVar

import pytest

from kedge.schemas.records import (
    Ack,
    Action,
    Alert,
    AlertEvent,
    Command,
    Override,
    Report,
    Role,
    Verdict,
    VersionReport,
)
from kedge.streams.console import board as bounds
from kedge.streams.console.board import Board, Laid
from kedge.streams.console.history import WINDOWS_MAX
from kedge.streams.console.situation import open_command
from kedge.streams.console.timeline import timeline
from tests.schemas.samples import SAMPLES
from tests.streams.cli.scripted import entry
from tests.streams.core.made import CODEC

Sample = TypeVar("Sample")


def sample(kind: type[Sample]) -> Sample:
    found = SAMPLES[kind.__name__]
    assert isinstance(found, kind)
    return found


ACK, OVERRIDE = sample(Ack), sample(Override)
REPORT, ALERT, COMMAND, VERSIONS = sample(Report), sample(Alert), sample(Command), sample(VersionReport)
LENGTH = REPORT.window_end - REPORT.window_start


def empty() -> Board:
    return Board(CODEC, lambda _: None)


def put(board: Board, topic: str, *records: object) -> Board:
    for offset, record in enumerate(records):
        board.take(topic, CODEC.encode(record), Laid(0, offset, 1_000 + offset))
    return board


def window(number: int, **changes: object) -> Report:
    start = REPORT.window_start + number * LENGTH
    made = replace(REPORT, window_start=start, window_end=start + LENGTH)
    return replace(made, **changes)  # type: ignore[arg-type] # the test's own changes


def test_the_newest_windows_are_kept_in_order_and_a_revision_takes_the_place_of_the_one_before() -> None:
    told = [window(n) for n in range(WINDOWS_MAX + 30)]
    board = put(empty(), "reports", *reversed(told), window(WINDOWS_MAX, revision=2, verdict=Verdict.STABLE))
    track = board.models["delay"].streams["v1", Role.PRIMARY]
    assert [point.window_start for point in track.points] == [r.window_start for r in told[-WINDOWS_MAX:]]
    assert [p.verdict for p in track.points if p.window_start == told[WINDOWS_MAX].window_start] == [Verdict.STABLE]
    assert CODEC.decode(track.newest, Report) == told[-1]
    assert track.points[-1].value(("feature", "distance")) == pytest.approx(0.81)
    assert track.points[-1].value(("feature", "elsewhere")) is None
    assert board.models["delay"].told_at == 1_000 + WINDOWS_MAX + 30


def test_a_window_without_rows_hides_no_histogram_that_was_there() -> None:
    silent = window(1, verdict=Verdict.INSUFFICIENT, findings=())
    track = put(empty(), "reports", window(0), silent).models["delay"].streams["v1", Role.PRIMARY]
    assert track.last.verdict is Verdict.INSUFFICIENT
    assert CODEC.decode(track.shown, Report) == window(0)


def test_versions_that_a_sender_makes_up_do_not_add_up() -> None:
    board = put(empty(), "reports", *(window(n, version=f"v{n}") for n in range(100)))
    put(board, "reports", *(window(0, segment=f"origin={n}") for n in range(bounds.SEGMENTS_MAX + 50)))
    put(board, "reports", *(replace(VERSIONS, version=f"v{n}") for n in range(100)))
    model = board.models["delay"]
    assert [version for version, _ in model.streams] == [f"v{n}" for n in range(92, 100)]
    assert (len(model.segments), len(model.versions)) == (bounds.SEGMENTS_MAX, bounds.STREAMS_MAX)


def test_models_alerts_commands_and_answers_are_bounded_and_an_incident_s_ends_are_kept_longest() -> None:
    board = put(empty(), "alerts", replace(ALERT, alert_id="first", event=AlertEvent.OPENED))
    put(board, "alerts", *(replace(ALERT, alert_id=f"a{n}", event=AlertEvent.UPDATED) for n in range(500)))
    put(board, "control", *(replace(COMMAND, command_id=f"c{n}") for n in range(500)))
    standing = board.models["delay"].standing
    assert (len(standing.alerts), len(standing.commands)) == (bounds.ALERTS_MAX, bounds.COMMANDS_MAX)
    assert "first" in standing.alerts
    put(board, "alerts", *(replace(ALERT, model=f"m{n}") for n in range(bounds.MODELS_MAX + 5)))
    assert len(board.models) == bounds.MODELS_MAX


def test_what_actuators_and_people_make_up_neither_shows_as_a_model_nor_pushes_one_out() -> None:
    board = put(empty(), "reports", window(0))
    made_up = [replace(ACK, model=f"m{n}") for n in range(bounds.MODELS_MAX + 5)]
    put(board, "acks", *made_up)
    put(board, "overrides", *(replace(OVERRIDE, model=f"o{n}") for n in range(bounds.MODELS_MAX + 5)))
    assert list(board.models) == ["delay"]
    put(board, "acks", replace(ACK, model="later"))
    put(board, "reports", window(0, model="later"))
    assert board.models["later"].standing.acks, "what was said of it before it was reported is kept"
    put(board, "acks", replace(ACK, command_id="", actuator_id="x" * bounds.WORDS_MAX))
    assert (board.models["delay"].heartbeats, board.unreadable) == ({}, {"acks": 1})


def test_what_cannot_be_read_is_counted_and_changes_nothing() -> None:
    board = empty()
    board.take("reports", b"nothing of ours", Laid(0, 0, 0))
    board.take("reports", CODEC.encode(COMMAND), Laid(0, 1, 0))
    assert (dict(board.models), board.unreadable) == ({}, {"reports": 2})


@pytest.mark.parametrize("journal_first", [False, True])
def test_a_command_s_end_is_known_whichever_topic_was_read_first(journal_first: bool) -> None:  # noqa: FBT001
    cancel = replace(COMMAND, command_id="cd" * 32, action=Action.CANCEL, cancels=COMMAND.command_id, sequence=8)
    sent = entry(model="delay", sequence=1, commands=(COMMAND.command_id,), decision="send_freeze_rollout")
    ended = entry(
        model="delay", sequence=2, commands=(cancel.command_id,), decision="command_superseded+cancel", reason="a hold"
    )
    board = empty()
    topics = [("journal", (sent, ended)), ("control", (COMMAND, cancel))]
    for topic, records in topics if journal_first else reversed(topics):
        put(board, topic, *records)
        board.settle()
    board.settle()
    model = board.models["delay"]
    assert model.standing.ends[COMMAND.command_id].end == "superseded"
    assert open_command(model, COMMAND.issued_at) is None
    assert sorted(event.kind for event in timeline(model.standing, COMMAND.incident)) == ["ended", "sent", "sent"]
