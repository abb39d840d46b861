"""The sections of a monitor file that say what is watched: their keys, shapes, and what contradicts what in each."""

from collections.abc import Iterator
from typing import Final

from kedge.schemas.monitor.notes import Problem
from kedge.schemas.monitor.scalars import SHARE, Choice, Duration, Flag, Number, Text, Whole
from kedge.schemas.monitor.shapes import ListOf, Pair, Section
from kedge.schemas.monitor.watch_spec import (
    METRICS,
    P_VALUE_METRICS,
    Disclose,
    FeatureSpec,
    FeatureType,
    PolicyKind,
    PolicyOverride,
    PolicySpec,
    SignalSpec,
    VolumeSpec,
    WindowSpec,
)

__all__ = ["FEATURE", "POLICY", "SIGNAL", "VOLUME", "WINDOWS", "threshold_problems"]

_THRESHOLD: Final = Number(0)


def threshold_problems(policy: PolicySpec, path: str = "") -> Iterator[Problem]:
    """Yield what is wrong with thresholds that contradict each other; `path` is the policy's."""
    at = f"{path}.drift" if path else "drift"
    if policy.metric in P_VALUE_METRICS:
        if policy.drift >= policy.warn:
            yield Problem(at, f"is {policy.drift:g}, expected less than warn ({policy.warn:g}): a smaller p is worse")
    elif policy.drift <= policy.warn:
        yield Problem(at, f"is {policy.drift:g}, expected more than warn ({policy.warn:g})")


def _policy_rules(policy: PolicySpec) -> Iterator[Problem]:
    yield from threshold_problems(policy)
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


FEATURE: Final = Section(
    FeatureSpec,
    {
        "type": (Choice.of(FeatureType), "What its values are; numeric unless said."),
        "missing_max": (SHARE, "Greatest share of rows without a value."),
        "range": (Pair(), "Least and greatest allowed value, both included; numeric features."),
        "allowed": (ListOf(Text(), 1, 1_000), "Every allowed value; categorical features."),
        # The sketch that counts distinct values saturates a little above this.
        "cardinality_max": (Whole(1, 800), "Most distinct values in a window; past 800 the counters tell no more."),
        "freshness_max": (Duration(), "How old the newest present and valid value may be when a window ends."),
        "importance": (Number(0, 1_000), "Weight in the drift rate, and what alert_when asks for (1)."),
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


SIGNAL: Final = Section(
    SignalSpec,
    {
        "enabled": (Flag(), "False: not watched."),
        "policy": (_OVERRIDE, "Thresholds of its own."),
    },
)
WINDOWS: Final = Section(
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
POLICY: Final = Section(
    PolicySpec,
    {
        "kind": (Choice.of(PolicyKind), "How a verdict is come to."),
        "metric": (Choice(METRICS), "The distance that the thresholds are on (psi_debiased); needs warn and drift."),
        "warn": (_THRESHOLD, "From here on WARNING (0.1)."),
        "drift": (_THRESHOLD, "From here on DRIFTED (0.2)."),
        "breaches": (Whole(1, 100), "Windows that must have drifted (2) …"),
        "windows": (Whole(1, 100), "… among the last so many disjoint ones (3)."),
        "n_eff_min": (Number(0), "Effective rows below which a window is INSUFFICIENT (200)."),
        "completeness_min": (SHARE, "Completeness below which a window is INSUFFICIENT (0.95)."),
    },
    _policy_rules,
    beside=_BESIDE,
)
VOLUME: Final = Section(
    VolumeSpec,
    {
        "min": (Whole(0), "Fewest rows of a window."),
        "max": (Whole(0), "Most rows of a window."),
    },
    _volume_rules,
)
