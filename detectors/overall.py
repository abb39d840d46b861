"""The verdict on a whole window."""

from collections.abc import Sequence

from kedge.detectors.finding import Finding
from kedge.detectors.verdict import Verdict

_NAMED = 5
"""Signals named in a reason; the rest is a number."""


def overall(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    """The worst verdict among the findings that judge anything, and why.

    Where none does, INVALID if any finding is (more data would not help), else INSUFFICIENT. STABLE therefore means
    that at least one signal was judged and none of those judged is worse; a signal that cannot be judged (a constant
    in the baseline, say) does not silence the others, but the reason says that it was left out. A finding of kind
    quality alone never makes a window STABLE: there is one only where a rule is broken.

    That a window is incomplete, lagging or not wholly counted is for the caller to decide first.
    """
    if not findings:
        return Verdict.INVALID, "nothing to judge: neither baseline nor monitor names a signal"
    worst = max(finding.verdict for finding in findings)
    if not worst.judged:
        return _unjudged(findings)
    left_out = [finding for finding in findings if not finding.verdict.judged]
    judged = len(findings) - len(left_out)
    if worst is Verdict.STABLE:
        said = f"{judged} of {len(findings)} signals judged, all stable" if left_out else f"all {judged} signals stable"
    else:
        said = f"{worst.name.lower()}: {_names([finding for finding in findings if finding.verdict is worst])}"
    return worst, said + (f"; not judged: {_names(left_out)}" if left_out else "")


def _unjudged(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    verdict = (
        Verdict.INVALID if any(finding.verdict is Verdict.INVALID for finding in findings) else (Verdict.INSUFFICIENT)
    )
    concerned = [finding for finding in findings if finding.verdict is verdict]
    reasons = sorted({finding.reason for finding in concerned})
    if len(reasons) == 1:
        return verdict, reasons[0]
    return verdict, f"no signal could be judged: {_names(concerned)}"


def _names(findings: Sequence[Finding]) -> str:
    """Signals in order, those past the first few as a number."""
    names = list(dict.fromkeys(finding.signal or finding.kind for finding in findings))
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
