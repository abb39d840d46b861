"""The demo tells the truth: what breaks is named, what does not is not, and nothing comes of nothing."""

from dataclasses import replace
from typing import Any

import pytest

from kedge.schemas.records import AckResult, Action, Cause, Report, Role, Verdict
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.chapters import chapters
from kedge.streams.demo.faults import faults
from kedge.streams.demo.rollout import CANARY_AT, DAY_MS, VERSION_1, VERSION_2
from kedge.streams.demo.setting import BREAK_AT
from kedge.streams.demo.story import Plot, Received, Sent, Story
from tests.streams.demo.told import told

BREAK = ("carrier", "distance")


def test_without_a_break_nothing_comes_near_a_warning() -> None:
    story, sent = told()
    assert faults(story, sent) == ()
    assert {report.verdict for report in story.windows.values()} == {Verdict.STABLE}
    assert story.largest_natural_psi() < 0.05
    assert (story.alerts, story.commands, story.drifted(), story.beside) == ([], {}, (), {})


def test_carrier_in_lower_case_and_distance_in_kilometres_freeze_the_rollout_until_they_are_repaired() -> None:
    story, sent = told(*BREAK)
    assert faults(story, sent) == ()
    assert story.drifted() == BREAK
    worst = story.worst()
    assert (worst["carrier"].cause, worst["distance"].cause) == (Cause.PIPELINE, Cause.DISTRIBUTION)
    summary = story.summary(sent, 12.34)
    assert (summary.windows, summary.commands, summary.acked, summary.seconds) == (42, 6, 6, 12.3)
    assert summary.first_breach_window == iso_time(BREAK_AT - BREAK_AT % DAY_MS)
    assert summary.predictions > 40_000


def test_the_canary_is_led_away_from_once_and_for_the_harm_that_it_did() -> None:
    story, sent = told(*BREAK)
    summary = story.summary(sent, 1.0)
    assert (summary.rollbacks, summary.seconds_breach_to_ack) == (1, 0.7)
    [rollback] = story.rollbacks
    assert (rollback.from_version, rollback.target_version) == (VERSION_2, VERSION_1)
    harmful = story.harmful
    assert harmful is not None
    [harm] = harmful.harms
    assert harm.measure == "late.accuracy"
    assert harm.rate is not None
    assert harm.control_rate is not None
    assert harm.rate < harm.control_rate - 0.05
    assert (harmful.window_start - CANARY_AT) / DAY_MS == 7
    assert story.contained is not None
    assert story.contained.state == "CONTAINED"


def test_an_airport_that_closes_moves_no_traffic_though_the_owner_asked_for_it() -> None:
    story, sent = told(*BREAK)
    assert story.summary(sent, 1.0).vetoes > 0
    stood = {note.name for entry in story.vetoed for note in entry.vetoes if note.result == "stands"}
    assert {"common_cause", "pipeline_cause"} <= stood
    [rollback] = story.rollbacks
    assert rollback.incident not in {entry.incident for entry in story.vetoed}


def test_the_shadow_disagrees_and_its_features_and_scores_do_not_drift() -> None:
    story, _ = told(*BREAK)
    shadow = [report.pairs for report in story.of_version(Role.SHADOW)]
    assert len(shadow) == 5
    assert all(pairs is not None and (pairs.disagreement_rate or 0) > 0.25 for pairs in shadow)
    reports = [r for r in story.beside.values() if r.requests and not story.plot.while_closed(r.window_start)]
    assert {r.verdict for r in reports} == {Verdict.STABLE, Verdict.INSUFFICIENT}


@pytest.mark.parametrize("column", sorted(BREAKS))
def test_whatever_breaks_is_what_is_named(column: str) -> None:
    story, _ = told(column, days=20)
    assert story.drifted() == (column,)
    assert [command.action for command in story.commands.values()] == [Action.FREEZE_ROLLOUT, Action.RESUME_ROLLOUT]
    alert = story.alerts[0]
    assert column in alert.summary
    assert (alert.window_start - BREAK_AT) / DAY_MS < 1.5
    assert not [s for s, r in story.windows.items() if r.verdict is Verdict.DRIFTED and not story.plot.during_break(s)]


