"""Verdicts in their order, with a reason; persistence over disjoint windows; causes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.cause import cause_of
from kedge.detectors.compare import Comparison
from kedge.detectors.finding import judge
from kedge.detectors.metrics import METRICS
from kedge.detectors.policy import FixedPolicy, Policy
from kedge.detectors.verdict import Cause, Verdict

POLICY = FixedPolicy()


def window(psi_debiased: float | None, **more: float) -> Comparison:
    known = {"n": 1_000, "n_eff": 1_000.0, "n_reference": 10_000, **more}
    return Comparison(psi_debiased=psi_debiased, **known)  # type: ignore[arg-type]


def test_verdicts_are_ordered_and_say_their_names() -> None:
    assert [str(verdict) for verdict in sorted(Verdict)] == ["INVALID", "INSUFFICIENT", "STABLE", "WARNING", "DRIFTED"]
    assert [verdict for verdict in Verdict if verdict.judged] == [Verdict.STABLE, Verdict.WARNING, Verdict.DRIFTED]
    assert [cause.value for cause in Cause] == ["NONE", "PIPELINE", "DISTRIBUTION", "UNKNOWN"]


@pytest.mark.parametrize(
    ("psi", "verdict"),
    [
        (-0.01, Verdict.STABLE),
        (0.0999, Verdict.STABLE),
        (0.1, Verdict.WARNING),
        (0.1999, Verdict.WARNING),
        (0.2, Verdict.DRIFTED),
        (9.0, Verdict.DRIFTED),
    ],
)
def test_thresholds_are_reached_when_equal(psi: float, verdict: Verdict) -> None:
    assert POLICY.classify(window(psi))[0] is verdict


@pytest.mark.parametrize(
    ("comparison", "verdict", "reason"),
    [
        (Comparison(n=0, n_eff=0.0, n_reference=10_000), Verdict.INSUFFICIENT, "no data"),
        (Comparison(n=500, n_eff=500.0), Verdict.INSUFFICIENT, "the baseline has no rows of this signal and segment"),
        (window(5.0, n_eff=199.9), Verdict.INSUFFICIENT, "199.9 effective rows, 200 needed"),
        (window(5.0, n_reference=199), Verdict.INSUFFICIENT, "199 baseline rows, 200 needed"),
        (window(0.0, reference_constant=True), Verdict.INVALID, "the baseline holds a single value"),
        (window(0.0, missing=400, invalid=600), Verdict.INVALID, "no valid value in the window"),
        (window(None), Verdict.INVALID, "psi_debiased is not defined here"),
    ],
)
def test_what_cannot_be_judged_is_never_stable(comparison: Comparison, verdict: Verdict, reason: str) -> None:
    found, said = POLICY.classify(comparison)
    assert found is verdict
    assert said.startswith(reason)


def test_a_constant_baseline_can_drift_all_the_same() -> None:
    assert POLICY.classify(window(3.0, reference_constant=True))[0] is Verdict.DRIFTED
    assert POLICY.classify(window(3.0, missing=1_000))[0] is Verdict.DRIFTED


def test_a_small_p_value_is_worse() -> None:
    policy = FixedPolicy(metric="g_p_value", warn=1e-3, drift=1e-6)
    verdicts = [policy.classify(window(0.0, g_p_value=p))[0] for p in (0.5, 1e-3, 1e-5, 1e-6, 0.0)]
    assert verdicts == [Verdict.STABLE, Verdict.WARNING, Verdict.WARNING, Verdict.DRIFTED, Verdict.DRIFTED]


@pytest.mark.parametrize("metric", METRICS)
def test_a_threshold_may_be_on_any_distance(metric: str) -> None:
    warn, drift = (0.2, 0.1) if not METRICS[metric].larger_is_worse else (0.1, 0.2)
    policy = FixedPolicy(metric=metric, warn=warn, drift=drift)
    for value, verdict in ((drift, Verdict.DRIFTED), (warn, Verdict.WARNING)):
        comparison = replace(window(None), **{metric: value})  # type: ignore[arg-type]
        assert policy.classify(comparison)[0] is verdict
    assert (policy.drift_psi is not None) is (metric == "psi_debiased")


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric": "psy"},
        {"metric": "ks_error"},
        {"warn": 0.2},
        {"warn": 0.3},
        {"metric": "ks_p_value"},
        {"breaches": 0},
        {"breaches": 4},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"metric must|must come before|breaches"):
        FixedPolicy(**wrong)  # type: ignore[arg-type]


D, S, W = Verdict.DRIFTED, Verdict.STABLE, Verdict.WARNING


@pytest.mark.parametrize(
    ("history", "persists"),
    [
        ({}, False),
        ({600: D}, False),
        ({600: D, 300: D}, True),
        ({600: D, 0: D}, True),
        ({600: S, 300: D, 0: D}, True),
        ({600: D, -300: D}, False),
        ({600: D, 300: W, 0: S}, False),
        ({600: D, 500: D, 400: D, 200: D}, False),
        ({900: D, 600: D}, False),
    ],
)
def test_two_of_the_last_three_disjoint_windows(history: dict[int, Verdict], persists: bool) -> None:  # noqa: FBT001
    assert POLICY.persists(history, window_start=600, window_ms=300) is persists


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=8), st.integers(1, 5), st.data())
def test_persistence_is_a_count_over_the_last_windows(
    verdicts: list[Verdict], windows: int, data: st.DataObject
) -> None:
    breaches = data.draw(st.integers(1, windows))
    history = {index * 60: verdict for index, verdict in enumerate(verdicts)}
    policy: Policy = FixedPolicy(breaches=breaches, windows=windows)
    expected = verdicts[-windows:].count(Verdict.DRIFTED) >= breaches
    assert policy.persists(history, (len(verdicts) - 1) * 60, 60) is expected


@pytest.mark.parametrize(
    ("verdict", "psi_debiased", "pipeline_share", "cause"),
    [
        (Verdict.DRIFTED, 0.5, 0.51, Cause.PIPELINE),
        (Verdict.WARNING, 0.15, 1.0, Cause.PIPELINE),
        (Verdict.DRIFTED, 0.5, 0.5, Cause.DISTRIBUTION),
        (Verdict.WARNING, 0.15, 0.0, Cause.DISTRIBUTION),
        (Verdict.DRIFTED, 0.0, 0.9, Cause.UNKNOWN),
        (Verdict.DRIFTED, None, None, Cause.UNKNOWN),
        (Verdict.STABLE, 0.05, 0.9, Cause.NONE),
        (Verdict.INSUFFICIENT, 0.5, 0.9, Cause.NONE),
        (Verdict.INVALID, 0.5, 0.9, Cause.NONE),
    ],
)
def test_a_cause_is_said_only_of_what_drifted_and_only_where_it_shows(
    verdict: Verdict, psi_debiased: float | None, pipeline_share: float | None, cause: Cause
) -> None:
    comparison = Comparison(n=9, n_eff=9.0, psi_debiased=psi_debiased, pipeline_share=pipeline_share)
    assert cause_of(comparison, verdict) is cause


def test_a_finding_holds_verdict_cause_reason_and_evidence() -> None:
    comparison = window(0.31, pipeline_share=0.1)
    finding = judge("distance", "feature", comparison, POLICY)
    assert (finding.signal, finding.kind) == ("distance", "feature")
    assert (finding.verdict, finding.cause) == (Verdict.DRIFTED, Cause.DISTRIBUTION)
    assert finding.reason == "psi_debiased 0.31 has reached 0.2"
    assert finding.comparison is comparison
