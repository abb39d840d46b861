"""A version beside its control: how far their answers agree, what came of them, and whether harm is shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from kedge.detectors.wilson import wilson
from kedge.schemas.records import Harm, OutcomeSection, PairSection, Verdict, VersionReport
from kedge.streams.console.charts import Curve, Sample, Threshold, curve
from kedge.streams.console.history import VersionTrack
from kedge.streams.console.words import amount, clock_time, number, share

__all__ = ["AgreementView", "HarmRow", "OutcomeRow", "agreement_of", "harms_of", "outcomes_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView:
    """How the answers of two versions to the same requests agree."""

    version: str
    role: str
    control: str
    window: str
    agreement: str
    interval: str
    pairs: str
    join_rate: str
    sampled: str
    disagreeing: str
    curve: Curve
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """What came of a version's answers; `mature` False: too few are known yet to be like the rest."""

    outcome: str
    version: str
    n: str
    coverage: str
    mature: bool
    measures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmRow:
    """One measure beside the control's."""

    measure: str
    version: str
    rate: str
    control: str
    change: str
    verdict: Verdict
    reason: str
    detectable: str
    windows: str


def agreement_of(track: VersionTrack, report: VersionReport, bound: float | None, now_ms: int) -> AgreementView | None:
    """Return how a version agrees with its control; `bound`: the share of pairs that may disagree; None: no pairs."""
    pairs = report.pairs
    if pairs is None or pairs.disagreement_rate is None:
        return None
    samples = tuple(
        Sample(
            found.window_end,
            found.disagreement,
            Verdict.STABLE,
            f"window that ended at {clock_time(found.window_end, now_ms)}: {share(found.disagreement)} of "
            f"{amount(found.pairs, 'pair')} disagree",
        )
        for found in track.agreements
    )
    bounds = () if bound is None else (Threshold(bound, f"most {share(bound)}", "drift"),)
    return AgreementView(
        version=report.version,
        role=report.role.value,
        control=report.control,
        window=clock_time(report.window_end, now_ms),
        agreement=share(1 - pairs.disagreement_rate),
        interval=_agreement_interval(pairs),
        pairs=f"{pairs.n:,}",
        join_rate=share(pairs.join_rate),
        sampled=share(pairs.sampled_share),
        disagreeing=", ".join(f.feature for f in pairs.features[:3]) or "none stands out",
        curve=curve(samples, bounds),
        samples=samples,
    )


def _agreement_interval(pairs: PairSection) -> str:
    if pairs.disagreement_low is None or pairs.disagreement_high is None:
        return "not known"
    return f"{share(1 - pairs.disagreement_high)} to {share(1 - pairs.disagreement_low)}"


def outcomes_of(report: VersionReport) -> list[OutcomeRow]:
    """Return the outcomes of a version and of its control, side by side."""
    rows = []
    for section in report.outcomes:
        rows.append(_outcome(section, report.version))
        rows += [_outcome(c, report.control) for c in report.control_outcomes if c.outcome == section.outcome]
    return rows


def _outcome(section: OutcomeSection, version: str) -> OutcomeRow:
    return OutcomeRow(
        outcome=section.outcome,
        version=version,
        n=f"{section.n:,}",
        coverage=share(section.coverage),
        mature=section.mature,
        measures="; ".join(_measures(section)) or "none is known",
    )


def _measures(section: OutcomeSection) -> Iterator[str]:
    """Shares with their interval, of n rows; the other measures plain."""
    for name, value in (("positive", section.positive_rate), ("accuracy", section.accuracy)):
        if value is not None:
            interval = wilson(round(value * section.n), section.n)
            ends = "" if interval is None else f" ({share(interval[0])} to {share(interval[1])})"
            yield f"{name} {share(value)}{ends}"
    for name, value in (
        ("AUC", section.auc),
        ("Brier", section.brier),
        ("ECE", section.ece),
        ("log loss", section.log_loss),
        ("MAE", section.mae),
        ("RMSE", section.rmse),
    ):
        if value is not None:
            yield f"{name} {number(value)}"


def harms_of(report: VersionReport) -> list[HarmRow]:
    """Return what is tested for harm."""
    return [_harm(harm, report) for harm in report.harms]


def _harm(harm: Harm, report: VersionReport) -> HarmRow:
    return HarmRow(
        measure=harm.measure,
        version=report.version,
        rate=_rate(harm.rate, harm.events, harm.n),
        control=_rate(harm.control_rate, harm.control_events, harm.control_n),
        change="not known" if harm.change is None else f"{harm.change:+.1%}".replace("%", " %"),
        verdict=harm.verdict,
        reason=harm.reason,
        detectable="not known"
        if harm.detectable_change is None
        else f"{harm.detectable_change:+.1%}".replace("%", " %"),
        windows=number(harm.windows_to_detect),
    )


def _rate(rate: float | None, events: int, n: int) -> str:
    interval = None if rate is None else wilson(events, n)
    ends = "" if interval is None else f" ({share(interval[0])} to {share(interval[1])})"
    return f"{share(rate)}{ends} of {n:,}"
