"""The monitor file: every key, its shape, and what contradicts what."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from kedge.schemas.monitor.notes import Problem, join
from kedge.schemas.monitor.scalars import Choice, Duration, Flag, Number, Text, Whole
from kedge.schemas.monitor.shapes import ListOf, MapOf, Pair, Section
from kedge.schemas.monitor.spec import (
    CATEGORY_METRICS,
    METRICS,
    P_VALUE_METRICS,
    SIGNALS,
    ActionSpec,
    ActionsSpec,
    Disclose,
    FeatureSpec,
    FeatureType,
    MonitorSpec,
    PolicyKind,
    PolicyOverride,
    PolicySpec,
    SignalSpec,
    VolumeSpec,
    WindowSpec,
)

__all__ = ["MONITOR"]

_FEATURES_MAX: Final = 1_000
_SEGMENT_KEYS_MAX: Final = 10
_SEGMENT_VALUES_MAX: Final = 20
_OTHER: Final = "other"
_NAME: Final = Text(expected="a name")
# A segment is written key=value.
_SEGMENT_KEY: Final = Text(200, "^[^=]+$", "a name without =")
_SHARE: Final = Number(0, 1)
_THRESHOLD: Final = Number(0)


def _threshold_problems(policy: PolicySpec, path: str = "") -> Iterator[Problem]:
    at = f"{path}.drift" if path else "drift"
    if policy.metric in P_VALUE_METRICS:
        if policy.drift >= policy.warn:
            yield Problem(at, f"is {policy.drift:g}, expected less than warn ({policy.warn:g}): a smaller p is worse")
    elif policy.drift <= policy.warn:
        yield Problem(at, f"is {policy.drift:g}, expected more than warn ({policy.warn:g})")


def _policy_rules(policy: PolicySpec) -> Iterator[Problem]:
    yield from _threshold_problems(policy)
    if policy.breaches > policy.windows:
        yield Problem("breaches", f"is {policy.breaches}, expected no more than windows ({policy.windows})")


# Thresholds of one distance say nothing of another.
_BESIDE: Final = {"metric": ("warn", "drift")}
_OVERRIDE: Final = Section(
    PolicyOverride,
    {
        "metric": (Choice(METRICS), "The distance that the thresholds are on; needs warn and drift."),
        "warn": (_THRESHOLD, "From here on WARNING."),
        "drift": (_THRESHOLD, "From here on DRIFTED."),
    },
    beside=_BESIDE,
)


def _feature_rules(feature: FeatureSpec) -> Iterator[Problem]:
    categorical = feature.type is FeatureType.CATEGORICAL
    if categorical and feature.range is not None:
        yield Problem("range", "a categorical feature has no range, expected allowed")
    if not categorical and feature.allowed is not None:
        yield Problem("allowed", "a numeric feature has no list of values, expected range or type: categorical")


_FEATURE: Final = Section(
    FeatureSpec,
    {
        "type": (Choice.of(FeatureType), "What its values are; numeric unless said."),
        "missing_max": (_SHARE, "Greatest share of rows without a value."),
        "range": (Pair(), "Least and greatest allowed value, both included; numeric features."),
        "allowed": (ListOf(Text(), 1, 1_000), "Every allowed value; categorical features."),
        # The sketch that counts distinct values saturates a little above this.
        "cardinality_max": (Whole(1, 800), "Most distinct values in a window; past 800 the counters tell no more."),
        "freshness_max": (Duration(), "How old the newest present and valid value may be when a window ends."),
        "critical": (Flag(), "Any missing or invalid share beyond the baseline's is a breach."),
        "disclose": (Choice.of(Disclose), "What may be said of its values: counts, frequent (default) or values."),
        "policy": (_OVERRIDE, "Thresholds of its own."),
    },
    _feature_rules,
    {
        "if": {"properties": {"type": {"const": "categorical"}}, "required": ["type"]},
        "then": {"properties": {"range": False}},
        "else": {"properties": {"allowed": False}},
    },
)


def _window_rules(windows: WindowSpec) -> Iterator[Problem]:
    if windows.hop_ms % windows.pane_ms:
        yield Problem("hop", f"expected a multiple of the pane ({windows.pane_ms // 1_000}s)")
    if windows.length_ms % windows.hop_ms:
        yield Problem("length", f"expected a multiple of the hop ({windows.hop_ms // 1_000}s)")


def _volume_rules(volume: VolumeSpec) -> Iterator[Problem]:
    if volume.min is None and volume.max is None:
        yield Problem("min", "expected min, max or both")
    if volume.min is not None and volume.max is not None and volume.min > volume.max:
        yield Problem("min", f"is {volume.min}, expected no more than max ({volume.max})")


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
            yield from _threshold_problems(policy, f"{path}.policy")
        if categories and policy.metric not in CATEGORY_METRICS:
            known = ", ".join(CATEGORY_METRICS)
            yield Problem(f"{path}.policy", f"{policy.metric} is not known of categories, expected one of {known}")


_SIGNAL: Final = Section(
    SignalSpec,
    {
        "enabled": (Flag(), "False: not watched."),
        "policy": (_OVERRIDE, "Thresholds of its own."),
    },
)
_WINDOWS: Final = Section(
    WindowSpec,
    {
        "pane": (Duration(), "The unit of counting (60s)."),
        "length": (Duration(), "A window's length, a multiple of the hop (5m)."),
        "hop": (Duration(), "From one window's start to the next one's, a multiple of the pane (1m)."),
        "grace": (Duration(0), "How far the watermark stays behind the newest event (60s)."),
        "lateness": (Duration(0), "How long after a window's end late events still amend it (1h)."),
        "idle_timeout": (Duration(), "How long a silent source holds windows back (60s)."),
    },
    _window_rules,
)
_POLICY: Final = Section(
    PolicySpec,
    {
        "kind": (Choice.of(PolicyKind), "How a verdict is come to."),
        "metric": (Choice(METRICS), "The distance that the thresholds are on (psi_debiased); needs warn and drift."),
        "warn": (_THRESHOLD, "From here on WARNING (0.1)."),
        "drift": (_THRESHOLD, "From here on DRIFTED (0.2)."),
        "breaches": (Whole(1, 100), "Windows that must have drifted (2) …"),
        "windows": (Whole(1, 100), "… among the last so many disjoint ones (3)."),
        "n_eff_min": (Number(0), "Effective rows below which a window is INSUFFICIENT (200)."),
        "completeness_min": (_SHARE, "Completeness below which a window is INSUFFICIENT (0.95)."),
    },
    _policy_rules,
    beside=_BESIDE,
)
_VOLUME: Final = Section(
    VolumeSpec,
    {
        "min": (Whole(0), "Fewest rows of a window."),
        "max": (Whole(0), "Most rows of a window."),
    },
    _volume_rules,
)
_ACTIONS: Final = Section(
    ActionsSpec,
    {
        "freeze_rollout": (
            Section(ActionSpec, {"expires_after": (Duration(), "How long a freeze stands unless resumed (24h).")}),
            "The command that freezes a rollout.",
        ),
    },
)


def _monitor_rules(spec: MonitorSpec) -> Iterable[Problem]:
    yield from _segment_rules(spec.segments)
    yield from _signal_policy_rules(spec)


MONITOR: Final = Section(
    MonitorSpec,
    {
        "model": (_NAME, "The model's name, as predictions carry it."),
        "owner": (_NAME, "Who is paged: a team or a person."),
        "escalation": (ListOf(_NAME, 0, 20), "Who comes after the owner, in order."),
        "runbook_url": (Text(2_000, r"^https?://[^\s]+$", "an http or https address"), "What to do about an alert."),
        "features": (
            MapOf(_NAME, _FEATURE, _FEATURES_MAX),
            "Features by name; others are watched by the defaults.",
        ),
        "signals": (MapOf(Choice(SIGNALS), _SIGNAL, len(SIGNALS)), "Score, predicted class and confidence."),
        "segments": (
            MapOf(_SEGMENT_KEY, ListOf(Text(), 1, _SEGMENT_VALUES_MAX), _SEGMENT_KEYS_MAX),
            "Segment key to the values told apart; every other value is `other`.",
        ),
        "windows": (_WINDOWS, "How event time is cut."),
        "policy": (_POLICY, "When a window is WARNING or DRIFTED, and when that is an incident."),
        "design_effect": (Number(1), "Rows that are worth one independent row; taken for 1 unless said."),
        "volume": (_VOLUME, "Rows that a window should have."),
        "resolve_after": (Whole(1, 1_000), "Stable disjoint windows after which an incident is over."),
        "actions": (_ACTIONS, "What the guard may command."),
    },
    _monitor_rules,
)
"""The whole file."""
