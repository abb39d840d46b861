"""What was measured beside the control, in words: most measures are shares of the rows, some are not."""

from collections.abc import Callable, Mapping
from typing import Final

from kedge.schemas.records import HarmEvidence

__all__ = ["SHIFTED", "harm_words"]

SHIFTED: Final = frozenset(("score", "label"))
"""Measures of the rule `shift`: the debiased PSI of what a version answers, against its baseline."""
_AMOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(SHIFTED, ("PSI ", "")),
    "latency_p95_ms": ("95 % within ", " ms"),
}
"""What stands before and behind a measure that is no share."""


def harm_words(harm: HarmEvidence, share: Callable[[float], str]) -> str:
    """Return both sides of a harm and the rows that they rest on; `share` writes a share.

    >>> harm = HarmEvidence(
    ...     measure="label", version="v2", control="v1", rate=0.275, control_rate=-0.00196, n=206, control_n=472,
    ...     verdict="DRIFTED", reason="",
    ... )
    >>> harm_words(harm, "{:.1%}".format)
    'PSI 0.275 of 206 answers beside -0.00196 of 472'
    """
    before, behind = _AMOUNTS.get(harm.measure, ("", ""))

    def value(rate: float | None) -> str:
        if rate is None:
            return "not known"
        return f"{rate:.3g}{behind}" if harm.measure in _AMOUNTS else share(rate)

    answers = " answers" if harm.measure in _AMOUNTS else ""
    change = "" if harm.change is None else f" ({harm.change:+.1%})"
    ours = f"{before}{value(harm.rate)} of {harm.n:,}{answers}"
    return f"{ours} beside {value(harm.control_rate)} of {harm.control_n:,}{change}"
