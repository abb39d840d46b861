"""`kedge verify-decision`."""

import json

import click
from rich.console import Console

from kedge.schemas.report_json import iso_time
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.people.audit import Audit, find_command, verify
from kedge.streams.pictures import printable
from kedge.streams.settings import KafkaSettings

__all__ = ["verify_decision"]


@click.command("verify-decision", short_help="Decide again what led to a command.")
@click.argument("command_id")
@as_json
@kafka_options
@click.pass_context
def verify_decision(ctx: click.Context, /, kafka: KafkaSettings, *, command_id: str, as_json: bool) -> None:
    """Check that command COMMAND_ID (or its first digits, at least 6) follows from what the guard had taken in.

    Every journal entry of the model, from the first to the one with which the command left, is decided again from its
    inputs (reports, overrides, acknowledgements, as they lie in their topics), the monitors, and what it says was read
    from outside; decision, state and command must be the same, byte for byte. Exit code 1: they are not, and the first
    entry that is not is named.
    """
    place = Place(kafka=kafka, codec=codec())
    command = find_command(place, command_id)
    audit = Audit(command)
    with Console(stderr=True).status("deciding again") as status:
        for audit in verify(place, command):
            status.update(f"deciding again: {audit.entries:,} entries")
    click.echo(json.dumps(_json(audit), ensure_ascii=False) if as_json else _words(audit))
    ctx.exit(Exit.WELL if audit.stands else Exit.FAILED)


def _json(audit: Audit) -> dict[str, object]:
    flaw = audit.flaw
    return {
        "command_id": audit.command.command_id,
        "model": audit.command.model,
        "action": audit.command.action.value,
        "issued_at": iso_time(audit.command.issued_at),
        "stands": audit.stands,
        "entries": audit.entries,
        "decided_at": audit.decided_at,
        "left_at": audit.left_at,
        "flaw": None
        if flaw is None
        else {"sequence": flaw.sequence, "what": flaw.what, "said": flaw.said, "found": flaw.found},
    }


def _words(audit: Audit) -> str:
    command, flaw = audit.command, audit.flaw
    named = f"{command.action.value} of {command.model}, {command.command_id[:16]}"
    if flaw is None:
        return printable(
            f"{named} stands: {audit.entries:,} entries decided again with the same results; decided in entry "
            f"{audit.decided_at}, sent with entry {audit.left_at}"
        )
    differs = f" (it says {flaw.said!r}, found {flaw.found!r})" if flaw.said or flaw.found else ""
    return printable(f"{named} does not stand: entry {flaw.sequence}: {flaw.what}{differs}")
