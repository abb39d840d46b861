"""`kedge status`."""

import json
from collections.abc import Iterator
from typing import Any, Final

import click
from rich.table import Table
from rich.text import Text

from kedge.schemas.monitor import ActionsSpec
from kedge.schemas.records import Verdict
from kedge.schemas.report_json import alert_to_json, command_to_json, iso_time, override_to_json, report_to_json
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.cli.screen import STYLES, screen
from kedge.streams.cli.since import since_option
from kedge.streams.clock import now_ms
from kedge.streams.people.freezes import freeze_of, freeze_words
from kedge.streams.people.gather import gather
from kedge.streams.people.standing import Standing
from kedge.streams.pictures import printable
from kedge.streams.settings import KafkaSettings

__all__ = ["exit_of", "modes", "status"]

_ACTIONS: Final = tuple(ActionsSpec.__dataclass_fields__)
_AMISS: Final = frozenset(("INCIDENT", "AWAIT_ACK", "CONTAINED", "FAILED_ACTION"))
_UNSEEN: Final = frozenset(("WARMUP", "DEGRADED_SENSING"))
_STYLES: Final = {Exit.WELL: Verdict.STABLE, Exit.DRIFT: Verdict.DRIFTED, Exit.NOTHING_JUDGED: Verdict.INSUFFICIENT}


@click.command(short_help="Where models stand.")
@click.argument("model", required=False)
@since_option()
@as_json
@kafka_options
@click.pass_context
def status(ctx: click.Context, /, kafka: KafkaSettings, *, model: str | None, since_ms: int, as_json: bool) -> None:
    """Show where MODEL stands, or every model: state, incident, command, freeze, windows, holds, drill, promotion.

    It is read from the journal and the topics beside it. With --json, one object a model. Exit code 3: an incident is
    open, or an action has failed; 4: nothing is known, or nothing has been judged.
    """
    found, now = gather(Place(kafka=kafka, codec=codec()), model, since_ms), now_ms()
    if not found:
        named = "no model" if model is None else f"nothing of {printable(model)}"
        click.echo(f"kedge: {named} is known since {iso_time(since_ms)}", err=True)
        ctx.exit(Exit.NOTHING_JUDGED)
    if as_json:
        for standing in found.values():
            click.echo(json.dumps(_json(standing, now), ensure_ascii=False))
    elif model is None and len(found) > 1:
        screen().print(_table(found, now))
    else:
        for standing in found.values():
            _show(standing, now)
    exits = {exit_of(standing) for standing in found.values()}
    ctx.exit(next((code for code in (Exit.DRIFT, Exit.NOTHING_JUDGED) if code in exits), Exit.WELL))


def exit_of(standing: Standing) -> Exit:
    """Return what a model's standing means to a script: no data is never well."""
    state = _state(standing)
    if state in _AMISS or standing.open_incident() is not None:
        return Exit.DRIFT
    return Exit.NOTHING_JUDGED if state in _UNSEEN or not standing.judged() else Exit.WELL


def _state(standing: Standing) -> str:
    return "WARMUP" if standing.last is None else standing.last.state_after or "unknown"


def modes(standing: Standing) -> dict[str, str]:
    """Return each action's mode, as the monitor says."""
    actions = None if standing.monitor is None else standing.monitor.actions
    return {} if actions is None else {name: getattr(actions, name).mode.value for name in _ACTIONS}


def _command(standing: Standing) -> str | None:
    return standing.open_command or standing.staged


def _json(standing: Standing, now: int) -> dict[str, Any]:
    view, command, drilled = standing.open_incident(), _command(standing), standing.drilled
    known = None if command is None else standing.commands.get(command)
    return {
        "model": standing.model,
        "state": None if standing.last is None else _state(standing),
        "modes": modes(standing),
        "incident": None if view is None else view.incident,
        "open_command": command,
        "command": None if known is None else command_to_json(known),
        "staged": standing.open_command is None and standing.staged is not None,
        "freeze": _freeze_json(standing, now),
        "windows": [report_to_json(report) for report in standing.windows()],
        "holds": {
            action.value: None if hold is None else override_to_json(hold)
            for action, hold in standing.held(now).items()
        },
        "drill": None
        if drilled is None
        else {"passed": drilled.passed, "at": iso_time(drilled.at), "reason": drilled.words},
        "promotion": {version: alert_to_json(alert) for version, alert in standing.promotions().items()},
        "journal_sequence": None if standing.last is None else standing.last.sequence,
        "journal_at": None if standing.last is None else iso_time(standing.last.timestamp),
    }


