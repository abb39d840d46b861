"""The monitor file: its sections, and what of one contradicts another."""

from collections.abc import Iterator, Mapping
from typing import Final

from kedge.schemas.monitor.guard_layout import (
    ACTIONS,
    ALERT_WHEN,
    COMPARISON,
    DRILLS,
    GUARDRAILS,
    PROMOTION,
    RETRAIN,
    SAFE_PATH,
)
from kedge.schemas.monitor.guard_spec import GuardrailSpec, Mode, Risk
from kedge.schemas.monitor.notes import Problem, join
from kedge.schemas.monitor.outcome_layout import OUTCOMES, SEQUENTIAL
from kedge.schemas.monitor.scalars import NAME, Choice, Date, Number, Text, Whole
from kedge.schemas.monitor.shapes import ListOf, MapOf, Section
from kedge.schemas.monitor.spec import MonitorSpec
from kedge.schemas.monitor.watch_layout import FEATURE, POLICY, SIGNAL, VOLUME, WINDOWS, threshold_problems
from kedge.schemas.monitor.watch_spec import CATEGORY_METRICS, SIGNALS, FeatureType, PolicyOverride

__all__ = ["MONITOR"]

_FEATURES_MAX: Final = 1_000
_SEGMENT_KEYS_MAX: Final = 10
_SEGMENT_VALUES_MAX: Final = 20
_OTHER: Final = "other"
# A segment is written key=value.
_SEGMENT_KEY: Final = Text(200, "^[^=]+$", "a name without =")
_SEQUENCES: Final = ("score", "errors")
"""What a detector may follow besides outcomes."""


