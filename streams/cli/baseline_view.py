"""Baselines, and what two of them differ in, for people and for programs."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from kedge.detectors.verdict import Verdict
from kedge.schemas import records
from kedge.schemas.records import Baseline, GridKind, SignalBaseline
from kedge.schemas.report_json import iso_time
from kedge.streams.cli.boundary import Exit
from kedge.streams.cli.screen import STYLES, screen
from kedge.streams.core.difference import Counts, Difference, signal_counts
from kedge.streams.core.plan import KINDS, grid_of
from kedge.streams.pictures import bars, printable, shifts

__all__ = ["baseline_json", "differences_json", "exit_of", "show_baseline", "show_differences"]

_CATEGORIES_SHOWN = 4


def baseline_json(baseline: Baseline) -> dict[str, Any]:
    """Return a baseline as JSON has it: grids and counts, no rare category."""
    provenance = baseline.provenance
    return {
        "model": baseline.model,
        "version": baseline.version,
        "hash": baseline.hash,
        "effective_from": iso_time(baseline.effective_from),
        "dataset": provenance.dataset,
        "rows": provenance.rows,
        "created_at": iso_time(provenance.created_at),
        "git_commit": provenance.git_commit,
        "mlflow_run": provenance.mlflow_run,
        "approved_by": provenance.approved_by,
        "segments": {counts.segment: counts.rows for counts in baseline.counts if counts.segment},
        "signals": [
            _signal_json(signal, counts)
            for signal, counts in zip(baseline.signals, signal_counts(baseline), strict=True)
        ],
    }


def _signal_json(signal: SignalBaseline, counts: Counts) -> dict[str, Any]:
    grid = grid_of(signal)
    return {
        "signal": signal.name,
        "kind": KINDS[signal.kind],
        "grid": signal.grid.lower(),
        "edges": list(signal.edges),
        "low": signal.low,
        "high": signal.high,
        "categories": list(signal.categories),
        "rare_categories": len(signal.rare) // 8,
        "mean": signal.mean,
        "std": signal.std,
        "missing": int(counts[grid.missing]),
        "invalid": int(counts[grid.invalid]),
        "counts": counts.tolist(),
    }


def show_baseline(baseline: Baseline) -> None:
    """Print a baseline."""
    console, provenance = screen(), baseline.provenance
    version = f" version {baseline.version}" if baseline.version else ", every version"
    made = f"{provenance.rows:,} rows of {provenance.dataset}, {iso_time(provenance.created_at)}"
    console.print(Text(printable(f"{baseline.model}{version}: baseline {baseline.hash} ({made})"), "bold"))
    extra = {"commit": provenance.git_commit, "run": provenance.mlflow_run, "approved by": provenance.approved_by}
    told = ", ".join(f"{name} {value}" for name, value in extra.items() if value)
    if told:
        console.print(Text(printable(told)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("signal", "kind", "bins", "missing", "invalid", "mean", "std", "shape", ""):
        table.add_column(column, justify="right" if column in ("missing", "invalid", "mean", "std") else "left")
    for signal, counts in zip(baseline.signals, signal_counts(baseline), strict=True):
        table.add_row(*_row(signal, counts))
    console.print(table)
    for segment in baseline.counts:
        if segment.segment:
            console.print(Text(f"segment {printable(segment.segment)}: {segment.rows:,} rows"))


def _row(signal: SignalBaseline, counts: Counts) -> list[Text | str]:
    grid, rows = grid_of(signal), max(1, int(counts.sum()))
    shares = [float(counts[grid.decision() == group].sum()) / rows for group in range(len(grid.labels()))]
    if signal.grid is GridKind.CATEGORIES:
        more = len(signal.categories) - _CATEGORIES_SHOWN
        span = ", ".join(signal.categories[:_CATEGORIES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    elif signal.grid is GridKind.QUANTILES:
        span = f"{signal.low:.4g} to {signal.high:.4g}"
    else:
        span = ", ".join(f"{value:.4g}" for value in signal.edges[:_CATEGORIES_SHOWN])
    return [
        Text(printable(signal.name)),
        KINDS[signal.kind],
        signal.grid.lower(),
        f"{counts[grid.missing] / rows:.1%}",
        f"{counts[grid.invalid] / rows:.1%}",
        "" if signal.mean is None else f"{signal.mean:.4g}",
        "" if signal.std is None else f"{signal.std:.4g}",
        Text(bars(shares[:20], max(shares)), "blue"),
        Text(printable(span)),
    ]


def differences_json(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """Return each signal with how far it moved; numbers are null where it cannot be compared."""
    return [
        {
            "signal": difference.signal,
            "kind": difference.kind,
            "verdict": None if difference.finding is None else difference.finding.verdict.name,
            "cause": None if difference.finding is None else difference.finding.cause.value,
            "psi": None if difference.finding is None else difference.finding.comparison.psi,
            "psi_debiased": None if difference.finding is None else difference.finding.comparison.psi_debiased,
            "ks": None if difference.finding is None else difference.finding.comparison.ks,
            "reason": difference.reason or (difference.finding.reason if difference.finding else ""),
        }
        for difference in found
    ]


def show_differences(found: Sequence[Difference]) -> None:
    """Print them, the furthest moved first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("signal", "kind", "verdict", "psi", "what moved"):
        table.add_column(column)
    for difference in sorted(found, key=_distance, reverse=True):
        finding = difference.finding
        if finding is None:
            table.add_row(Text(printable(difference.signal)), difference.kind, "", "", Text(difference.reason))
            continue
        psi, verdict = finding.comparison.psi_debiased, records.Verdict(finding.verdict.name)
        table.add_row(
            Text(printable(difference.signal)),
            difference.kind,
            Text(verdict, STYLES[verdict]),
            "" if psi is None else f"{psi:.3f}",
            Text(", ".join(shifts(finding.comparison.bins, 2)) if finding.verdict > Verdict.STABLE else finding.reason),
        )
    screen().print(table)


def _distance(difference: Difference) -> float:
    finding = difference.finding
    return -1.0 if finding is None else finding.comparison.psi_debiased or 0.0


def exit_of(found: Sequence[Difference]) -> Exit:
    """Return what a comparison's end means."""
    verdicts = {difference.finding.verdict for difference in found if difference.finding is not None}
    if Verdict.DRIFTED in verdicts:
        return Exit.DRIFT
    return Exit.WELL if any(verdict.judged for verdict in verdicts) else Exit.NOTHING_JUDGED
