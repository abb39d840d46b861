"""`kedge replay`."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import Report, SignalKind
from kedge.schemas.report_json import report_to_json
from kedge.streams.cli.boundary import UserError
from kedge.streams.cli.columns import column_options, data_file, monitor_option, read_monitor, stem
from kedge.streams.cli.options import as_json
from kedge.streams.cli.replay_view import Seen, exit_of, show
from kedge.streams.core.fit import IdLikeError
from kedge.streams.pictures import printable
from kedge.streams.replay import Output, Prepared, Request, prepare
from kedge.streams.replay import replay as replayed
from kedge.streams.tables import Roles, read_frame

__all__ = ["replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """The command's arguments."""

    data: Path
    reference: Path | None
    reference_rows: int | None
    timestamp: str | None
    rows_per_window: int | None
    monitor: Path | None
    score: str | None
    label: str | None
    confidence: str | None
    version: str | None
    role: str | None
    segments: tuple[str, ...]
    ignored: tuple[str, ...]
    allow_id_like: tuple[str, ...] = field(default=())

    def check(self) -> None:
        """Raise a usage error where arguments are missing or contradict each other."""
        if (self.reference is None) == (self.reference_rows is None):
            raise click.UsageError("give either --reference FILE or --reference-rows N: what to compare with")
        if (self.timestamp is None) == (self.rows_per_window is None):
            raise click.UsageError("give either --timestamp COLUMN, or --rows-per-window N for data without time")

    def roles(self, spec: MonitorSpec | None) -> Roles:
        """Return what the columns mean. A monitor has segments of its own."""
        if spec is not None and self.segments:
            raise click.UsageError("the monitor says which columns are segments: leave --segment out")
        return Roles(
            timestamp=self.timestamp,
            score=self.score,
            label=self.label,
            confidence=self.confidence,
            version=self.version,
            role=self.role,
            segments=self.segments if spec is None else tuple(spec.segments),
            ignored=frozenset(self.ignored),
            monitor=spec,
        )


@click.command(short_help="Look back over a file: what would have been reported.")
@data_file
@click.option(
    "--reference",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Rows to compare with.",
)
@click.option(
    "--reference-rows", type=click.IntRange(min=1), metavar="N", help="Compare with the first N rows of DATA."
)
@click.option("--timestamp", metavar="COLUMN", help="When each row was; the monitor's windows apply.")
@click.option(
    "--rows-per-window",
    type=click.IntRange(1, 31_000_000),
    metavar="N",
    help="For data without time: windows of N rows.",
)
@monitor_option
@column_options("score", "label", "confidence", "version", "role", "segments", "ignored", "allow_id_like")
@as_json
@click.pass_context
def replay(ctx: click.Context, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - see _Given
    """Replay the rows of DATA (CSV or Parquet) through the service's own counting and judging, without Kafka.

    Every column that is not named for another role is a feature. Exit code 3 says that a window drifted, 4 that none
    could be judged: fit for a CI gate.
    """
    asked = _Given(**given)
    asked.check()
    errors = Console(stderr=True)
    with errors.status(f"reading {asked.data.name}"):
        prepared = _prepared(asked)
    unknown = _not_compared(prepared)
    if unknown:
        click.echo(f"kedge: not compared, because the reference does not have it: {', '.join(unknown)}", err=True)
    seen = Seen()
    for output in _with_progress(prepared, errors):
        seen.take(output)
        if as_json and isinstance(output, Report):
            click.echo(json.dumps(report_to_json(output), ensure_ascii=False))
    if not as_json:
        show(prepared, seen, asked.data.name)
    ctx.exit(exit_of(seen))


def _prepared(asked: _Given) -> Prepared:
    spec = read_monitor(asked.monitor)
    model = stem(asked.data) if spec is None else spec.model
    roles = asked.roles(spec)
    data = read_frame(asked.data, roles, model)
    reference = None
    if asked.reference is not None:
        reference = read_frame(asked.reference, replace(roles, reference=True), model)
    try:
        return prepare(
            Request(
                data=data,
                reference=reference,
                reference_rows=asked.reference_rows or 0,
                monitor=spec,
                rows_per_window=asked.rows_per_window,
                dataset=(asked.reference or asked.data).name,
                created_at=time.time_ns() // 1_000_000,
                allow_id_like=frozenset(asked.allow_id_like),
            )
        )
    except IdLikeError as error:
        raise UserError(f"{error}: leave them out with --ignore, or keep them with --allow-id-like") from error


def _not_compared(prepared: Prepared) -> list[str]:
    known = {signal.name for signal in prepared.baseline.signals if signal.kind is SignalKind.FEATURE}
    columns = prepared.data.columns
    names = dict.fromkeys((*columns.numbers, *columns.strings))
    return [printable(name) for name in names if name not in known]


def _with_progress(prepared: Prepared, errors: Console) -> Iterator[Output]:
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("replaying", total=prepared.data.rows)
        yield from replayed(prepared, lambda rows: progress.advance(task, rows))
