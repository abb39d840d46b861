"""Quality rules, volume, distinct values, and the verdict on a window."""

from dataclasses import replace

import numpy as np
import pytest

from kedge.detectors.cardinality import (
    COUNTERS,
    DISTINCT_MAX,
    Distinct,
    counters_of_numbers,
    counters_of_strings,
    distinct,
)
from kedge.detectors.compare import Comparison
from kedge.detectors.finding import Finding
from kedge.detectors.overall import overall
from kedge.detectors.quality import FeatureRules, QualityCounts, VolumeBand, feature_quality, volume_quality
from kedge.detectors.verdict import Cause, Verdict

CLEAN = QualityCounts(n=1_000, missing=0, invalid=0, last_seen_ms=999_000, window_end_ms=1_000_000)
ALL_RULES = FeatureRules(
    missing_max=0.05,
    range_min=0.0,
    range_max=9.0,
    cardinality_max=100,
    freshness_max_ms=60_000,
    critical=True,
)


def distinct_of(values: int) -> Distinct:
    return distinct(np.bincount(counters_of_numbers(np.arange(float(values))), minlength=COUNTERS))


@pytest.mark.parametrize("rules", [FeatureRules(), ALL_RULES])
def test_kept_rules_give_no_finding(rules: FeatureRules) -> None:
    assert feature_quality("age", rules, replace(CLEAN, distinct=distinct_of(90))) is None


@pytest.mark.parametrize(
    ("rules", "seen", "reason"),
    [
        (FeatureRules(missing_max=0.05), {"missing": 51}, "5.10% missing, 5.00% allowed"),
        (FeatureRules(range_max=9.0), {"out_of_rule": 1}, "1 rows break range"),
        (FeatureRules(allowed=frozenset({"a"})), {"out_of_rule": 3}, "3 rows break allowed"),
        (FeatureRules(cardinality_max=50), {"distinct": distinct_of(200)}, "distinct values, 50 allowed"),
        (FeatureRules(freshness_max_ms=500), {}, "last valid value 1 s before the window's end, 0.5 s allowed"),
        (FeatureRules(freshness_max_ms=500), {"last_seen_ms": None}, "no valid value was ever seen"),
        (FeatureRules(critical=True), {"missing": 1}, "critical, and 1 rows missing or invalid"),
        (FeatureRules(critical=True), {"invalid": 2}, "critical, and 2 rows missing or invalid"),
        (
            FeatureRules(critical=True),
            {"missing": 60, "baseline_rows": 10_000, "baseline_faults": 200},
            "critical, and 6.00% missing or invalid, 2.00% in the baseline",
        ),
    ],
)
def test_a_breached_rule_is_drift_from_upstream(rules: FeatureRules, seen: dict[str, object], reason: str) -> None:
    finding = feature_quality("age", rules, replace(CLEAN, **seen))  # type: ignore[arg-type]
    assert finding is not None
    assert (finding.signal, finding.kind) == ("age", "quality")
    assert (finding.verdict, finding.cause) == (Verdict.DRIFTED, Cause.PIPELINE)
    assert reason in finding.reason


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        (FeatureRules(missing_max=0.05), {"missing": 50}),
        (FeatureRules(missing_max=0.05), {"invalid": 500}),
        (FeatureRules(freshness_max_ms=1_000), {}),
        (FeatureRules(critical=True), {"missing": 25, "baseline_rows": 10_000, "baseline_faults": 200}),
        (FeatureRules(missing_max=0.0), {"n": 0, "missing": 0}),
    ],
)
def test_at_the_limit_a_rule_is_kept(rules: FeatureRules, seen: dict[str, object]) -> None:
    assert feature_quality("age", rules, replace(CLEAN, **seen)) is None  # type: ignore[arg-type]


def test_all_breaches_of_a_feature_are_one_finding() -> None:
    finding = feature_quality("age", ALL_RULES, replace(CLEAN, missing=600, out_of_rule=7, last_seen_ms=1))
    assert finding is not None
    assert finding.reason.count(";") == 3
    assert (finding.comparison.n, finding.comparison.missing, finding.comparison.out_of_range) == (1_000, 600, 7)


def test_a_share_of_few_rows_is_too_little_and_one_forbidden_row_is_not() -> None:
    few = replace(CLEAN, n=10, missing=9)
    finding = feature_quality("age", FeatureRules(missing_max=0.05), few)
    assert finding is not None
    assert (finding.verdict, finding.cause) == (Verdict.INSUFFICIENT, Cause.NONE)
    assert "only 10 effective rows of 200 needed" in finding.reason
    broken = feature_quality("age", FeatureRules(missing_max=0.05, range_min=0.0), replace(few, out_of_rule=1))
    assert broken is not None
    assert broken.verdict is Verdict.DRIFTED
    clustered = feature_quality("age", FeatureRules(missing_max=0.05), replace(CLEAN, missing=90, design_effect=6.0))
    assert clustered is not None
    assert clustered.verdict is Verdict.INSUFFICIENT


def test_critical_alarms_falsely_about_as_seldom_as_it_says() -> None:
    rng = np.random.default_rng(5)
    rules = FeatureRules(critical=True)
    usual = replace(CLEAN, n=500, baseline_rows=100_000, baseline_faults=1_000)
    faults = rng.binomial(500, 0.01, size=20_000).tolist()
    found = [feature_quality("age", rules, replace(usual, missing=count)) for count in faults]
    assert sum(finding is not None for finding in found) <= 3


