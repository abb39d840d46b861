"""A report as numbers to watch: what metrics show of a model's newest window."""

from collections.abc import Iterator, Mapping
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.records import OutcomeSection, Report, VersionReport
from kedge.streams.core.instructions import Observation

__all__ = ["Shown"]

_QUANTILES: Final[Mapping[str, str]] = {
    "0.5": "latency_p50_ms",
    "0.95": "latency_p95_ms",
    "0.99": "latency_p99_ms",
}

_OUTCOME_MEASURES: Final = ("coverage", "positive_rate", "accuracy", "brier", "mae")


class Shown:
    """Which windows are shown: an amendment of an old one must not stand where the newest is."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, ...], int] = {}

    def of(self, report: Report | VersionReport) -> Iterator[Observation]:
        """Yield what is to be shown of a report; nothing where a later window was."""
        due = isinstance(report, VersionReport) and report.outcomes_due
        key = (type(report).__name__, report.model, report.version, report.role.value, report.segment, str(due))
        if report.window_end >= self._ends.get(key, 0):
            self._ends[key] = report.window_end
            yield from _measures(report) if isinstance(report, Report) else _version_measures(report)


def _measures(report: Report) -> Iterator[Observation]:
    """Yield a window's verdict, completeness, traffic, errors, latency, each signal's distance; a segment's verdict.

    A signal that could not be compared has no value, and none is made up for it.
    """
    labels = _labels(report)
    if report.segment:
        yield Observation("segment_verdict", {**labels, "segment": report.segment}, Verdict[report.verdict.name])
        return
    yield Observation("window_verdict", labels, Verdict[report.verdict.name])
    yield Observation("window_end_ms", labels, report.window_end)
    yield Observation("window_completeness", labels, report.completeness)
    yield Observation("window_requests", labels, report.requests)
    if report.error_share is not None:
        yield Observation("window_error_share", labels, report.error_share)
    for quantile, name in _QUANTILES.items():
        value: float | None = getattr(report, name)
        if value is not None:
            yield Observation("window_latency_ms", {**labels, "quantile": quantile}, value)
    for finding in report.findings:
        if finding.psi_debiased is not None:
            signal = {**labels, "signal": finding.signal, "kind": finding.kind.value}
            yield Observation("psi_debiased", signal, finding.psi_debiased)


def _version_measures(report: VersionReport) -> Iterator[Observation]:
    """Yield how a version does beside its control, all rows only: traffic, pairs, evidence of harm, and outcomes."""
    if report.segment:
        return
    labels, pairs = _labels(report), report.pairs
    told = {
        "traffic_share": report.traffic_share,
        "disagreement": None if pairs is None else pairs.disagreement_rate,
        "join_rate": None if pairs is None else pairs.join_rate,
    }
    yield from (Observation(name, labels, value) for name, value in told.items() if value is not None)
    for harm in report.harms:
        if harm.log_threshold > 0:
            evidence = harm.log_evidence / harm.log_threshold
            yield Observation("harm_evidence", {**labels, "measure": harm.measure}, evidence)
    for outcome in report.outcomes:
        yield from _outcome_measures(outcome, labels)


def _outcome_measures(outcome: OutcomeSection, labels: Mapping[str, str]) -> Iterator[Observation]:
    for name in _OUTCOME_MEASURES:
        value: float | None = getattr(outcome, name)
        if value is not None:
            yield Observation("outcome", {**labels, "outcome": outcome.outcome, "measure": name}, value)


def _labels(report: Report | VersionReport) -> dict[str, str]:
    return {"model": report.model, "version": report.version, "role": report.role.value}
