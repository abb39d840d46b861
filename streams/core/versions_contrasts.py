"""What a version's signals show that its control's do not: the candidate's doing, told from the traffic's."""

from collections.abc import Iterator
from typing import Final

from kedge.detectors import contrast as contrasting
from kedge.detectors.compare import Comparison
from kedge.schemas import records
from kedge.schemas.records import Contrast
from kedge.streams.core.assess import policy_of_signal
from kedge.streams.core.plan import Plan, PlanSignal
from kedge.streams.core.versions_sides import Side, Versus

__all__ = ["CONTRASTS_MAX", "contrasts"]

CONTRASTS_MAX: Final = 200
"""Signals that a report holds, those with the greatest excess; it must fit into a message."""


def contrasts(versus: Versus) -> tuple[Contrast, ...]:
    """Return each signal of both, over all rows; nothing where one side is not of this window, or has no baseline."""
    control = versus.control
    if control is None or versus.segment:
        return ()
    found = list(_contrasts(versus.ours, control))
    first = sorted(range(len(found)), key=lambda i: (-(found[i].excess or 0.0), i))[:CONTRASTS_MAX]
    return tuple(found[i] for i in sorted(first))


def _contrasts(ours: Side, control: Side) -> Iterator[Contrast]:
    if ours.plan is None or control.plan is None:
        return
    theirs = {(signal.kind, signal.name): signal for signal in control.plan.signals}
    for signal in ours.plan.signals:
        other = theirs.get((signal.kind, signal.name))
        candidate = _side(ours, ours.plan, signal)
        beside = None if other is None else _side(control, control.plan, other)
        if candidate is None or beside is None:
            continue
        said = contrasting.contrast(candidate, beside, policy_of_signal(ours.plan.monitor, signal))
        yield Contrast(
            signal=signal.name,
            kind=signal.kind,
            psi=said.psi,
            psi_debiased=said.psi_debiased,
            kl_candidate_control=said.kl_candidate_control,
            ks=said.ks,
            candidate_psi_debiased=said.candidate_psi_debiased,
            control_psi_debiased=said.control_psi_debiased,
            excess=said.excess,
            cause=said.cause.value,
        )


def _side(side: Side, plan: Plan, signal: PlanSignal) -> contrasting.Side | None:
    """One signal's window; compared with its baseline it was for the ordinary report."""
    finding = _finding(side.report, signal)
    if side.content is None or finding is None:
        return None
    compared = Comparison(
        n=finding.n,
        n_eff=finding.n_eff,
        n_reference=plan.references[""][signal.index].n,
        psi_debiased=finding.psi_debiased,
    )
    return contrasting.Side(signal.grid, side.content.cell.counts[signal.where], compared)


def _finding(report: records.Report | None, signal: PlanSignal) -> records.Finding | None:
    found = () if report is None else report.findings
    return next((f for f in found if (f.kind.value, f.signal) == (signal.kind, signal.name)), None)
