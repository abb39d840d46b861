"""The monitor file: what is said is obeyed, what cannot be obeyed is refused with its path."""

import hashlib
import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.monitor import (
    SIGNALS,
    ActionSpec,
    ActionsSpec,
    AlertWhenSpec,
    ComparisonSpec,
    Disclose,
    DrillsSpec,
    FeatureSpec,
    FeatureType,
    Guarded,
    GuardrailSpec,
    GuardrailsSpec,
    Measure,
    Mode,
    MonitorError,
    MonitorSpec,
    OutcomeSpec,
    OutcomeType,
    PolicyOverride,
    PolicySpec,
    PromotionSpec,
    RetrainSpec,
    Risk,
    SafePathSpec,
    SequentialKind,
    SequentialSpec,
    SignalSpec,
    VolumeSpec,
    WindowSpec,
    monitor_hash,
    monitor_json_schema,
    parse_monitor,
    to_document,
)
from kedge.schemas.monitor.yaml_text import load_yaml
from tests.schemas.guard_files import EVERYTHING, GUARD_BAD, GUARD_GOOD
from tests.schemas.monitor_files import BAD as WATCH_BAD
from tests.schemas.monitor_files import GOOD as WATCH_GOOD
from tests.schemas.monitor_files import HEAD

DAY_MS = 86_400_000
GOOD = WATCH_GOOD | GUARD_GOOD | {"the guard": WATCH_GOOD["everything"] + EVERYTHING}
BAD = WATCH_BAD | GUARD_BAD
VALIDATOR = jsonschema.Draft202012Validator(monitor_json_schema())


def problems(text: str) -> dict[str, str]:
    with pytest.raises(MonitorError) as caught:
        parse_monitor(text, "delay.yaml")
    assert str(caught.value).startswith("delay.yaml: ")
    return {problem.path: problem.what for problem in caught.value.problems}


def test_a_file_says_everything() -> None:
    assert parse_monitor(WATCH_GOOD["everything"], "delay.yaml") == MonitorSpec(
        model="delay",
        owner="ops",
        escalation=("lead", "head"),
        runbook_url="https://example.com/runbook",
        features={
            "distance": FeatureSpec(
                missing_max=0.01,
                range=(0.0, 5000.0),
                cardinality_max=500,
                freshness_max_ms=3_600_000,
                critical=True,
                importance=2.5,
                policy=PolicyOverride(metric="ks", warn=0.1, drift=0.2),
            ),
            "carrier": FeatureSpec(
                type=FeatureType.CATEGORICAL,
                allowed=("UA", "B6", "NO", "010"),
                disclose=Disclose.VALUES,
                policy=PolicyOverride(drift=0.3),
            ),
            "hour": FeatureSpec(),
            "a.b": FeatureSpec(disclose=Disclose.COUNTS),
        },
        signals={
            "score": SignalSpec(policy=PolicyOverride(warn=0.05)),
            "label": SignalSpec(enabled=False),
            "confidence": SignalSpec(),
        },
        segments={"origin": ("JFK", "LGA", "EWR")},
        windows=WindowSpec(
            pane_ms=60_000,
            length_ms=600_000,
            hop_ms=120_000,
            grace_ms=0,
            lateness_ms=7_200_000,
            idle_timeout_ms=90_000,
        ),
        policy=PolicySpec(
            metric="psi", warn=0.1, drift=0.25, breaches=3, windows=5, n_eff_min=100.0, completeness_min=0.9
        ),
        design_effect=3.5,
        volume=VolumeSpec(min=10, max=10_000),
        resolve_after=4,
    )


def test_a_file_says_everything_of_the_guard() -> None:
    assert parse_monitor(HEAD + EVERYTHING, "delay.yaml") == MonitorSpec(
        model="delay",
        owner="ops",
        risk=Risk.COMPLIANCE,
        trained_at="2012-12-31",
        comparison=ComparisonSpec(
            tolerance=0.05,
            join_horizon_ms=2_700_000,
            expected_share={"v1": 0.7, "v2": 0.2, "v3": 0.1},
            latency_slo_ms=150.0,
            sender_share_max=0.4,
        ),
        outcomes={
            "click": OutcomeSpec(epsilon=0.02, delay_ms=1_800_000, label_horizon_ms=45 * DAY_MS),
            "paid": OutcomeSpec(classes=("no", "yes"), measure=Measure.ACCURACY),
            "kind": OutcomeSpec(type=OutcomeType.CLASS, classes=("a", "b", "c"), delay_ms=0),
            "minutes": OutcomeSpec(type=OutcomeType.NUMERIC, tolerance=15.0, measure=Measure.WITHIN_TOLERANCE),
            "plain": OutcomeSpec(measure=Measure.ACCURACY),
        },
        sequential=(
            SequentialSpec(detector=SequentialKind.ADWIN, signal="score", delta=0.01),
            SequentialSpec(detector=SequentialKind.PAGE_HINKLEY, signal="errors", delta=0.0, threshold=20.0),
            SequentialSpec(detector=SequentialKind.KSWIN, signal="click", alpha=0.001),
        ),
        guardrails=GuardrailsSpec(
            error_rate=GuardrailSpec(bound=0.02),
            drift_rate=GuardrailSpec(bound=0.3, action_on_breach=Guarded.FREEZE_ROLLOUT),
            divergence_rate=GuardrailSpec(bound=1.0, action_on_breach=Guarded.PAGE_OWNER),
        ),
        alert_when=AlertWhenSpec(importance_min=0.5, kpi="click"),
        safe_path=SafePathSpec(version="v0", standby_ms=3 * DAY_MS),
        promotion=PromotionSpec(
            outcome_duration_ms=2 * DAY_MS, latency_p95_ms_max=120.0, disagreement_max=0.1, segment_change_min=0.01
        ),
        retrain=RetrainSpec(every_ms=30 * DAY_MS, after_ms=2 * DAY_MS),
        drills=DrillsSpec(every_ms=DAY_MS, freeze=True),
        actions=ActionsSpec(
            freeze_rollout=ActionSpec(expires_after_ms=2 * DAY_MS),
            route_to_safe_path=ActionSpec(mode=Mode.ARMED, expires_after_ms=600_000, actuators=("edge", "core")),
            resume_rollout=ActionSpec(mode=Mode.DRY_RUN, expires_after_ms=3_600_000),
            start_shadow=ActionSpec(mode=Mode.OFF),
            request_retrain=ActionSpec(mode=Mode.ADVISE, expires_after_ms=3 * DAY_MS),
        ),
    )