def test_ranges_and_allowed_values() -> None:
    values = np.array([-1.0, 0.0, 5.0, 9.0, 9.5, np.nan])
    assert FeatureRules(range_min=0.0, range_max=9.0).outside_range(values).tolist() == [1, 0, 0, 0, 1, 0]
    assert FeatureRules(range_min=0.0).outside_range(values).tolist() == [1, 0, 0, 0, 0, 0]
    assert not FeatureRules().outside_range(values).any()
    allowed = FeatureRules(allowed=frozenset({"UA", "AA"}))
    assert [allowed.allows(text) for text in ("UA", "ua", "")] == [True, False, False]
    assert FeatureRules().allows("anything")


@pytest.mark.parametrize(
    ("rules", "size"),
    [
        (FeatureRules(missing_max=0.1, critical=True, freshness_max_ms=1), 0),
        (FeatureRules(range_min=0.0), 1),
        (FeatureRules(allowed=frozenset()), 1),
        (FeatureRules(cardinality_max=5), 256),
        (FeatureRules(range_max=1.0, cardinality_max=5), 257),
    ],
)
def test_rules_say_what_must_be_counted(rules: FeatureRules, size: int) -> None:
    assert rules.counted.size == size


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [(99, Verdict.DRIFTED), (100, None), (200, None), (201, Verdict.DRIFTED), (0, Verdict.INSUFFICIENT)],
)
def test_volume_has_a_band_and_no_rows_are_no_evidence(rows: int, verdict: Verdict | None) -> None:
    finding = volume_quality(VolumeBand(100, 200), rows)
    assert (finding and finding.verdict) == verdict
    assert volume_quality(VolumeBand(), rows) is None


@pytest.mark.parametrize("values", [1, 5, 20, 50, 200, 600, 900])
def test_distinct_values_are_estimated_within_four_standard_errors(values: int) -> None:
    rng = np.random.default_rng(values)
    for _ in range(20):
        numbers = rng.normal(size=values)
        found = distinct(np.bincount(counters_of_numbers(np.repeat(numbers, 3)), minlength=COUNTERS))
        assert found.at_least <= values
        assert found.estimate == pytest.approx(values, rel=0.45, abs=1.5)


def test_signed_zeros_are_one_value() -> None:
    assert len(set(counters_of_numbers(np.array([0.0, -0.0])).tolist())) == 1


def test_strings_spread_over_the_counters_like_numbers() -> None:
    strings = [f"category {index}" for index in range(25_600)]
    for counters in (counters_of_strings(strings), counters_of_numbers(np.arange(25_600.0))):
        rows = np.bincount(counters, minlength=COUNTERS)
        assert rows.size == COUNTERS
        # 100 expected in each: chi-square with 255 degrees of freedom lies below 350 but once in 30,000.
        assert (np.square(rows - 100) / 100).sum() < 350


def test_full_counters_are_a_number_and_empty_ones_are_zero() -> None:
    assert distinct(np.zeros(COUNTERS, dtype=np.int64)).estimate == 0.0
    full = distinct(np.ones(COUNTERS, dtype=np.int64))
    assert DISTINCT_MAX < full.at_least <= full.estimate < 2_000


def finding(verdict: Verdict, signal: str = "age", reason: str = "") -> Finding:
    return Finding(
        signal=signal,
        kind="feature",
        verdict=verdict,
        cause=Cause.NONE,
        reason=reason,
        comparison=Comparison(n=1, n_eff=1.0),
    )


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.INVALID),
        ([Verdict.INVALID], Verdict.INVALID),
        ([Verdict.INSUFFICIENT], Verdict.INSUFFICIENT),
        ([Verdict.INSUFFICIENT, Verdict.INVALID], Verdict.INVALID),
        ([Verdict.STABLE, Verdict.STABLE], Verdict.STABLE),
        ([Verdict.STABLE, Verdict.WARNING], Verdict.WARNING),
        ([Verdict.DRIFTED, Verdict.WARNING, Verdict.STABLE], Verdict.DRIFTED),
        ([Verdict.INVALID, Verdict.STABLE], Verdict.STABLE),
        ([Verdict.INVALID, Verdict.DRIFTED, Verdict.INSUFFICIENT], Verdict.DRIFTED),
    ],
)
def test_a_window_is_as_bad_as_the_worst_that_could_be_judged(verdicts: list[Verdict], expected: Verdict) -> None:
    verdict, reason = overall([finding(each) for each in verdicts])
    assert verdict is expected
    if verdicts:
        assert verdict.judged or not any(each.judged for each in verdicts)
    assert reason or verdicts


def test_the_reason_names_who_drifted_and_who_was_left_out() -> None:
    many = [finding(Verdict.DRIFTED, f"f{index}") for index in range(7)]
    _, reason = overall([*many, finding(Verdict.WARNING, "w"), finding(Verdict.INVALID, "year")])
    assert reason == "drifted: f0, f1, f2, f3, f4 and 2 more; not judged: year"
    assert overall([finding(Verdict.STABLE)])[1] == "all 1 signals stable"
    _, partly = overall([finding(Verdict.STABLE), finding(Verdict.INVALID, "year")])
    assert partly == "1 of 2 signals judged, all stable; not judged: year"


def test_unjudged_windows_say_the_reason_they_share() -> None:
    same = [finding(Verdict.INSUFFICIENT, name, "no data") for name in "ab"]
    assert overall(same) == (Verdict.INSUFFICIENT, "no data")
    differing = [finding(Verdict.INVALID, name, f"because of {name}") for name in "ab"]
    assert overall(differing) == (Verdict.INVALID, "no signal could be judged: a, b")
