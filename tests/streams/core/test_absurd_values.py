"""Records that decode and cannot be true: they are refused or left out, and no worker stops for them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kedge.schemas.packed import pack_signed, unpack_signed
from kedge.schemas.records import Ack, Command, DeadLetter, JoinPartial, Partial, Role
from tests.streams.core.made import CODEC, MINUTE
from tests.streams.core.made_guard import LENGTH, Desk, notes, routed, subjects
from tests.streams.core.versions_made import START, Answers, Clicks, Pairs, Stage

COMPARED = (
    "comparison: {}\noutcomes: {click: {type: binary, delay: 2m}, eta: {type: numeric, tolerance: 1, delay: 2m}}\n"
)
CANARY = Answers(version="v2", role=Role.CANARY)
PRIMARY = Answers(requests=19_000)
DAY = 1_440 * MINUTE
FAR = 2**63 - 2**63 % DAY - DAY


def negative(counts: NDArray[np.int64]) -> None:
    counts[:] = -5


def more_parts_than_whole(counts: NDArray[np.int64]) -> None:
    counts[:] = 1
    counts[4], counts[5] = 10, 50


@pytest.mark.parametrize(
    "changes",
    [
        {"n_eff": math.nan},
        {"control_n_eff": math.nan},
        {"completeness": math.nan},
        {"sample_ratio_p_value": math.nan},
        {"largest_sender_share": math.nan},
    ],
)
def test_a_number_that_is_none_clears_no_veto(changes: Mapping[str, float]) -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm()
    assert "ROUTE_TO_SAFE_PATH" not in subjects(desk.harmed(**changes))
    assert any("stands" in notes(entry).values() for entry in desk.journal)
    assert "ROUTE_TO_SAFE_PATH" in subjects(desk.harmed())


@pytest.mark.parametrize("start", [FAR, -LENGTH])
def test_a_window_of_no_time_is_a_dead_letter_and_hides_none_that_comes_after(start: int) -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm()
    end = start + LENGTH
    desk.tell("reports", desk.report(window_start=start, window_end=end))
    desk.tell("reports", desk.version_report(window_start=start, window_end=end))
    assert [letter.reason for letter in desk.all("dead_letters", DeadLetter)] == ["timestamp", "timestamp"]
    assert "ROUTE_TO_SAFE_PATH" in subjects(desk.harmed())


def test_what_heartbeats_say_never_makes_a_state_that_is_too_long_to_be_written() -> None:
    desk = Desk()
    desk.calm()
    for number in range(80):
        versions = (f"{'x' * 100}-{version}" for version in range(5_000))
        desk.tell("acks", desk.heartbeat(*versions, actuator_id=f"router-{number}"))
    assert len(desk.standing.standbys) == 64
    assert len(desk.state[-2].value or b"") < 2**20


@pytest.mark.parametrize("field", ["actuator_id", "reason", "observed_version"])
def test_an_answer_of_endless_names_is_refused(field: str) -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm()
    command: Command = routed(desk.harmed())
    endless: dict[str, str] = {field: "x" * 100_000}
    answer: Ack = replace(desk.ack(command), **endless)  # type: ignore[arg-type] # a text, each of them
    desk.tell("acks", answer)
    assert desk.last.decision == "refuse_ack"
    assert len(desk.last.reason) < 1_000


def test_one_report_that_came_before_its_time_does_not_make_the_guard_blind_for_ever() -> None:
    desk = Desk()
    for _ in range(3):
        desk.calm()
    desk.tell("reports", desk.report(window_start=desk.window + 4 * LENGTH, window_end=desk.window + 5 * LENGTH))
    for _ in range(180):
        desk.calm()
    assert desk.standing.blind is None
    assert "ROUTE_TO_SAFE_PATH" in subjects(desk.harmed())


@pytest.mark.parametrize("changes", [{"errors": 5_000}, {"pane_start": FAR, "pane_ms": DAY}])
def test_the_judge_refuses_counts_that_nobody_can_have_counted(changes: Mapping[str, int]) -> None:
    stage = Stage(COMPARED)
    partial = CODEC.decode(stage.value(CANARY, START), Partial)
    stage.counted(0, PRIMARY)
    stage.send(CODEC.encode(replace(partial, **changes)))  # type: ignore[arg-type] # numbers, all of them
    assert stage.pass_time(1)
    assert stage.window(1, PRIMARY, CANARY)


@pytest.mark.parametrize("spoil", [negative, more_parts_than_whole, lambda counts: counts.resize(5, refcheck=False)])
def test_the_judge_refuses_pairs_that_nobody_can_have_counted(spoil: Callable[[NDArray[np.int64]], None]) -> None:
    stage = Stage(COMPARED)
    for index in range(3):
        stage.counted(index, PRIMARY, CANARY)
        for value in (
            stage.value(Pairs(role=Role.CANARY), START + index * MINUTE),
            stage.own(Pairs(role=Role.SHADOW, version="v3"), START + index * MINUTE, 9),
        ):
            stage.send(spoilt(value, spoil))
        assert all(report.pairs is None for report in stage.pass_time(index + 1))


def test_the_judge_says_nothing_of_outcomes_that_nobody_can_have_counted() -> None:
    stage = Stage(COMPARED)
    for index in range(8):
        clicks = (Clicks(), Clicks(version="v2", role=Role.CANARY))
        values = [stage.value(one, START + index * MINUTE) for one in clicks]
        stage.counted(index, PRIMARY, CANARY)
        stage.send(*(spoilt(value, negative) if index > 4 else value for value in values))
        stage.pass_time(index + 1)
    last = [report for report in stage.pass_time(20) if report.outcomes_due and report.version == "v2"]
    assert last
    assert all(report.outcomes == () for report in last[-1:])


def spoilt(value: bytes, spoil: Callable[[NDArray[np.int64]], None]) -> bytes:
    partial = CODEC.decode(value, JoinPartial)
    counts = unpack_signed(partial.counts, partial.bins)
    spoil(counts)
    return CODEC.encode(replace(partial, counts=pack_signed(counts), bins=counts.size))