def test_what_is_left_out_has_its_default() -> None:
    spec = parse_monitor(HEAD, "delay.yaml")
    assert spec == MonitorSpec(model="delay", owner="ops")
    assert spec.windows == WindowSpec(
        pane_ms=60_000,
        length_ms=300_000,
        hop_ms=60_000,
        grace_ms=60_000,
        lateness_ms=3_600_000,
        idle_timeout_ms=60_000,
    )
    assert (spec.policy.metric, spec.policy.warn, spec.policy.drift) == ("psi_debiased", 0.1, 0.2)
    assert (spec.policy.breaches, spec.policy.windows, spec.policy.n_eff_min) == (2, 3, 200.0)
    assert spec.feature("anything").disclose is Disclose.FREQUENT
    assert all(spec.signal(name).enabled for name in SIGNALS)
    assert spec.actions.freeze_rollout.expires_after_ms == 86_400_000


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_comes_back_from_its_document(name: str) -> None:
    spec = parse_monitor(GOOD[name], name)
    document = to_document(spec)
    assert parse_monitor(document, "document") == spec
    assert to_document(parse_monitor(document, "document")) == document


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_every_path(name: str) -> None:
    bad = BAD[name]
    found = problems(bad.text)
    assert tuple(found) == bad.paths
    assert bad.said in "\n".join(found.values())


@pytest.mark.parametrize("name", GOOD)
def test_the_json_schema_takes_what_the_parser_takes(name: str) -> None:
    VALIDATOR.validate(load_yaml(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_the_json_schema_refuses_what_it_can_see(name: str) -> None:
    bad = BAD[name]
    if bad.visible:
        assert not VALIDATOR.is_valid(load_yaml(bad.text))
    elif bad.paths != ("",):
        VALIDATOR.validate(load_yaml(bad.text))


def test_the_json_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(monitor_json_schema())


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "5m", "1d", "numeric", "categorical", "psi", "ks", "g_p_value", "values", "JFK", "other", "armed", "off"]
    ),
)
_KEYS = st.sampled_from(sorted(set(re.findall(r'"([a-z_]+)": \{', json.dumps(monitor_json_schema())))))
_TREES = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=4))
)


@settings(deadline=None)  # a busy machine must not turn a test red
@given(st.dictionaries(_KEYS, _TREES, max_size=6))
def test_any_tree_is_a_monitor_or_refused_and_never_against_the_json_schema(tree: dict[str, Any]) -> None:
    tree = {"model": "m", "owner": "o"} | tree
    try:
        spec = parse_monitor(json.dumps(tree), "tree")
    except MonitorError as error:
        assert error.problems  # noqa: PT017 - either way is right
        return
    VALIDATOR.validate(tree)
    assert parse_monitor(to_document(spec), "document") == spec


@given(st.text(max_size=60))
def test_any_text_is_a_monitor_or_refused(text: str) -> None:
    with pytest.raises(MonitorError):
        parse_monitor(text, "text")


def test_a_message_names_the_file_and_each_problem_on_a_line() -> None:
    with pytest.raises(MonitorError) as caught:
        parse_monitor(HEAD + "features: {age: {missing_max: 2}}\nresolve_after: x\n", "delay.yaml")
    assert str(caught.value) == (
        "delay.yaml: 2 problems\n"
        "  features.age.missing_max: 2 given, expected a number from 0 to 1\n"
        "  resolve_after: 'x' given, expected a whole number from 1 to 1000"
    )


def test_what_means_the_same_has_the_same_hash() -> None:
    first = to_document(parse_monitor("owner: ops\nmodel: delay\nwindows: {length: 5m}\n", "a"))
    second = to_document(parse_monitor('{"model": "delay", "owner": "ops", "resolve_after": 3}', "b"))
    assert first == second == '{"model":"delay","owner":"ops"}'
    assert monitor_hash(first) == hashlib.sha256(b'{"model":"delay","owner":"ops"}').hexdigest()[:16]
    other = to_document(parse_monitor(HEAD + "resolve_after: 4\n", "c"))
    assert monitor_hash(other) != monitor_hash(first)


def test_an_override_says_the_rest_of_the_policy_too() -> None:
    policy = PolicySpec(warn=0.1, drift=0.2, breaches=3)
    assert policy.overridden(None) is policy
    assert policy.overridden(PolicyOverride(drift=0.4)) == PolicySpec(warn=0.1, drift=0.4, breaches=3)
    own = PolicyOverride(metric="ks", warn=0.0, drift=0.5)
    assert policy.overridden(own) == PolicySpec(metric="ks", warn=0.0, drift=0.5, breaches=3)
