"""The demo tells the truth: what breaks is named, what does not is not, and nothing comes of nothing."""

from dataclasses import replace

import pytest

from kedge.schemas.records import Cause, Report, Verdict
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.setting import BREAK_AT, DAY_MS
from kedge.streams.demo.story import Plot, Received, Story
from tests.streams.demo.told import entry, told


def test_without_a_break_nothing_comes_near_a_warning() -> None:
    story, sent = told()
    assert story.faults(sent) == ()
    assert {report.verdict for report in story.windows.values()} == {Verdict.STABLE}
    assert story.largest_natural_psi() < 0.05
    assert (story.alerts, story.commands, story.drifted()) == ([], [], ())


def test_carrier_in_lower_case_and_distance_in_kilometres_lead_to_one_command() -> None:
    story, sent = told("carrier", "distance")
    assert story.faults(sent) == ()
    assert story.drifted() == ("carrier", "distance")
    worst = story.worst()
    assert (worst["carrier"].cause, worst["distance"].cause) == (Cause.PIPELINE, Cause.DISTRIBUTION)
    summary = story.summary(sent, 12.34)
    assert (summary.alerts, summary.commands, summary.windows, summary.seconds) == (1, 1, 56, 12.3)
    assert summary.first_breach_window == iso_time(BREAK_AT - BREAK_AT % DAY_MS)
    assert 50_000 < summary.predictions < 120_000


@pytest.mark.parametrize("column", sorted(BREAKS))
def test_whatever_breaks_is_what_is_named(column: str) -> None:
    story, sent = told(column)
    assert story.faults(sent) == ()
    assert story.drifted() == (column,)
    [alert] = story.alerts
    assert column in alert.summary
    assert (alert.window_start - BREAK_AT) / DAY_MS < 1.5


def test_a_story_that_was_told_otherwise_does_not_hold() -> None:
    story, sent = told("distance")
    start = max(story.windows)
    wrong = {
        "delivered": (story, replace(sent, delivered=1)),
        "1 windows were not reported": (
            replace(story, windows={s: r for s, r in story.windows.items() if s != start}),
            sent,
        ),
        "counts": (_with(story, replace(story.windows[start], requests=1)), sent),
        "and finished": (_with(story, replace(story.windows[start], final=False)), sent),
        "broken: carrier, distance": (_broken(story, "carrier", "distance"), sent),
        "nothing was broken": (_broken(story), sent),
        "not one that opens": (replace(story, alerts=[]), sent),
        "not one FREEZE_ROLLOUT": (replace(story, commands=story.commands * 2), sent),
        "before anything": (replace(story, plot=replace(story.plot, broken_at=start + DAY_MS)), sent),
        "is not complete": (replace(story, plot=_without(story.plot, start)), sent),
    }
    for words, (told_otherwise, counted) in wrong.items():
        assert [fault for fault in told_otherwise.faults(counted) if words in fault], words


def test_it_is_over_when_the_guard_has_decided_on_everything() -> None:
    story, _ = told("distance")
    assert story.is_over
    reports, command = story.windows, story.commands[0]
    assert not replace(story, windows={}).is_over
    fresh = Story(replace(story.plot, expected=dict.fromkeys(list(story.plot.expected)[:1], 980)))
    fresh.take(Received(reports[min(reports)], 0, 7))
    assert not fresh.is_over
    fresh.take(Received(entry(7, "open_incident", command.command_id), 0, 0))
    assert not fresh.is_over
    fresh.take(Received(story.alerts[0], 1, 0))
    assert not fresh.is_over
    fresh.take(Received(command, 1, 0))
    assert fresh.is_over


def test_an_amendment_replaces_and_an_older_revision_does_not() -> None:
    story = Story(Plot(expected={}, broken=frozenset(), broken_at=0))
    report = next(iter(told()[0].windows.values()))
    for offset, revision in enumerate((1, 2, 0)):
        story.take(Received(replace(report, revision=revision), 0, offset))
    assert story.windows[report.window_start].revision == 2


def _with(story: Story, report: Report) -> Story:
    return replace(story, windows={**story.windows, report.window_start: report})


def _broken(story: Story, *names: str) -> Story:
    return replace(story, plot=replace(story.plot, broken=frozenset(names)))


def _without(plot: Plot, start: int) -> Plot:
    return replace(plot, expected={s: rows for s, rows in plot.expected.items() if s != start})