def _segment_rules(segments: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    for key, values in segments.items():
        if _OTHER in values:
            yield Problem(join("segments", key), f"{_OTHER} is what every value not listed is called")


def _signal_policy_rules(spec: MonitorSpec) -> Iterator[Problem]:
    """Overrides, seen together with the policy that they override."""
    parts: list[tuple[str, PolicyOverride | None, bool]] = [
        (join("features", name), feature.policy, feature.type is FeatureType.CATEGORICAL)
        for name, feature in spec.features.items()
    ]
    parts += [
        (f"signals.{name}", spec.signal(name).policy, name == "label") for name in SIGNALS if spec.signal(name).enabled
    ]
    for path, override, categories in parts:
        policy = spec.policy.overridden(override)
        if override is not None:
            yield from threshold_problems(policy, f"{path}.policy")
        if categories and policy.metric not in CATEGORY_METRICS:
            known = ", ".join(CATEGORY_METRICS)
            yield Problem(f"{path}.policy", f"{policy.metric} is not known of categories, expected one of {known}")


def _time_rules(spec: MonitorSpec) -> Iterator[Problem]:
    """What waits for what: outcomes for their windows, answers for each other, late events for their report."""
    if not spec.joins:
        return
    horizon_ms, lateness_ms = spec.compared.join_horizon_ms, spec.windows.lateness_ms
    if horizon_ms > lateness_ms:
        yield Problem("comparison.join_horizon", _more(horizon_ms, "windows.lateness", lateness_ms))
    for name, outcome in spec.outcomes.items():
        at = join("outcomes", name)
        if outcome.delay_ms > horizon_ms:
            yield Problem(f"{at}.delay", _more(outcome.delay_ms, "comparison.join_horizon", horizon_ms))
        if outcome.label_horizon_ms is not None and outcome.label_horizon_ms <= horizon_ms:
            yield Problem(f"{at}.label_horizon", f"expected more than comparison.join_horizon ({horizon_ms // 1_000}s)")


def _more(given_ms: int, name: str, bound_ms: int) -> str:
    return f"is {given_ms // 1_000}s, expected no more than {name} ({bound_ms // 1_000}s)"


def _name_rules(spec: MonitorSpec) -> Iterator[Problem]:
    """Names of outcomes, where they are given and where they are used."""
    for name in spec.outcomes:
        if name in _SEQUENCES:
            yield Problem(join("outcomes", name), f"{name} is what the model's own {name} are called, expected another")
    known = (*_SEQUENCES, *spec.outcomes)
    followed = [(sequence.detector, sequence.signal) for sequence in spec.sequential]
    for place, (detector, signal) in enumerate(followed):
        if signal not in known:
            yield Problem(f"sequential[{place}].signal", f"is {signal!r}, expected one of {', '.join(known)}")
        if (detector, signal) in followed[:place]:
            yield Problem(f"sequential[{place}]", f"{detector} on {signal} twice")
    kpi = spec.alert_when.kpi
    if kpi is not None and kpi not in spec.outcomes:
        outcomes = f"one of {', '.join(spec.outcomes)}" if spec.outcomes else "an outcome, and there are none"
        yield Problem("alert_when.kpi", f"is {kpi!r}, expected {outcomes}")


def _guardrails(spec: MonitorSpec) -> dict[str, GuardrailSpec]:
    """Return those that the owner has opted in to."""
    bounds = spec.guardrails
    named = {
        "error_rate": bounds.error_rate,
        "drift_rate": bounds.drift_rate,
        "divergence_rate": bounds.divergence_rate,
    }
    return {name: guardrail for name, guardrail in named.items() if guardrail is not None}


def _action_rules(spec: MonitorSpec) -> Iterator[Problem]:
    """What is asked for and cannot come about."""
    for name, guardrail in _guardrails(spec).items():
        action = guardrail.action_on_breach
        if getattr(spec.actions, action).mode is Mode.OFF:
            yield Problem(f"guardrails.{name}.action_on_breach", f"actions.{action} is off: a breach would do nothing")
    if spec.guardrails.divergence_rate is not None and spec.comparison is None:
        yield Problem("guardrails.divergence_rate", "needs comparison: without it answers are not paired")
    if spec.drills.freeze and spec.actions.freeze_rollout.mode is Mode.OFF:
        yield Problem("drills.freeze", "actions.freeze_rollout is off")
    if spec.risk is Risk.COMPLIANCE and spec.actions.page_owner.mode is not Mode.ARMED:
        mode = spec.actions.page_owner.mode
        yield Problem("actions.page_owner.mode", f"is {mode}, expected armed: nobody can suppress a compliance page")


def _monitor_rules(spec: MonitorSpec) -> Iterator[Problem]:
    yield from _segment_rules(spec.segments)
    yield from _signal_policy_rules(spec)
    yield from _time_rules(spec)
    yield from _name_rules(spec)
    yield from _action_rules(spec)


MONITOR: Final = Section(
    MonitorSpec,
    {
        "model": (NAME, "The model's name, as predictions carry it."),
        "owner": (NAME, "Who is paged: a team or a person."),
        "escalation": (ListOf(NAME, 0, 20), "Who comes after the owner, in order."),
        "runbook_url": (Text(2_000, r"^https?://[^\s]+$", "an http or https address"), "What to do about an alert."),
        "risk": (
            Choice.of(Risk),
            "critical: an incident pages; background: it is a ticket; compliance: it pages whatever people say.",
        ),
        "trained_at": (Date(), "The day on which the model was trained."),
        "features": (
            MapOf(NAME, FEATURE, _FEATURES_MAX),
            "Features by name; others are watched by the defaults.",
        ),
        "signals": (MapOf(Choice(SIGNALS), SIGNAL, len(SIGNALS)), "Score, predicted class and confidence."),
        "segments": (
            MapOf(_SEGMENT_KEY, ListOf(Text(), 1, _SEGMENT_VALUES_MAX), _SEGMENT_KEYS_MAX),
            "Segment key to the values told apart; every other value is `other`.",
        ),
        "windows": (WINDOWS, "How event time is cut."),
        "policy": (POLICY, "When a window is WARNING or DRIFTED, and when that is an incident."),
        "design_effect": (Number(1), "Rows that are worth one independent row; taken for 1 unless said."),
        "volume": (VOLUME, "Rows that a window should have."),
        "resolve_after": (Whole(1, 1_000), "Stable disjoint windows after which an incident is over."),
        "comparison": (COMPARISON, "Versions are compared on the same requests, and beside one another."),
        "outcomes": (OUTCOMES, "What came of a prediction, by name: a version is judged by it beside its control."),
        "sequential": (SEQUENTIAL, "Detectors of concept drift on a sequence of pane means."),
        "guardrails": (GUARDRAILS, "Bounds that act when they are passed in two consecutive judged windows."),
        "alert_when": (ALERT_WHEN, "What makes a page of a drift; what falls short of it is a ticket."),
        "actions": (ACTIONS, "What the guard may do, and how far."),
        "safe_path": (SAFE_PATH, "Where a rollback leads."),
        "promotion": (PROMOTION, "What a candidate must show before it is promoted; what is not known holds it."),
        "retrain": (RETRAIN, "When a retraining is asked for."),
        "drills": (DRILLS, "How often the way back is rehearsed."),
    },
    _monitor_rules,
)
"""The whole file."""
