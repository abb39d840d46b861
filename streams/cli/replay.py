"""`kedge replay`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import Report, SignalKind, VersionReport
from kedge.schemas.report_json import any_report_to_json, iso_time
from kedge.streams.announce import Place
from kedge.streams.cli.boundary import UserError
from kedge.streams.cli.columns import column_options, monitor_option, read_monitor, stem
from kedge.streams.cli.options import as_json, cluster_options, codec, kafka_settings
from kedge.streams.cli.publication import TimeType
from kedge.streams.cli.replay_view import Seen, exit_of, heading_of, show
from kedge.streams.clock import now_ms
from kedge.streams.core.fit import IdLikeError
from kedge.streams.pictures import printable
from kedge.streams.replay import Output, Prepared, Request, prepare, replay_range
from kedge.streams.replay import replay as replayed
from kedge.streams.tables import Roles, read_frame

__all__ = ["replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """The command's arguments."""

    data: Path | None
    from_kafka: tuple[int, int] | None
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
    request_id: str | None
    outcome: str | None
    segments: tuple[str, ...]
    ignored: tuple[str, ...]
    allow_id_like: tuple[str, ...] = field(default=())

    def check(self) -> None:
        """Raise a usage error where arguments are missing or contradict each other."""
        if (self.data is None) == (self.from_kafka is None):
            raise click.UsageError("give either DATA, a file, or --from-kafka FROM..TO")
        if self.from_kafka is not None:
            self._check_alone()
            return
        if (self.reference is None) == (self.reference_rows is None):
            raise click.UsageError("give either --reference FILE or --reference-rows N: what to compare with")
        if (self.timestamp is None) == (self.rows_per_window is None):
            raise click.UsageError("give either --timestamp COLUMN, or --rows-per-window N for data without time")

    def _check_alone(self) -> None:
        """Of Kafka's records everything is known: what is published says how they are judged."""
        apart = [name for name in self.__slots__ if getattr(self, name) and name != "from_kafka"]
        if apart:
            option = "--" + apart[0].replace("_", "-")
            raise click.UsageError(f"{option} is for files: leave it out with --from-kafka")

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
            request_id=self.request_id,
            outcome=self.outcome,
            segments=self.segments if spec is None else tuple(spec.segments),
            ignored=frozenset(self.ignored),
            monitor=spec,
        )


class _Range(click.ParamType):
    """FROM..TO, two times; as milliseconds since 1970."""

    name = "range"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[int, int]:
        """Return both."""
        first, dots, last = str(value).partition("..")
        if not dots:
            self.fail(f"{value!r} is no range, such as 2026-11-20T10:00Z..2026-11-20T12:00Z", param, ctx)
        start, stop = (TimeType().convert(text, param, ctx) for text in (first, last))
        if start >= stop:
            self.fail(f"{value!r} ends before it begins", param, ctx)
        return start, stop


@click.command(short_help="Look back over a file or a range of Kafka: what would have been reported.")
@click.argument("data", required=False, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--from-kafka",
    type=_Range(),
    metavar="FROM..TO",
    help="Instead of DATA: what was appended to the environment's topics between two times.",
)
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
@column_options("score", "label", "confidence", "version", "role", "request_id", "outcome")
@column_options("segments", "ignored", "allow_id_like")
@cluster_options
@as_json
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    *,
    as_json: bool,
    brokers: str | None,
    environment: str | None,
    **given: Any,  # noqa: ANN401
) -> None:
    """Replay the rows of DATA (CSV or Parquet) through the service's own counting and judging, without Kafka.

    Every column that is not named for another role is a feature. With --from-kafka the same is done with predictions
    and outcomes of an environment, by what is published there now; nothing is ever written to it. Exit code 3 says that
    a window drifted or a version does harm, 4 that nothing could be judged: fit for a CI gate.
    """
    asked = _Given(**given)
    asked.check()
    errors = Console(stderr=True)
    if asked.data is None:
        place = Place(kafka=kafka_settings(brokers, environment), codec=codec())
        seen = _seen(_of_range(place, asked.from_kafka or (0, 0), errors), as_json=as_json)
        if not as_json:
            start, stop = (iso_time(time) for time in asked.from_kafka or (0, 0))
            show(seen, f"{place.kafka.environment}: what was appended from {start} to {stop}")
        ctx.exit(exit_of(seen))
    with errors.status(f"reading {asked.data.name}"):
        prepared = _prepared(asked, asked.data)
    unknown = _not_compared(prepared)
    if unknown:
        click.echo(f"kedge: not compared, because the reference does not have it: {', '.join(unknown)}", err=True)
    seen = _seen(_with_progress(prepared, errors), as_json=as_json)
    if not as_json:
        show(seen, heading_of(prepared, asked.data.name), prepared)
    ctx.exit(exit_of(seen))


def _seen(outputs: Iterable[Output], *, as_json: bool) -> Seen:
    """Gather what comes out, and print the reports as they come where JSON is wanted."""
    seen = Seen()
    for output in outputs:
        seen.take(output)
        if as_json and isinstance(output, Report | VersionReport):
            click.echo(json.dumps(any_report_to_json(output), ensure_ascii=False))
    return seen


def _of_range(place: Place, bounds: tuple[int, int], errors: Console) -> Iterator[Output]:
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("replaying", total=None)
        yield from replay_range(place, *bounds, lambda records: progress.advance(task, records))


def _prepared(asked: _Given, path: Path) -> Prepared:
    spec = read_monitor(asked.monitor)
    model = stem(path) if spec is None else spec.model
    roles = asked.roles(spec)
    data = read_frame(path, roles, model)
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
                dataset=(asked.reference or path).name,
                created_at=now_ms(),
                allow_id_like=frozenset(asked.allow_id_like),
                outcome=asked.outcome or "",
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
