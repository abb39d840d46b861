"""What is shown: plain lines, a calendar, pictures, and how it ended."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from kedge.streams.demo.picture import bar, picture
from kedge.streams.demo.rollout import DAY_MS
from kedge.streams.demo.screen import Mode, Screen
from kedge.streams.demo.story import Output, Plot, Received, Story
from kedge.streams.demo.words import calendar
from tests.streams.demo.told import told

BREAK = ("carrier", "distance")


def _shown(mode: Mode | None, *broken: str, faults: tuple[str, ...] = ()) -> str:
    story, sent = told(*broken)
    console = Console(file=io.StringIO(), width=100, force_terminal=mode is Mode.LIVE)
    with Screen(console, mode) as screen:
        screen.step("begins")
        screen.wait(story)
        told_ = (story.windows, story.versions, story.commands, story.acks)
        records: list[Output] = [record for kind in told_ for record in kind.values()]
        records += story.alerts
        for record in records:
            screen.show(story, Received(record, 0, 0))
        screen.end(story, sent, faults)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_where_there_is_no_terminal_every_window_is_a_line() -> None:
    shown = _shown(None, *BREAK).splitlines()
    assert len([line for line in shown if " STABLE " in line]) == 35
    assert len([line for line in shown if " DRIFTED " in line and "carrier" in line]) == 5
    assert len([line for line in shown if " SHADOW " in line and "disagrees with 2013.2 on" in line]) == 5
    assert len([line for line in shown if " CANARY " in line and "evidence of harm" in line]) == 9
    assert [line for line in shown if line.startswith("command  ROUTE_TO_SAFE_PATH 2013.3 2013.2")]
    assert len([line for line in shown if line.startswith("ack ")]) == 6
    assert not [line for line in shown if "■" in line]


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.STILL])
def test_a_calendar_has_a_square_for_each_day(mode: Mode) -> None:
    shown = _shown(mode, *BREAK)
    last = shown[shown.rindex("Windows of version 2013.2, one a day") :]
    assert last.count("■") == 42
    assert "4 of 7 windows drifted" in last


def test_the_calendar_waits_for_what_has_not_come() -> None:
    story = Story(
        Plot(starts=tuple(range(0, 10 * DAY_MS, DAY_MS)), broken=frozenset(), broken_at=0, repaired_at=0, closed=(0, 0))
    )
    assert calendar(story).plain.count("·") == 10


def test_the_end_says_what_drifted_what_it_led_to_and_what_to_try() -> None:
    shown = _shown(None, *BREAK)
    for words in (
        *("UNSEEN", "never seen before: ua", "PAGE to demo", "FREEZE_ROLLOUT", "after 2 windows"),
        *("vetoed by common_cause", "ROUTE_TO_SAFE_PATH 2013.3 to 2013.2", "acked", "CONTAINED", "--break"),
    ):
        assert words in shown, words


def test_the_end_of_a_quiet_story_says_that_nothing_happened() -> None:
    shown = _shown(None)
    assert "no alert, no command" in shown
    assert "What drifted" not in shown
    assert "a lot happens" in shown


def test_what_did_not_hold_is_said_and_nothing_is_recommended() -> None:
    shown = _shown(None, *BREAK, faults=("the moon is made of cheese",))
    assert "This should not be: the moon is made of cheese." in shown
    assert "What to try next" not in shown


def test_bars_are_as_long_as_shares_are_large() -> None:
    assert [bar(share, 1.0, 8) for share in (0, 1 / 64, 0.5, 1)] == ["", "▏", "████", "████████"]


def test_a_picture_of_many_bins_shows_those_that_moved() -> None:
    finding = told("dest", days=14)[0].worst()["dest"]
    assert len(finding.bins) > 12
    console = Console(file=io.StringIO(), width=100)
    console.print(picture(finding), picture(replace(finding, bins=())))
    assert isinstance(console.file, io.StringIO)
    assert "UNSEEN" in console.file.getvalue()
    assert console.file.getvalue().count("%") == 16