def test_a_story_that_was_told_otherwise_does_not_hold() -> None:
    story, sent = told(*BREAK)
    start = max(story.windows)
    first, *others = story.commands
    plot, canary = story.plot, max(s for s in story.expected if s.role == "CANARY")
    wrong: dict[str, tuple[Story, Sent]] = {
        "delivered": (story, replace(sent, delivered=1)),
        "1 windows were not reported": (
            replace(story, windows={s: r for s, r in story.windows.items() if s != start}),
            sent,
        ),
        "counts 1 predictions": (_with(story, replace(story.windows[start], requests=1)), sent),
        "and finished": (_with(story, replace(story.windows[start], final=False)), sent),
        "broken: carrier, distance, seats": (_broken(story, *BREAK, "seats"), sent),
        "nothing was broken": (_broken(story), sent),
        "when nothing was broken": (replace(story, plot=replace(plot, broken_at=BREAK_AT + DAY_MS)), sent),
        "without LaGuardia": (replace(story, plot=replace(plot, closed=(CANARY_AT, CANARY_AT + 3 * DAY_MS))), sent),
        "is laid to": (replace(story, plot=replace(plot, closed=(0, DAY_MS))), sent),
        "version 1 moves too": (replace(story, _entries=[]), sent),
        "never disagreed": (_without_version(story, Role.SHADOW), sent),
        "harm was not shown": (_without_version(story, Role.CANARY), sent),
        f"not one to {VERSION_1}": (_only(story, first), sent),
        "the link was not obeyed": (
            replace(story, expected={**story.expected, canary._replace(start=start): 1}),
            sent,
        ),
        "never contained": (replace(story, alerts=story.alerts[:2]), sent),
        "1 incidents were opened": (replace(story, alerts=story.alerts[:2]), sent),
        "the commands are": (_only(story, *others), sent),
        "1 commands were not acknowledged": (
            replace(story, acks={**story.acks, first: replace(story.acks[first], result=AckResult.NACKED)}),
            sent,
        ),
        "is not complete": (replace(story, plot=replace(plot, starts=plot.starts[:-1])), sent),
    }
    for words, (told_otherwise, counted) in wrong.items():
        assert [fault for fault in faults(told_otherwise, counted) if words in fault], words


def test_it_is_over_when_everything_is_judged_decided_said_and_done() -> None:
    story, _ = told(*BREAK)
    assert story.is_over
    assert story.settled_ms == max(story.plot.starts) + DAY_MS
    unsaid: dict[str, Any] = {
        "windows": {},
        "beside": {},
        "versions": {},
        "alerts": story.alerts[1:],
        "commands": {},
        "acks": {},
        "expected": dict(list(story.expected.items())[1:]),
        "_decided": {},
    }
    for name, value in unsaid.items():
        assert not replace(story, **{name: value}).is_over, name


def test_a_day_is_settled_only_when_its_outcomes_are_judged_and_every_command_obeyed() -> None:
    story, _ = told(*BREAK)
    stream = next(s for s in sorted(story.versions) if s.role == "CANARY")
    judged = {**story.versions, stream: replace(story.versions[stream], outcomes_due=False)}
    assert replace(story, versions=judged).settled_ms == stream.start
    assert replace(story, acks={}).settled_ms == 0


def test_an_amendment_replaces_and_an_older_revision_does_not() -> None:
    story = Story(Plot(starts=(), broken=frozenset(), broken_at=0, repaired_at=0, closed=(0, 0)))
    report = next(iter(told()[0].windows.values()))
    for offset, revision in enumerate((1, 2, 0)):
        story.take(Received(replace(report, revision=revision), 0, offset))
    assert story.windows[report.window_start].revision == 2


def test_the_closing_words_have_a_chapter_for_everything_that_happened() -> None:
    words = " ".join(chapters(*told(*BREAK)))
    for said in ("Break: ", "Shadow: ", "World: ", "Canary: ", "Rollback: ", "0.7 s", "CONTAINED"):
        assert said in words, said


def _with(story: Story, report: Report) -> Story:
    return replace(story, windows={**story.windows, report.window_start: report})


def _broken(story: Story, *names: str) -> Story:
    return replace(story, plot=replace(story.plot, broken=frozenset(names)))


def _without_version(story: Story, role: Role) -> Story:
    return replace(story, versions={s: r for s, r in story.versions.items() if s.role != role.value})


def _only(story: Story, *commands: str) -> Story:
    return replace(story, commands={name: story.commands[name] for name in commands})
