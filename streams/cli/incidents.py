"""`kedge incidents`."""

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kedge.schemas.records import Command, Evidence, HarmEvidence, Verdict
from kedge.schemas.report_json import ack_to_json, alert_to_json, command_to_json, iso_time
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.cli.screen import STYLES, screen
from kedge.streams.cli.since import since_option
from kedge.streams.people.gather import gather
from kedge.streams.people.harm_words import harm_words
from kedge.streams.people.standing import IncidentView, Standing
from kedge.streams.pictures import printable, shifts
from kedge.streams.settings import KafkaSettings

__all__ = ["incidents"]


@click.command(short_help="What is open, why, and what was done.")
@click.argument("model", required=False)
@click.option("--all", "every", is_flag=True, help="Resolved ones too.")
@since_option()
@as_json
@kafka_options
@click.pass_context
def incidents(  # noqa: PLR0913 - one argument an option
    ctx: click.Context, /, kafka: KafkaSettings, *, model: str | None, every: bool, since_ms: int, as_json: bool
) -> None:
    """Show the open incidents of MODEL, or of every model: evidence, harm, vetoes, commands and their answers, owner.

    With --json, one object an incident. Exit code 3: one is open; 4: nothing is known of the model, so that nobody can
    say that none is.
    """
    found = gather(Place(kafka=kafka, codec=codec()), model, since_ms)
    if not any(standing.last for standing in found.values()):
        named = "any model" if model is None else printable(model)
        click.echo(f"kedge: nothing is known of {named} since {iso_time(since_ms)}: is a worker running?", err=True)
        ctx.exit(Exit.NOTHING_JUDGED)
    told = [(s, view) for s in found.values() for view in s.incidents() if every or view.is_open]
    for standing, view in told:
        if as_json:
            click.echo(json.dumps(_json(standing, view), ensure_ascii=False))
        else:
            _show(screen(), standing, view)
    untold = sorted(standing.model for standing in found.values() if standing.is_untold())
    for name in untold:
        words = f"kedge: an incident of {printable(name)} is open, and no alert of it is there any more"
        click.echo(f"{words}: kedge status says more", err=True)
    if not told and not untold and not as_json:
        ended = sum(not view.is_open for s in found.values() for view in s.incidents())
        click.echo("no incident is known" if every else _none_open(ended))
    ctx.exit(Exit.DRIFT if untold or any(view.is_open for _, view in told) else Exit.WELL)


def _none_open(ended: int) -> str:
    return "no incident is open" + (f"; --all shows {ended} that {'is' if ended == 1 else 'are'} over" if ended else "")


def _json(standing: Standing, view: IncidentView) -> dict[str, Any]:
    commands = standing.commands_of(view.incident)
    return {
        "model": standing.model,
        "incident": view.incident,
        "open": view.is_open,
        "opened_at": iso_time(view.opened_at),
        "alerts": [alert_to_json(alert) for alert in view.alerts],
        "commands": [
            {
                **command_to_json(command),
                "end": _end(standing, command),
                "answers": [ack_to_json(ack) for ack in standing.acks.get(command.command_id, ())],
            }
            for command in commands
        ],
    }


def _end(standing: Standing, command: Command) -> str | None:
    ended = standing.ends.get(command.command_id)
    return None if ended is None else ended.end


def _show(console: Console, standing: Standing, view: IncidentView) -> None:
    latest = view.latest
    style = STYLES[Verdict.DRIFTED if view.is_open else Verdict.STABLE]
    words = f"open since {iso_time(view.opened_at)}" if view.is_open else f"resolved {iso_time(latest.timestamp)}"
    heading = f"{standing.model}  incident {view.incident}  {latest.severity.value}  "
    console.print(Text.assemble((printable(heading), "bold"), (words, style)))
    told = Table(box=None, show_header=False, pad_edge=False)
    told.add_column(style="bright_black", no_wrap=True)
    told.add_column()
    for name, text in _lines(standing, view):
        told.add_row(name, Text(printable(text)))
    console.print(told)


def _lines(standing: Standing, view: IncidentView) -> Iterator[tuple[str, str]]:
    latest = view.latest
    for alert in view.alerts:
        yield alert.event.value.lower(), f"{iso_time(alert.timestamp)}  {alert.summary}"
    signals = {(alert.version, signal.signal): signal for alert in view.alerts for signal in alert.signals}
    for (version, _), signal in signals.items():
        yield "evidence", f"{version} {_evidence(signal)}".strip()
    harms = {(harm.version, harm.measure): harm for alert in view.alerts for harm in alert.harms}
    yield from (("harm", _harm(harm)) for harm in harms.values())
    for veto in latest.vetoes:
        if veto.result == "stands":
            yield "veto", f"{veto.name}: {veto.evidence}"
    for command in standing.commands_of(view.incident):
        yield from _command(standing, command)
    yield "owner", latest.owner
    yield "escalation", ", ".join(latest.escalation) or "to nobody"
    yield "runbook", ", ".join(filter(None, (f"docs/runbooks/{latest.subject}.md", latest.runbook_url)))


def _evidence(signal: Evidence) -> str:
    psi = "" if signal.psi_debiased is None else f" (psi {signal.psi_debiased:.2f})"
    moved = ", ".join(shifts(signal.bins, 3)) or signal.reason
    return f"{signal.signal}{psi}, {signal.cause.lower()}: {moved}"


def _harm(harm: HarmEvidence) -> str:
    beside = harm_words(harm, "{:.3%}".format)
    return f"{harm.version} beside {harm.control or 'nothing'}, {harm.measure}: {beside}; {harm.verdict}: {harm.reason}"


def _command(standing: Standing, command: Command) -> Iterator[tuple[str, str]]:
    to = f" to {command.target_version}" if command.target_version else ""
    ended = standing.ends.get(command.command_id)
    end = (
        "open" if ended is None and command.command_id == standing.open_command else "" if ended is None else ended.end
    )
    yield (
        "command",
        f"{iso_time(command.issued_at)}  {command.action.value}{to} {command.command_id[:16]}  {end}".rstrip(),
    )
    for ack in standing.acks.get(command.command_id, ()):
        where = f", stands at {ack.observed_version}" if ack.observed_version else ""
        reason = f" ({ack.reason})" if ack.reason else ""
        yield "answer", f"{iso_time(ack.timestamp)}  {ack.actuator_id}: {ack.result.value}{reason}{where}"
