"""A finding as it stands in a report: its numbers, and of its values what may be told."""

from dataclasses import replace
from typing import Final

from kedge.detectors.compare import Comparison
from kedge.detectors.finding import Finding
from kedge.schemas import records
from kedge.schemas.monitor import Disclose
from kedge.streams.core.cells import Cell
from kedge.streams.core.plan import PlanSignal

__all__ = ["finding_record", "with_bins_of"]

UNSEEN_TOLD: Final = 10
"""Unseen categories named in a finding; the bin counts all of them."""


def finding_record(finding: Finding, signal: PlanSignal | None, cell: Cell) -> records.Finding:
    """Return what a report says of a finding; `signal` None: it is of no signal's bins."""
    c = finding.comparison
    return records.Finding(
        signal=finding.signal,
        kind=records.FindingKind(finding.kind),
        verdict=records.Verdict(finding.verdict.name),
        cause=records.Cause(finding.cause.value),
        reason=finding.reason,
        n=c.n,
        n_eff=c.n_eff,
        **{name: getattr(c, name) for name in _METRICS},
        missing=c.missing,
        invalid=c.invalid,
        unseen=c.unseen,
        out_of_range=c.out_of_range,
        unseen_categories=() if signal is None else _unseen(cell, signal),
        bins=_bins(c, signal),
    )


def with_bins_of(report: records.Report, signals: int) -> records.Report:
    """Return the report with the bins of so many signals alone, the most drifted."""
    order = sorted(range(len(report.findings)), key=lambda i: (-(report.findings[i].psi_debiased or 0.0), i))
    shown = set(order[:signals])
    findings = (f if i in shown else replace(f, bins=()) for i, f in enumerate(report.findings))
    return replace(report, findings=tuple(findings))


_METRICS: Final = (
    "psi",
    "psi_debiased",
    "kl_current_reference",
    "kl_reference_current",
    "js_distance",
    "ks",
    "ks_error",
    "ks_p_value",
    "chi_square",
    "g_p_value",
    "wasserstein",
    "hellinger",
    "detectable_psi",
)


def _unseen(cell: Cell, signal: PlanSignal) -> tuple[records.UnseenShare, ...]:
    """Unseen categories that may be named, most frequent first."""
    named = [
        records.UnseenShare(name=unseen.name, count=unseen.count)
        for (index, _), unseen in cell.unseen.items()
        if index == signal.index and unseen.name is not None
    ]
    return tuple(sorted(named, key=lambda share: (-share.count, share.name)))[:UNSEEN_TOLD]


def _bins(comparison: Comparison, signal: PlanSignal | None) -> tuple[records.Bin, ...]:
    if signal is None:
        return ()
    hidden = signal.disclose is Disclose.COUNTS
    return tuple(
        records.Bin(
            label=f"bin {i}" if hidden else share.label,
            reference=share.reference,
            current=share.current,
            contribution=share.contribution,
        )
        for i, share in enumerate(comparison.bins)
    )
