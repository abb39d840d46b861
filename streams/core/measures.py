"""A report as numbers to watch: what metrics show of a model's newest window."""

from collections.abc import Iterator, Mapping
from typing import Final

from kedge.detectors.verdict import Verdict
from kedge.schemas.records import Report
from kedge.streams.core.instructions import Observation

__all__ = ["measures"]

_QUANTILES: Final[Mapping[str, str]] = {
    "0.5": "latency_p50_ms",
    "0.95": "latency_p95_ms",
    "0.99": "latency_p99_ms",
}


def measures(report: Report) -> Iterator[Observation]:
    """Yield a window's verdict, completeness, traffic, errors, latency, and each signal's distance.

    A signal that could not be compared has no value, and none is made up for it.
    """
    labels = {"model": report.model, "version": report.version, "role": report.role.value}
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
