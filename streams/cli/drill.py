"""`kedge drill`."""

import json
import uuid
from pathlib import Path
from typing import Final

import click

from kedge.schemas.records import OverrideAction
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import Exit, UserError
from kedge.streams.cli.options import as_json, codec, kafka_options, signing_key
from kedge.streams.cli.override import word_options
from kedge.streams.clock import now_ms
from kedge.streams.core.guarding.rehearse import DRILL_MS, FAULTS
from kedge.streams.people.drills import LONGEST_S, Course, evidence, follow_drill
from kedge.streams.people.overrides import Word, send, signed
from kedge.streams.pictures import printable
from kedge.streams.settings import KafkaSettings

__all__ = ["drill"]

_SHOWN: Final = 16


@click.command(short_help="Rehearse one failure, and keep the evidence.")
@word_options
@click.option("--fault", type=click.Choice(list(FAULTS)), required=True, help="What to inject.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to write the evidence (JSON)."
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, max=LONGEST_S),
    default=LONGEST_S,
    show_default=True,
    metavar="SECONDS",
    help="How long to follow it, at most a minute of it unanswered; the guard ends it after 15 minutes by itself.",
)
@as_json
@kafka_options
@click.pass_context
def drill(  # noqa: PLR0913 - one argument an option
    ctx: click.Context,
    /,
    kafka: KafkaSettings,
    *,
    model: str,
    actor: str,
    reason: str,
    fault: str,
    out: Path | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Rehearse a rollback of MODEL: inject one failure, and follow the real path until a router has acknowledged it.

    Everything of it is marked as a drill inside what is signed: routers go all the way and change nothing. The evidence
    has the injected metric, the journal's lines, the trace id, the exact command, the owner, the answers, the vetoes
    that would stand in earnest, and how many seconds each step took. Exit code 0: acknowledged, and only then.
    """
    if out is not None:
        _must_be_writable(out)
    word = Word(model=model, action=OverrideAction.DRILL, actor=actor, reason=reason, lasts_ms=DRILL_MS, fault=fault)
    signer = signing_key()
    record = signed(word, signer, environment=kafka.environment, override_id=uuid.uuid4().hex, now_ms=now_ms())
    place = Place(kafka=kafka, codec=codec())
    sent = send(place, record)
    click.echo(f"drill {record.override_id}: {fault} of {printable(model)}, by {printable(actor)}", err=True)
    course, shown = Course(sent), 0
    for course in follow_drill(place, sent, timeout_s):
        shown = _tell(course, shown)
    bundle = evidence(course)
    if out is not None:
        out.write_text(json.dumps(bundle, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(f"kedge: the evidence is in {out}", err=True)
    if as_json:
        click.echo(json.dumps(bundle, ensure_ascii=False))
    else:
        click.echo(_ending(course))
    ctx.exit(Exit.WELL if course.passed else Exit.FAILED)


def _must_be_writable(out: Path) -> None:
    """Find out now: a drill whose evidence is lost has to be done again."""
    fresh = not out.exists()
    try:
        out.open("a", encoding="utf-8").close()  # what it holds stays until there is something to put in its place
        if fresh:
            out.unlink()
    except OSError as error:
        words = f"{out} cannot be written ({error.strerror}), so that no drill was sent"
        raise UserError(f"{words}: give --out another path, or keep what --json prints") from error


def _tell(course: Course, shown: int) -> int:
    """Print what has come since; returns how many entries are shown now."""
    for entry in course.entries[shown:]:
        click.echo(f"  {entry.decision}: {printable(entry.reason)}", err=True)
    return len(course.entries)


def _ending(course: Course) -> str:
    if course.answer is None:
        return "nobody has answered: is a worker running? A guard that starts within 15 minutes still begins it"
    if not course.answer.taken:
        return f"refused: {printable(course.answer.entry.reason)}"
    if course.passed is None:
        return "not over yet: the guard goes on without us; `kedge status` will know"
    command = "no command" if course.command is None else f"command {course.command.command_id[:_SHOWN]}"
    acks = ", ".join(f"{ack.actuator_id} {ack.result.value}" for ack in course.acks) or "no answer"
    ended = printable(course.entries[-1].reason)
    return f"{'passed' if course.passed else 'failed'}: {command}, {printable(acks)}, trace {course.trace}: {ended}"
