"""`kedge monitor`: check, publish, schema."""

import json
from pathlib import Path

import click

from kedge.schemas.monitor import (
    MonitorError,
    MonitorSpec,
    Problem,
    monitor_hash,
    monitor_json_schema,
    parse_monitor,
    to_document,
)
from kedge.schemas.records import Baseline, Monitor
from kedge.streams.announce import Place, announce_monitor
from kedge.streams.cli.baseline import read_baseline
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.options import as_json, codec, kafka_options, signing_key
from kedge.streams.cli.publication import effective_from_option, publication_json, publication_line
from kedge.streams.clock import now_ms
from kedge.streams.core.plan import make_plan
from kedge.streams.settings import KafkaSettings

__all__ = ["monitor"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="What is watched of a model.")
def monitor() -> None:
    """Check and publish monitor files: what is watched of a model, and what becomes of a drift."""


@monitor.command("check", short_help="Find every problem of a monitor file.")
@click.argument("file", type=_FILE)
@click.option("--baseline", type=_FILE, metavar="FILE", help="Also check it against this baseline.")
@as_json
@click.pass_context
def check(ctx: click.Context, /, *, file: Path, baseline: Path | None, as_json: bool) -> None:
    """Check monitor FILE and print every problem with its path."""
    known = None if baseline is None else read_baseline(baseline)
    spec, problems = _checked(file)
    if spec is not None and known is not None:
        problems = _against(spec, known)
    digest = monitor_hash(to_document(spec)) if spec is not None else None
    if as_json:
        told = [{"path": problem.path, "problem": problem.what} for problem in problems]
        click.echo(json.dumps({"file": str(file), "hash": digest, "problems": told}, ensure_ascii=False))
    elif problems:
        click.echo(f"{file}: {len(problems)} problem{'s' * (len(problems) > 1)}")
        for problem in problems:
            click.echo(f"  {problem}")
    else:
        click.echo(f"{file}: well; monitor {digest} of {spec.model if spec else ''}")
    ctx.exit(Exit.FAILED if problems else Exit.WELL)


@monitor.command("publish", short_help="Put a monitor into force.")
@click.argument("file", type=_FILE)
@effective_from_option
@as_json
@kafka_options
def publish(kafka: KafkaSettings, *, file: Path, effective_from: int | None, as_json: bool) -> None:
    """Publish monitor FILE and wait until Kafka has it.

    A model's first monitor acts from the beginning of time, a later one from the next windows on. It is signed with
    the key of KEDGE_SIGNING_KEY_FILE; without one it is published only where KEDGE_TRUST=development is said, because
    workers that trust keys would leave it out.
    """
    spec = parse_monitor(file.read_text(encoding="utf-8", errors="replace"), str(file))
    document = to_document(spec)
    record = Monitor(model=spec.model, hash=monitor_hash(document), effective_from=0, document=document)
    place = Place(kafka=kafka, codec=codec(), signer=signing_key())
    published = announce_monitor(place, record, now_ms=now_ms(), at=effective_from)
    click.echo(publication_json(published) if as_json else publication_line("monitor", published))


@monitor.command("schema", short_help="The file's JSON Schema, for editors.")
def schema() -> None:
    """Print the JSON Schema of monitor files."""
    click.echo(json.dumps(monitor_json_schema(), indent=2))


def _checked(file: Path) -> tuple[MonitorSpec | None, tuple[Problem, ...]]:
    try:
        return parse_monitor(file.read_text(encoding="utf-8"), str(file)), ()
    except UnicodeDecodeError:
        return None, (Problem("", "the file is not UTF-8 text"),)
    except MonitorError as error:
        return None, error.problems


def _against(spec: MonitorSpec, baseline: Baseline) -> tuple[Problem, ...]:
    """Problems of a monitor with the baseline that it is to be used with."""
    if spec.model != baseline.model:
        return (Problem("model", f"is {spec.model!r}, the baseline is of {baseline.model!r}"),)
    plan = make_plan(spec, ("", baseline.hash), baseline)
    features = [Problem(f"features.{name}", reason) for name, reason in plan.unfit.items()]
    counted = {counts.segment for counts in baseline.counts}
    segments = [
        Problem(f"segments.{key}", f"the baseline does not have {key}={value}, or too few rows of it")
        for key, values in spec.segments.items()
        for value in values
        if f"{key}={value}" not in counted
    ]
    return (*features, *segments)
