"""The sections of a monitor file that say what the guard goes by and may do: keys, shapes, contradictions in each."""

from collections.abc import Iterator
from typing import Final

from kedge.schemas.monitor.guard_spec import (
    ActionSpec,
    ActionsSpec,
    AlertWhenSpec,
    ComparisonSpec,
    DrillsSpec,
    Guarded,
    GuardrailSpec,
    GuardrailsSpec,
    Mode,
    PromotionSpec,
    RetrainSpec,
    SafePathSpec,
)
from kedge.schemas.monitor.notes import Problem
from kedge.schemas.monitor.scalars import NAME, SHARE, Choice, Duration, Flag, Number
from kedge.schemas.monitor.shapes import ListOf, MapOf, Section

__all__ = [
    "ACTIONS",
    "ALERT_WHEN",
    "COMPARISON",
    "DRILLS",
    "GUARDRAILS",
    "PROMOTION",
    "RETRAIN",
    "SAFE_PATH",
]

_VERSIONS_MAX: Final = 20
_ACTUATORS_MAX: Final = 20
# Predictions are kept for seven days: what waits for longer could not be counted again.
_HORIZON_MAX_MS: Final = 7 * 86_400_000
# Shares are written in decimal: 0.7 + 0.2 + 0.1 is a little more than 1 or a little less.
_ROUNDING: Final = 1e-9


def _comparison_rules(comparison: ComparisonSpec) -> Iterator[Problem]:
    total = sum(comparison.expected_share.values())
    if total > 1 + _ROUNDING:
        yield Problem("expected_share", f"adds up to {total:g}, expected no more than 1")


COMPARISON: Final = Section(
    ComparisonSpec,
    {
        "tolerance": (Number(0), "Scores that differ by more disagree (0.1)."),
        "join_horizon": (
            Duration(1_000, _HORIZON_MAX_MS),
            "How long answers and outcomes of one request wait for each other (1h); no longer than windows.lateness.",
        ),
        "expected_share": (MapOf(NAME, SHARE, _VERSIONS_MAX), "Version to its share of the traffic."),
        "latency_slo_ms": (Number(0, open=True), "Slower answers are slow, in milliseconds (200)."),
        "sender_share_max": (
            SHARE,
            "Evidence of which one sender (of three or more) has more than this does not move traffic (0.5).",
        ),
    },
    _comparison_rules,
)
_GUARDRAIL: Final = Section(
    GuardrailSpec,
    {
        "bound": (SHARE, "What must not be passed in two consecutive judged windows."),
        "action_on_breach": (Choice.of(Guarded), "What a breach leads to (route_to_safe_path)."),
    },
)
GUARDRAILS: Final = Section(
    GuardrailsSpec,
    {
        "error_rate": (_GUARDRAIL, "Errors by requests."),
        "drift_rate": (_GUARDRAIL, "Importance-weighted share of the watched signals that are DRIFTED."),
        "divergence_rate": (_GUARDRAIL, "Share of pairs that disagree; needs comparison."),
    },
)
_MODE: Final = (
    Choice.of(Mode),
    "off: not even decided; dry_run: nobody is told; advise: people are told; armed: it is done.",
)


def _commanded(default: ActionSpec) -> Section:
    """Return the section of an action that is a command; what is left out is as in `default`."""
    return Section(
        ActionSpec,
        {
            "mode": _MODE,
            "expires_after": (Duration(), "How long the command may be acted on, and a freeze stands unless resumed."),
            "actuators": (ListOf(NAME, 0, _ACTUATORS_MAX), "Who must all acknowledge; any one unless said."),
        },
        base=default,
    )


_DEFAULTS: Final = ActionsSpec()
ACTIONS: Final = Section(
    ActionsSpec,
    {
        # Nobody acknowledges a page, and it does not expire.
        "page_owner": (
            Section(ActionSpec, {"mode": _MODE}, base=_DEFAULTS.page_owner),
            "Tell the owner, then the escalation (armed).",
        ),
        "freeze_rollout": (_commanded(_DEFAULTS.freeze_rollout), "Stop the rollout where it stands (armed, 24h)."),
        "route_to_safe_path": (
            _commanded(_DEFAULTS.route_to_safe_path),
            "Send the traffic to the safe path: the rollback (advise, 10m).",
        ),
        "resume_rollout": (
            _commanded(_DEFAULTS.resume_rollout),
            "End a freeze when an incident without a rollback is over (off, 24h).",
        ),
        "start_shadow": (_commanded(_DEFAULTS.start_shadow), "Ask for a shadow of the candidate (advise, 24h)."),
        "request_retrain": (_commanded(_DEFAULTS.request_retrain), "Ask for a retraining (advise, 24h)."),
    },
)
SAFE_PATH: Final = Section(
    SafePathSpec,
    {
        "version": (NAME, "Where a rollback leads; else the control beside the candidate, else the version before."),
        "standby": (
            Duration(),
            "How long ago a version that serves no more may have had its last healthy window (7d).",
        ),
    },
)
ALERT_WHEN: Final = Section(
    AlertWhenSpec,
    {
        "importance_min": (Number(0, 1_000), "Least importance of a drifted signal that pages (0)."),
        "kpi": (NAME, "An outcome that must have got worse too; where it is not known the page is a ticket."),
    },
)
PROMOTION: Final = Section(
    PromotionSpec,
    {
        "outcome_duration": (Duration(), "For so long its outcomes must have been no worse than the champion's (24h)."),
        "latency_p95_ms_max": (Number(0, open=True), "Greatest 95 % quantile of its latency, in milliseconds (200)."),
        "disagreement_max": (SHARE, "Greatest share of pairs that disagree (0.2)."),
        "segment_change_min": (Number(-1, 1), "Least relative change of the outcome in the worst segment (-0.05)."),
    },
)
RETRAIN: Final = Section(
    RetrainSpec,
    {
        "every": (Duration(), "At most one request in this time (14d)."),
        "after": (Duration(), "A drift of the world that has lasted so long is no blip (24h)."),
    },
)
DRILLS: Final = Section(
    DrillsSpec,
    {
        "every": (Duration(), "How often the way back is rehearsed (7d)."),
        "freeze": (Flag(), "True: an overdue drill freezes the rollout."),
    },
)