def _show(standing: Standing, now: int) -> None:
    console = screen()
    last, style = standing.last, STYLES[_STYLES[exit_of(standing)]]
    console.print(Text.assemble((printable(standing.model), "bold"), "  ", (_state(standing), style)))
    told = Table(box=None, show_header=False, pad_edge=False)
    told.add_column(style="bright_black", no_wrap=True)
    told.add_column()
    for name, text in _lines(standing, now):
        told.add_row(name, Text(printable(text)))
    when = "nothing is journalled" if last is None else f"entry {last.sequence} of {iso_time(last.timestamp)}"
    told.add_row("journal", when)
    console.print(told)


def _lines(standing: Standing, now: int) -> Iterator[tuple[str, str]]:
    yield "modes", ", ".join(f"{name} {mode}" for name, mode in modes(standing).items()) or "no monitor is published"
    view = standing.open_incident()
    if view is None:
        yield "incident", "none open"
    else:
        yield "incident", f"{view.incident}, open since {iso_time(view.opened_at)}: {view.latest.summary}"
    yield "command", _command_line(standing)
    yield "freeze", _freeze_line(standing, now)
    windows = standing.windows()
    if not windows:
        yield "window", "nothing has been reported"
    for report in windows:
        stream = f"{report.version or 'every version'} {report.role.value}"
        span = f"{iso_time(report.window_start)} to {iso_time(report.window_end)[11:]}"
        yield "window", f"{stream}  {span}  {report.verdict.value}: {report.reason}"
    holds = standing.held(now)
    for action, hold in holds.items():
        if hold is None:
            yield "held", f"{action.value}; by whom and until when lies before what was read: give an earlier --since"
        else:
            to = f" {hold.target_version}" if hold.target_version else ""
            yield "held", f"{action.value}{to} by {hold.actor} until {iso_time(hold.expires_at)}: {hold.reason}"
    if not holds:
        yield "held", "by nobody"
    drilled = standing.drilled
    words = "" if drilled is None else f"{'passed' if drilled.passed else 'failed'} {iso_time(drilled.at)}"
    yield "drill", "none is known" if drilled is None else f"{words}: {drilled.words}"
    for version, alert in standing.promotions().items():
        yield "promotion", f"{version}: {alert.summary}"


def _command_line(standing: Standing) -> str:
    command = _command(standing)
    if command is None:
        return "none open"
    known = standing.commands.get(command)
    if known is None:
        return f"{command[:16]} is decided, and leaves once all overrides are read"
    to = f" to {known.target_version}" if known.target_version else ""
    acks = len(standing.acks.get(command, ()))
    drill = "drill " * known.drill
    return f"{drill}{known.action.value}{to} {command[:16]}, until {iso_time(known.expires_at)}, {acks} answers"


def _freeze_json(standing: Standing, now: int) -> dict[str, Any] | None:
    freeze = freeze_of(standing, now)
    if freeze is None:
        return None
    return {
        "stands": True if freeze.stands else None,
        "until": iso_time(freeze.command.expires_at),
        "until_resumed": freeze.kept,
        "called_back": freeze.called_back,
        "command_id": freeze.command.command_id,
        "incident": freeze.command.incident,
    }


def _freeze_line(standing: Standing, now: int) -> str:
    freeze = freeze_of(standing, now)
    return "none stands" if freeze is None else freeze_words(freeze, iso_time(freeze.command.expires_at))


def _table(found: dict[str, Standing], now: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "state", "incident", "command", "newest window", "held", "drill"):
        table.add_column(column)
    for name, standing in found.items():
        view, windows, drilled = standing.open_incident(), standing.windows(), standing.drilled
        newest = max(windows, key=lambda report: report.window_end, default=None)
        table.add_row(
            Text(printable(name)),
            Text(_state(standing), STYLES[_STYLES[exit_of(standing)]]),
            "" if view is None else f"since {iso_time(view.opened_at)}",
            (_command(standing) or "")[:16],
            "none" if newest is None else Text(f"{iso_time(newest.window_end)} {newest.verdict.value}"),
            ", ".join(action.value for action in standing.held(now)),
            "none" if drilled is None else f"{'passed' if drilled.passed else 'failed'} {iso_time(drilled.at)[:10]}",
        )
    return table
