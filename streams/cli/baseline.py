"""`kedge baseline`: fit, publish, show, diff."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from kedge.detectors.policy import FixedPolicy
from kedge.schemas.codec import MESSAGE_BYTES_MAX, Codec
from kedge.schemas.errors import UndecodableError
from kedge.schemas.monitor import SIGNALS, MonitorSpec
from kedge.schemas.records import Baseline, Provenance, SignalKind
from kedge.streams.announce import Place, announce_baseline
from kedge.streams.cli.baseline_view import baseline_json, differences_json, exit_of, show_baseline, show_differences
from kedge.streams.cli.boundary import UserError
from kedge.streams.cli.columns import column_options, data_file, monitor_option, read_monitor
from kedge.streams.cli.options import as_json, codec, kafka_options
from kedge.streams.cli.publication import effective_from_option, publication_json, publication_line
from kedge.streams.clock import now_ms
from kedge.streams.core.difference import differences
from kedge.streams.core.fit import FitOptions, IdLikeError, fit
from kedge.streams.settings import KafkaSettings
from kedge.streams.tables import Roles, read_frame

__all__ = ["baseline", "read_baseline"]

_BASELINE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE_BYTES_MAX: Final = 1 << 28
"""A file may be larger than a message: it can be looked at, not published."""


@click.group(short_help="What a model was trained on, frozen.")
def baseline() -> None:
    """Fit, publish and look at baselines: what a model was trained on, frozen."""


@baseline.command("fit", short_help="Make a baseline of reference rows.")
@data_file
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to write it.",
)
@monitor_option
@click.option("--model", metavar="NAME", help="The model's name; the monitor has it too.")
@click.option("--model-version", metavar="VERSION", default="", help="Only for this version; else for every one.")
@column_options("score", "label", "confidence", "ignored", "allow_id_like")
@click.option("--dataset", metavar="ID", help="What the rows are called (the file's name).")
@click.option("--git-commit", metavar="COMMIT", help="The code that made them.")
@click.option("--mlflow-run", metavar="RUN", help="The run that trained on them.")
@click.option("--approved-by", metavar="NAME", help="Who stands for it.")
@as_json
def fit_command(**given: Any) -> None:  # noqa: ANN401 - the options above
    """Fit a baseline to the rows of DATA (CSV or Parquet): all columns not named otherwise are features.

    Its bins are fixed by these rows for good. Text columns that look like ids (more than half of their values differ)
    are refused: leave them out, or say that they stay. A feature called score, label or confidence is warned of: it is
    counted as a feature, and the model's own score is not, unless --score names its column. A monitor that names it
    among its features says that it is meant.
    """
    spec = read_monitor(given["monitor"])
    model = given["model"] or (spec and spec.model)
    if not model:
        raise click.UsageError("give --model NAME, or --monitor FILE, which has it")
    if spec is not None and spec.model != model:
        raise click.UsageError(f"the monitor is of {spec.model!r}, --model says {model!r}")
    roles = Roles(
        score=given["score"],
        label=given["label"],
        confidence=given["confidence"],
        segments=() if spec is None else tuple(spec.segments),
        ignored=frozenset(given["ignored"]),
        monitor=spec,
    )
    with Console(stderr=True).status(f"reading {given['data'].name}"):
        rows = read_frame(given["data"], roles, model).columns
    provenance = Provenance(
        dataset=given["dataset"] or given["data"].name,
        rows=rows.rows,
        created_at=now_ms(),
        git_commit=given["git_commit"],
        mlflow_run=given["mlflow_run"],
        approved_by=given["approved_by"],
    )
    options = FitOptions(monitor=spec, allow_id_like=frozenset(given["allow_id_like"]))
    try:
        fitted = fit(replace(rows, version=given["model_version"]), provenance, options)
    except IdLikeError as error:
        raise UserError(f"{error}: leave them out with --ignore, or keep them with --allow-id-like") from error
    _write(given["output"], fitted)
    _warn_of_answers(fitted, spec)
    _told(fitted, given["output"], as_json=given["as_json"])


def _write(path: Path, fitted: Baseline) -> None:
    """Write the whole file or nothing."""
    encoded = Codec(bytes_max=_FILE_BYTES_MAX).encode(fitted)
    if len(encoded) > MESSAGE_BYTES_MAX:
        largest = sorted(fitted.signals, key=lambda signal: -len(signal.rare))[:3]
        names = ", ".join(f"{signal.name} ({len(signal.rare) // 8:,} rare categories)" for signal in largest)
        raise UserError(
            f"the baseline has {len(encoded):,} bytes, and a message at most {MESSAGE_BYTES_MAX:,}: "
            f"leave columns out with --ignore; the largest are {names}"
        )
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(encoded)
    draft.replace(path)


def _warn_of_answers(fitted: Baseline, spec: MonitorSpec | None) -> None:
    """Say which features are called as an answer is: publishers log that as no feature, so that it would be missing."""
    meant = {} if spec is None else spec.features
    for signal in fitted.signals:
        if signal.kind is SignalKind.FEATURE and signal.name in SIGNALS and signal.name not in meant:
            click.echo(
                f"kedge: column {signal.name!r} is fitted as a feature, not as the model's own {signal.name}: if it is "
                f"that, say --{signal.name} {signal.name}; if it is neither, --ignore {signal.name}; if it is a "
                "feature, name it in the monitor's `features`",
                err=True,
            )


def _told(fitted: Baseline, path: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(baseline_json(fitted)))
        return
    segments = len(fitted.counts) - 1
    told = f"{len(fitted.signals)} signals of {fitted.provenance.rows:,} rows"
    click.echo(
        f"{path}: baseline {fitted.hash} of {fitted.model}, {told}" + (f", {segments} segments" * (segments > 0))
    )


@baseline.command("publish", short_help="Put a baseline into force.")
@click.argument("file", type=_BASELINE)
@effective_from_option
@as_json
@kafka_options
def publish(kafka: KafkaSettings, *, file: Path, effective_from: int | None, as_json: bool) -> None:
    """Publish a baseline FILE and wait until Kafka has it.

    The first of a model and version acts from the beginning of time, a later one from the next windows on.
    """
    published = announce_baseline(
        Place(kafka=kafka, codec=codec()), read_baseline(file), now_ms=now_ms(), at=effective_from
    )
    click.echo(publication_json(published) if as_json else publication_line("baseline", published))


@baseline.command("show", short_help="What a baseline holds.")
@click.argument("file", type=_BASELINE)
@as_json
def show(*, file: Path, as_json: bool) -> None:
    """Show a baseline FILE."""
    known = read_baseline(file)
    if as_json:
        click.echo(json.dumps(baseline_json(known), ensure_ascii=False))
    else:
        show_baseline(known)


@baseline.command("diff", short_help="How two baselines differ.")
@click.argument("old", type=_BASELINE)
@click.argument("new", type=_BASELINE)
@as_json
@click.pass_context
def diff(ctx: click.Context, /, *, old: Path, new: Path, as_json: bool) -> None:
    """Compare baseline NEW with baseline OLD, signal by signal, as a window would be.

    NEW's rows are read over OLD's bins, which is exact where the bins are the same and near where not. Exit code 3: a
    signal drifted.
    """
    found = list(differences(read_baseline(old), read_baseline(new), FixedPolicy()))
    if as_json:
        click.echo(json.dumps(differences_json(found), ensure_ascii=False))
    else:
        show_differences(found)
    ctx.exit(exit_of(found))


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file."""
    try:
        return Codec(bytes_max=_FILE_BYTES_MAX).decode(path.read_bytes(), Baseline)
    except UndecodableError as error:
        raise UserError(f"{path} is no baseline, such as `kedge baseline fit` writes ({error})") from error
