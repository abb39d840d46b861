"""What may speak against a rollback that the evidence asks for (guard.md §3): every veto is asked, always.

Each is one function of the case. `stands` withholds the rollback; `clear` says by what it was cleared. Bounds are asked
for as what must hold: a NaN holds none, and clears nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kedge.schemas.records import ControlKind, Note, VersionReport
from kedge.schemas.report_json import iso_time
from kedge.streams.core.guarding.evidence import Proof, Rule
from kedge.streams.core.guarding.history import DAY_MS
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.target import unfit
from kedge.streams.core.guarding.turn import HOLDING, Turn

__all__ = ["VETOES", "RollbackCase", "ask", "lag_ms"]

SAMPLE_RATIO_P: Final = 1e-4
"""Below this probability the traffic is not shared out as the monitor says: whom it went to was not left to chance."""
LAG_WINDOWS: Final = 3
"""Windows that a report may come later than this model's came at best (wall time)."""
SENDERS_MIN: Final = 3
"""With fewer senders one of them always dominates."""
MODELS_MAX: Final = 3
"""Models that may ask within ten minutes before the cause is looked for elsewhere."""


@dataclass(frozen=True, slots=True)
class RollbackCase:
    """What a rollback would be decided on."""

    turn: Turn
    report: VersionReport
    proofs: tuple[Proof, ...]
    target: str

    @property
    def model(self) -> ModelState:
        """The model's state."""
        return self.turn.model

    @property
    def began(self) -> int:
        """Start of the first window of the evidence."""
        return min((proof.began for proof in self.proofs), default=self.report.window_start)


def ask(case: RollbackCase) -> tuple[Note, ...]:
    """Return every veto's answer."""
    return tuple(veto(case) for veto in VETOES)


def lag_ms(turn: Turn, window_end: int, usual_ms: int) -> int:
    """Return how much later a window is told than this model's windows are at best, in wall time.

    `usual_ms`: what it is later by design. Event time may be another day's: only the difference says anything.
    """
    least = turn.model.least_lag_ms
    return 0 if least is None else turn.now_ms - window_end - usual_ms - least


def few_samples(case: RollbackCase) -> Note:
    """Too few effective rows, of the version or of its control."""
    least, report = case.turn.monitor.policy.n_eff_min, case.report
    compared = report.control_kind is not ControlKind.NONE
    few = not report.n_eff >= least or (compared and not report.control_n_eff >= least)
    return _note(
        "few_samples", few, f"{report.n_eff:.4g} effective rows, control {report.control_n_eff:.4g}; {least:g} needed"
    )


def common_cause(case: RollbackCase) -> Note:
    """The control moves too: then it is not the version."""
    report, rail = case.report, case.turn.monitor.guardrails.error_rate
    moved = [c.signal for c in report.contrasts if c.cause == "traffic"]
    by_histogram = {Rule.SHIFT, Rule.HISTORY} & {proof.rule for proof in case.proofs} or any(
        proof.key.signal == "drift_rate" for proof in case.proofs
    )
    control = report.control_error_share
    shares = rail is not None and control is not None and control > rail.bound
    words = f"the control shows the same shift of: {', '.join(moved) or 'nothing'}"
    if shares:
        words += f"; it breaks the bound of the error rate too ({control:.4g})"
    return _note("common_cause", bool(by_histogram and moved) or shares, words)


def pipeline_cause(case: RollbackCase) -> Note:
    """Values are missing, invalid or unseen: what is upstream of every version is broken."""
    report, length = case.report, case.report.window_end - case.report.window_start
    broken = [
        s.version
        for version in (report.version, report.control)
        for s in case.model.of_version(version)
        if s.pipeline and s.window_end >= report.window_end - length
    ]
    return _note("pipeline_cause", bool(broken), f"faults upstream: {', '.join(broken) or 'none'}")


