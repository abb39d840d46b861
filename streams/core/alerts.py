"""What an alert says: the signals in question and their evidence, read off the report."""

from collections.abc import Collection

from kedge.schemas.records import AlertEvent, Evidence, EvidenceBin, Finding, Report
from kedge.streams.core.guarding.history import SignalKey

__all__ = ["evidence", "summary"]


def evidence(report: Report, signals: Collection[SignalKey]) -> tuple[Evidence, ...]:
    """Return what the report shows of the signals, the most drifted first."""
    names = _names(signals)
    found = [f for f in report.findings if (f.kind.value, f.signal) in names]
    return tuple(_evidence(f) for f in sorted(found, key=_by_drift))


def summary(report: Report, event: AlertEvent, signals: Collection[SignalKey], reason: str) -> str:
    """Return one line for the page: model, what, and why."""
    names = _names(signals)
    found = sorted((f for f in report.findings if (f.kind.value, f.signal) in names), key=_by_drift)
    causes = sorted({f.cause.value.lower() for f in found} - {"none"})
    why = f" ({', '.join(causes)})" if causes else ""
    stream = " ".join(part for part in (report.model, report.version, report.segment) if part)
    return f"{stream}: {event.value.lower()}, {reason}{why}"


def _names(signals: Collection[SignalKey]) -> set[tuple[str, str]]:
    return {(key.kind, key.signal) for key in signals}


def _by_drift(finding: Finding) -> tuple[float, str]:
    return (-(finding.psi_debiased or 0.0), finding.signal)


def _evidence(finding: Finding) -> Evidence:
    return Evidence(
        signal=finding.signal,
        kind=finding.kind.value,
        verdict=finding.verdict.value,
        cause=finding.cause.value,
        reason=finding.reason,
        psi_debiased=finding.psi_debiased,
        bins=tuple(
            EvidenceBin(
                label=b.label,
                reference=b.reference,
                current=b.current,
                contribution=b.contribution,
            )
            for b in finding.bins
        ),
    )
