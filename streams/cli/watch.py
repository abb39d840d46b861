"""`kedge watch`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click
from rich.text import Text

from kedge.schemas.errors import UndecodableError
from kedge.schemas.records import Alert, AlertEvent, Command, Report, Verdict, VersionReport
from kedge.schemas.report_json import (
    alert_to_json,
    any_report_to_json,
    command_to_json,
    iso_time,
)
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.cli.screen import STYLES, screen
from kedge.streams.names import Topics
from kedge.streams.pictures import printable, shifts
from kedge.streams.reading import follow
from kedge.streams.settings import KafkaSettings

__all__ = ["watch"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One thing that can be watched."""

    topic: str
    record: tuple[type[Report | VersionReport | Alert | Command], ...]
    to_json: Callable[[Any], dict[str, Any]]
    line: Callable[[Any], Text]


def _report_line(report: Report | VersionReport) -> Text:
    control = report.control if isinstance(report, VersionReport) else ""
    beside = f"beside {control}" if control else ""
    stream = " ".join(part for part in (report.model, report.version, report.segment, beside) if part)
    when = f"{iso_time(report.window_start)} to {iso_time(report.window_end)[11:]}"
    revision = f" (revision {report.revision})" if report.revision else ""
    # Of one window two verdicts come, on drift and on harm: neither must be read as the other.
    told = [("harm ", "") if isinstance(report, VersionReport) else "", (report.verdict.value, STYLES[report.verdict])]
    if isinstance(report, VersionReport) and not control and report.verdict is Verdict.STABLE:
        told = ["harm untested"]
    return Text.assemble(
        f"{when}  {printable(stream)}  {report.requests:,} rows  ",
        *told,
        f"  {printable(report.reason)}{revision}",
    )


def _alert_line(alert: Alert) -> Text:
    style = STYLES[Verdict.STABLE if alert.event is AlertEvent.RESOLVED else Verdict.DRIFTED]
    evidence = [f"{signal.signal}: {', '.join(shifts(signal.bins, 2)) or signal.reason}" for signal in alert.signals]
    told = f"{alert.severity} for {alert.owner}, {alert.subject}: {alert.summary}"
    return Text.assemble(("alert  ", style), printable(f"{iso_time(alert.timestamp)}  {'; '.join([told, *evidence])}"))


def _command_line(command: Command) -> Text:
    until = iso_time(command.expires_at)
    source, target = command.from_version, command.target_version
    stream = (command.model, "from" if source and target else "", source, "to" if target else "", target)
    named = f"{command.action} {command.command_id[:16]} of {' '.join(filter(None, stream))}"
    told = f"{iso_time(command.issued_at)}  {named}, until {until} (incident {command.incident})"
    return Text.assemble(("command  ", STYLES[Verdict.DRIFTED]), printable(told))


_KINDS: Final[Mapping[str, _Kind]] = {
    "reports": _Kind("reports", (Report, VersionReport), any_report_to_json, _report_line),
    "alerts": _Kind("alerts", (Alert,), alert_to_json, _alert_line),
    "commands": _Kind("control", (Command,), command_to_json, _command_line),
}


@click.command(short_help="Reports, alerts and commands as they come.")
@click.argument("kinds", nargs=-1, type=click.Choice(list(_KINDS)), metavar="[reports|alerts|commands]…")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest that is kept, not with the next.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", help="Stop after N records.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop when nothing has come for so long.",
)
@as_json
@kafka_options
@click.pass_context
def watch(  # noqa: PLR0913 - one argument an option
    ctx: click.Context,
    /,
    kafka: KafkaSettings,
    *,
    kinds: tuple[str, ...],
    from_beginning: bool,
    most: int | None,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    """Print reports, alerts and commands as they come, or those kinds that are named; Ctrl-C ends it.

    With --json, one object a line: a report has `findings`, a version's report `harms`, an alert `alert_id`,
    a command `command_id`. Exit code 4:
    nothing came before the timeout.
    """
    topics, shared, console = Topics(kafka.environment), codec(), screen()
    wanted = {topics.of(_KINDS[name].topic): _KINDS[name] for name in kinds or _KINDS}
    printed = 0
    try:
        for message in follow(kafka, list(wanted), from_beginning=from_beginning, timeout_s=timeout_s):
            kind = wanted[message.topic() or ""]
            try:
                record = shared.decode(message.value() or b"", kind.record)
            except UndecodableError as error:
                where = f"{message.topic()}/{message.partition()} at offset {message.offset()}"
                click.echo(f"kedge: {where}: {error}", err=True)
                continue
            if as_json:
                click.echo(json.dumps(kind.to_json(record), ensure_ascii=False))
            else:
                console.print(kind.line(record), soft_wrap=True)
            printed += 1
            if printed == most:
                break
    except KeyboardInterrupt:
        ctx.exit(Exit.WELL)
    if not printed:
        click.echo(f"kedge: nothing came in {timeout_s:g} s", err=True)
    ctx.exit(Exit.WELL if printed else Exit.NOTHING_JUDGED)