def sample_ratio(case: RollbackCase) -> Note:
    """The traffic is not shared out as expected: whom the version serves is not left to chance."""
    p, report = case.report.sample_ratio_p_value, case.report
    if p is None:
        return _clear("sample_ratio", "no expected share is given")
    return _note(
        "sample_ratio",
        not p >= SAMPLE_RATIO_P,
        f"{_percent(report.traffic_share)} of the traffic, {_percent(report.expected_share)} expected; p {p:.3g}",
    )


def completeness(case: RollbackCase) -> Note:
    """Too much of the window is missing, or it is told too late to be about now."""
    monitor, report = case.turn.monitor, case.report
    least = monitor.policy.completeness_min
    delay = max((o.delay_ms for o in monitor.outcomes.values()), default=0) if report.outcomes_due else 0
    lag, bound = lag_ms(case.turn, report.window_end, delay), LAG_WINDOWS * monitor.windows.length_ms
    late = f"{max(0, lag) // 1_000} s behind, {bound // 1_000} s allowed"
    words = f"completeness {report.completeness:.1%}, {least:.0%} needed; {late}"
    return _note("completeness", not report.completeness >= least or lag > bound, words)


def changed_inside(case: RollbackCase) -> Note:
    """A baseline or a monitor (and with them the schema) changed inside the evidence."""
    report, found = case.report, []
    for version in (report.version, report.control):
        for standing in case.model.of_version(version):
            changed = standing.changed_at
            if changed is not None and case.began < changed < report.window_end:
                found.append(f"{version} {iso_time(changed)}")
    return _note(
        "changed_inside", bool(found), f"changed since {iso_time(case.began)}: {', '.join(found) or 'nothing'}"
    )


def target(case: RollbackCase) -> Note:
    """The safe path is unknown, in breach itself, or not known to stand."""
    bad, words = unfit(case.model, case.turn.monitor, case.report, case.target, case.turn.now_ms)
    return _note("target", bad, words)


def one_sender(case: RollbackCase) -> Note:
    """One sender of several has most of the evidence: it may be the one that is broken, or lies."""
    share, report, most = case.report.largest_sender_share, case.report, case.turn.monitor.compared.sender_share_max
    if share is None:
        return _clear("one_sender", "senders are not told apart")
    dominated = report.senders >= SENDERS_MIN and not share <= most
    return _note("one_sender", dominated, f"{share:.1%} of the rows from one of {report.senders}; {most:.0%} allowed")


def many_models(case: RollbackCase) -> Note:
    """Many models ask within ten minutes: best effort between guards, whose commands may not be read yet."""
    asking = {model for model, _ in case.turn.readings.rollbacks()} | {case.model.model}
    return _note("many_models", len(asking) > MODELS_MAX, f"{len(asking)} within ten minutes, {MODELS_MAX} allowed")


def human_hold(case: RollbackCase) -> Note:
    """A person holds automation, or has not yet looked at what failed."""
    names = [action.value for action in HOLDING if case.turn.held(action)]
    if case.model.failed is not None:
        names.append(f"failed action: {case.model.failed}")
    return _note("human_hold", bool(names), ", ".join(names) or "nobody holds")


def again(case: RollbackCase) -> Note:
    """Traffic was led elsewhere in the last 24 h (wall time), by whomever, or the windows after are waited for."""
    last = [at for at in case.model.rollbacks if at > case.turn.now_ms - DAY_MS]
    words = f"traffic led elsewhere in 24 h, by whomever: {len(last)}; cooldown: {case.model.cooldown} windows left"
    return _note("again", bool(last) or case.model.cooldown > 0, words)


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"


def _note(name: str, stands: bool, evidence: str) -> Note:  # noqa: FBT001 - the answer
    return Note(name=name, result="stands" if stands else "clear", evidence=evidence)


def _clear(name: str, evidence: str) -> Note:
    return Note(name=name, result="clear", evidence=evidence)


VETOES: Final[tuple[Callable[[RollbackCase], Note], ...]] = (
    few_samples,
    common_cause,
    pipeline_cause,
    sample_ratio,
    completeness,
    changed_inside,
    target,
    one_sender,
    many_models,
    human_hold,
    again,
)
"""In the order in which they are logged."""
