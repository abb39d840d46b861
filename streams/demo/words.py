"""The story as text: one line a window, a calendar of all of them, and how it ended."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kedge.schemas.records import Alert, AlertEvent, Command, Report, Role, Verdict, VersionReport
from kedge.schemas.report_json import iso_time
from kedge.streams.demo.breaks import BREAKS
from kedge.streams.demo.chapters import chapters
from kedge.streams.demo.picture import picture
from kedge.streams.demo.story import Sent, Story

__all__ = ["calendar", "day", "ending", "version_line", "window_line"]

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


def version_line(report: VersionReport) -> Text | None:
    """Return what came of a shadow's or a canary's window, in a line; None: nothing to tell yet."""
    line = Text(f"{day(report.window_start)}  {report.requests:>5,} by {report.version:<8}  ")
    line.append(f"{report.role.value:<9}", "cyan")
    if report.role is Role.SHADOW and report.pairs is not None and report.outcomes_due:
        share = report.pairs.disagreement_rate or 0.0
        return line.append(f"  disagrees with {report.control} on {share:.0%} of {report.pairs.n} flights")
    harm = next((h for h in report.harms if h.rate is not None and h.control_rate is not None), None)
    if report.role is not Role.CANARY or not report.outcomes_due or harm is None:
        return None
    line.append(f"  right on {harm.rate or 0:.0%}, {report.control} on {harm.control_rate or 0:.0%}; ")
    return line.append(f"evidence of harm {harm.log_evidence:.1f} of {harm.log_threshold:.1f}", _STYLES[report.verdict])


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
        yield _heading("What drifted by the break")
    for name, finding in worst.items():
        line = Text(f"  {name}", "bold red")
        line.append(
            f"  debiased PSI {finding.psi_debiased or 0:.2f}, cause: {finding.cause.value.lower()}", "not bold default"
        )
        yield line
        yield Padding(picture(finding), (0, 0, 0, 2))


def _told(story: Story) -> Iterator[RenderableType]:
    rows = [(alert.timestamp, _alert(alert)) for alert in _newsworthy(story.alerts)]
    rows += [(command.issued_at, _command(story, command)) for command in story.commands.values()]
    if rows:
        yield _heading("What it led to")
        yield _pairs([row for _, row in sorted(rows, key=lambda row: row[0])])


def _newsworthy(alerts: Sequence[Alert]) -> Iterator[Alert]:
    """Yield all but what repeats itself: of a veto that stands for days the first word."""
    told: set[str] = set()
    for alert in alerts:
        if alert.event is not AlertEvent.UPDATED or alert.summary not in told:
            told.add(alert.summary)
            yield alert


def _alert(alert: Alert) -> tuple[Text, Text]:
    text = Text(f"{alert.severity.value} to {alert.owner}: {alert.summary}")
    return Text("alert", "yellow"), text.append(f" (window of {day(alert.window_start)})", "dim")


def _command(story: Story, command: Command) -> tuple[Text, Text]:
    target = f" to {command.target_version}" if command.target_version else ""
    text = Text(f"{command.action.value} {command.from_version}".rstrip() + target, "bold")
    ack = story.acks.get(command.command_id)
    answer = "not answered" if ack is None else ack.result.value.lower()
    return Text("command", "bold red"), text.append(f" (id {command.command_id[:12]}…, {answer})", "not bold dim")


def _pairs(rows: Sequence[tuple[Text, Text]]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2))


def _conclusion(story: Story, sent: Sent, faults: tuple[str, ...]) -> Iterator[RenderableType]:
    yield _heading("What happened")
    for sentence in chapters(story, sent):
        yield Padding(Text(sentence), (0, 0, 0, 2), expand=False)
    for fault in faults:
        yield Padding(Text(f"This should not be: {fault}.", "bold red"), (0, 0, 0, 2), expand=False)


def _next(story: Story, faults: tuple[str, ...]) -> Iterator[RenderableType]:
    if faults:
        return
    other = next(name for name in ("origin", "seats", "carrier") if name not in story.plot.broken)
    tries = {
        f"kedge demo --break {other}": BREAKS[other].what,
        "kedge demo --no-break": "the same six weeks, and nothing happens",
        "kedge replay --help": "your own predictions, CSV or Parquet, without Kafka",
    }
    if not story.plot.broken:
        tries["kedge demo"] = tries.pop("kedge demo --no-break").replace("nothing happens", "a lot happens")
    yield _heading("What to try next")
    yield _pairs([(Text(command, "cyan"), Text(meaning)) for command, meaning in tries.items()])
