"""The story as text: one line a window, a calendar of all of them, and how it ended."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kedge.schemas.monitor import PolicySpec
from kedge.schemas.records import Alert, Command, Report, Verdict
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.picture import picture
from kedge.streams.demo.setting import DAY_MS
from kedge.streams.demo.story import Sent, Story

__all__ = ["calendar", "day", "ending", "window_line"]

_STYLES: Final = {
    Verdict.STABLE: "green",
    Verdict.WARNING: "yellow",
    Verdict.DRIFTED: "bold red",
    Verdict.INSUFFICIENT: "dim",
    Verdict.INVALID: "magenta",
}
_WEEK: Final = 7


def day(timestamp_ms: int) -> str:
    """Return the day of an event time.

    >>> day(1_372_636_800_000)
    '2013-07-01'
    """
    return iso_time(timestamp_ms)[:10]


def window_line(report: Report) -> Text:
    """Return what a report says, in a line."""
    line = Text(f"{day(report.window_start)}  {report.requests:>5,} predictions  ")
    line.append(f"{report.verdict.value:<9}", _STYLES[report.verdict])
    drifted = [f for f in report.findings if f.verdict is Verdict.DRIFTED]
    ranked = sorted(report.findings, key=lambda f: -(f.psi_debiased or 0.0))
    if drifted:
        told = [f"{f.signal} {f.psi_debiased or 0:.2f} {f.cause.value.lower()}" for f in ranked if f in drifted]
        return line.append("  " + ", ".join(told))
    if not ranked or ranked[0].psi_debiased is None:
        return line.append(f"  {report.reason}")
    return line.append(f"  largest shift {ranked[0].signal} {max(0.0, ranked[0].psi_debiased):.2f}", "dim")


def calendar(story: Story) -> Text:
    """Return a row for each week: a square for each day, as its window was judged; a dot where it was not yet."""
    text = Text()
    days = story.plot.starts
    for first in range(0, len(days), _WEEK):
        text.append(f"  {day(days[first])}  ", "dim")
        for start in days[first : first + _WEEK]:
            report = story.windows.get(start)
            text.append("· " if report is None else "■ ", "dim" if report is None else _STYLES[report.verdict])
        shown = [story.windows[start] for start in days[first : first + _WEEK] if start in story.windows]
        text.append(f" {_week(shown)}\n" if shown else "\n")
    text.rstrip()
    return text


def ending(story: Story, sent: Sent, faults: tuple[str, ...]) -> RenderableType:
    """Return what happened and what to try next."""
    return Group(*_drifted(story), *_told(story), *_conclusion(story, sent, faults), *_next(story, faults))


def _week(reports: list[Report]) -> str:
    rows = sum(report.requests for report in reports)
    drifted = sum(report.verdict is Verdict.DRIFTED for report in reports)
    return f"{rows:>5,} predictions" + (f", {drifted} of {len(reports)} windows drifted" if drifted else "")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _drifted(story: Story) -> Iterator[RenderableType]:
    worst = story.worst()
    if worst:
        yield _heading("What drifted")
    for name, finding in worst.items():
        line = Text(f"  {name}", "bold red")
        line.append(
            f"  debiased PSI {finding.psi_debiased or 0:.2f}, cause: {finding.cause.value.lower()}", "not bold default"
        )
        yield line
        yield Padding(picture(finding), (0, 0, 0, 2))


def _told(story: Story) -> Iterator[RenderableType]:
    rows = [*map(_alert, story.alerts), *map(_command, story.commands.values())]
    if rows:
        yield _heading("What it led to")
        yield _pairs(rows)


def _alert(alert: Alert) -> tuple[Text, Text]:
    text = Text(f"{alert.severity.value} to {alert.owner}: {alert.summary}")
    return Text("alert", "yellow"), text.append(f" (window of {day(alert.window_start)})", "dim")


def _command(command: Command) -> tuple[Text, Text]:
    text = Text(f"{command.action.value} {command.model} {command.from_version}", "bold")
    expires = iso_time(command.expires_at)[:16]
    return Text("command", "bold red"), text.append(
        f" (id {command.command_id[:12]}…, until {expires}Z)", "not bold dim"
    )


def _pairs(rows: Sequence[tuple[Text, Text]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2))


def _conclusion(story: Story, sent: Sent, faults: tuple[str, ...]) -> Iterator[RenderableType]:
    yield _heading("What happened")
    counted = sum(story.windows[start].requests for start in story.plot.starts if start in story.windows)
    policy = PolicySpec()  # the demo's monitor file leaves it as it is
    sentences = [
        (
            f"{sent.logged:,} predictions went through publisher, Kafka and worker. {counted:,} lie in the "
            f"{len(story.windows)} windows that were reported, the rest in the one still open."
        ),
        (
            f"{'Before the break' if story.plot.broken else 'All the time'} the largest debiased PSI of any signal in "
            f"any window was {story.largest_natural_psi():.2f}; a warning takes {policy.warn:g}, a drift "
            f"{policy.drift:g}, an incident {policy.breaches} drifted windows of {policy.windows}."
        ),
    ]
    for sentence in (*sentences, *_course(story)):
        yield Padding(Text(sentence), (0, 0, 0, 2), expand=False)
    for fault in faults:
        yield Padding(Text(f"This should not be: {fault}.", "bold red"), (0, 0, 0, 2), expand=False)


def _course(story: Story) -> Iterator[str]:
    first = story.first_breach
    if not story.plot.broken and first is None:
        yield "Nothing was broken and nothing drifted: no alert, no command."
    if not story.plot.broken or first is None:
        return
    yield (
        f"The break came on {iso_time(story.plot.broken_at)[:16]}Z. The first window that drifted is that of "
        f"{day(first.window_start)}; the rollout was frozen after {_windows_until(story)}."
    )
    if "score" not in story.worst():
        yield "The model's score did not drift with its inputs: who watches the score alone would not have known."


def _windows_until(story: Story) -> str:
    first = story.first_breach
    if first is None or not story.alerts:
        return "no window at all"
    windows = (story.alerts[0].window_start - first.window_start) // DAY_MS + 1
    return "one window" if windows == 1 else f"{windows} windows"


def _next(story: Story, faults: tuple[str, ...]) -> Iterator[RenderableType]:
    if faults:
        return
    other = next(name for name in ("origin", "seats", "carrier") if name not in story.plot.broken)
    tries = {
        f"kedge demo --break {other}": BREAKS[other].what,
        "kedge demo --no-break": "the same eight weeks, and nothing goes wrong",
        "kedge replay --help": "your own predictions, CSV or Parquet, without Kafka",
    }
    if not story.plot.broken:
        tries["kedge demo"] = tries.pop("kedge demo --no-break").replace("nothing goes wrong", "two features break")
    yield _heading("What to try next")
    yield _pairs([(Text(command, "cyan"), Text(meaning)) for command, meaning in tries.items()])
