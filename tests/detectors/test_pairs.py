"""Pairs: what disagrees, what is counted, and that counts merge."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from kedge.detectors.apart import set_apart
from kedge.detectors.arrays import Counts
from kedge.detectors.pair_measures import pair_measures
from kedge.detectors.pairs import NO_LABEL, PairColumns, PairLayout, count_pairs, disagree
from kedge.detectors.wilson import wilson

LAYOUT = PairLayout(labels=("no", "yes"), features=(4, 6))
TOLERANCE = 0.1


@dataclasses.dataclass(frozen=True)
class Answer:
    score: float = math.nan
    label: int = NO_LABEL
    failed: bool = False
    latency_ms: float = math.nan


Pair = tuple[Answer, Answer, tuple[int, int]]


def columns(pairs: list[Pair]) -> PairColumns:
    def floats(side: int, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([getattr(pair[side], name) for pair in pairs], dtype=np.float64)

    return PairColumns(
        candidate_score=floats(0, "score"),
        control_score=floats(1, "score"),
        candidate_label=np.array([pair[0].label for pair in pairs], dtype=np.int16),
        control_label=np.array([pair[1].label for pair in pairs], dtype=np.int16),
        candidate_failed=np.array([pair[0].failed for pair in pairs], dtype=np.bool_),
        control_failed=np.array([pair[1].failed for pair in pairs], dtype=np.bool_),
        candidate_latency_ms=floats(0, "latency_ms"),
        control_latency_ms=floats(1, "latency_ms"),
        bins=np.array([pair[2] for pair in pairs], dtype=np.uint8).reshape(len(pairs), 2),
    )


def count(pairs: list[Pair]) -> Counts:
    return count_pairs(LAYOUT, columns(pairs), TOLERANCE)


answers = st.builds(
    Answer,
    score=st.floats() | st.floats(0, 1),
    label=st.integers(NO_LABEL, 2),
    failed=st.booleans(),
    latency_ms=st.floats(),
)
pairs_lists = st.lists(st.tuples(answers, answers, st.tuples(st.integers(0, 3), st.integers(0, 5))), max_size=20)


@given(pairs_lists, pairs_lists)
def test_counts_of_all_pairs_are_the_sum_of_counts_of_parts(left: list[Pair], right: list[Pair]) -> None:
    assert np.array_equal(count(left + right), count(left) + count(right))
    assert np.array_equal(count(left + right), count(right + left))


def test_nothing_counts_as_nothing_and_says_nothing() -> None:
    assert not count([]).any()
    measures = pair_measures(LAYOUT, count([]))
    assert (measures.n, measures.flips, measures.features) == (0, (), ())
    assert measures.disagreement_rate is measures.delta_p50 is measures.latency_ratio is measures.join_rate is None


@given(pairs_lists)
def test_the_vector_says_what_a_count_row_by_row_does(pairs: list[Pair]) -> None:
    counts, found = count(pairs), [_disagrees(*pair[:2]) for pair in pairs]
    measures = pair_measures(LAYOUT, counts)
    assert disagree(columns(pairs), TOLERANCE).tolist() == found
    assert (measures.n, measures.disagreements) == (len(pairs), sum(found))
    assert counts[LAYOUT.candidate_errors] == sum(pair[0].failed for pair in pairs)
    names = {0: "no", 1: "yes", 2: "other", NO_LABEL: "none"}
    flips = Counter((names[pair[1].label], names[pair[0].label]) for pair in pairs)
    assert {flip[:2]: flip[2] for flip in measures.flips} == {k: n for k, n in flips.items() if k[0] != k[1]}
    for histogram, value in ((LAYOUT.disagreeing, True), (LAYOUT.agreeing, False)):
        rows = [pair[2] for pair, differs in zip(pairs, found, strict=True) if differs is value]
        expected = [sum(row[0] == b for row in rows) for b in range(4)] + [
            sum(row[1] == b for row in rows) for b in range(6)
        ]
        assert counts[histogram].tolist() == expected
    assert counts[LAYOUT.delta_histogram].sum() == counts[LAYOUT.scored]
    assert counts[LAYOUT.candidate_latency].sum() == counts[LAYOUT.control_latency].sum() == len(pairs)


def _disagrees(candidate: Answer, control: Answer) -> bool:
    def fails(answer: Answer) -> bool:
        return answer.failed or (not math.isfinite(answer.score) and answer.label == NO_LABEL)

    if fails(candidate) != fails(control):
        return True
    if NO_LABEL not in {candidate.label, control.label} and candidate.label != control.label:
        return True
    both = math.isfinite(candidate.score) and math.isfinite(control.score)
    return both and abs(candidate.score - control.score) > TOLERANCE


@pytest.mark.parametrize(
    ("candidate", "control", "differs"),
    [
        (Answer(0.3), Answer(0.39), False),
        (Answer(0.3), Answer(0.5), True),
        (Answer(0.3, 0), Answer(0.3, 1), True),
        (Answer(0.3, 2), Answer(0.3, 2), False),  # two classes that the layout does not name are one
        (Answer(0.3), Answer(0.3, 1), False),  # a shadow that logs no labels
        (Answer(math.nan, 1), Answer(0.3, 1), False),
        (Answer(), Answer(0.3, 1), True),  # it answered nothing
        (Answer(math.nan), Answer(math.nan), False),
        (Answer(failed=True), Answer(0.3), True),
        (Answer(failed=True), Answer(failed=True), False),
        (Answer(math.inf), Answer(0.3), True),
        (Answer(1e308), Answer(-1e308), True),
    ],
)
def test_what_disagrees(candidate: Answer, control: Answer, differs: bool) -> None:  # noqa: FBT001
    assert disagree(columns([(candidate, control, (0, 0))]), TOLERANCE).tolist() == [differs]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
@example([(1.0, 0.0)])
@example([(0.0, 1.0)])
def test_differences_of_scores_are_those_of_the_rows(scores: list[tuple[float, float]]) -> None:
    delta = np.array([ours - theirs for ours, theirs in scores])
    measures = pair_measures(LAYOUT, count([(Answer(ours), Answer(theirs), (0, 0)) for ours, theirs in scores]))
    assert measures.delta_mean == pytest.approx(delta.mean(), abs=1e-6)
    assert measures.delta_std == pytest.approx(delta.std(), abs=2e-3)
    ranked = np.sort(delta)
    for q, found in ((0.05, measures.delta_p05), (0.5, measures.delta_p50), (0.95, measures.delta_p95)):
        assert found is not None
        exact = float(ranked[math.ceil(q * delta.size) - 1])
        assert abs(found - exact) <= max(0.01, 0.6 * abs(exact))  # in the same bin
        assert abs(found - exact) <= 0.2  # the widest bin of scores in [0, 1]


def test_scores_outside_zero_to_one_keep_their_mean_and_their_power_of_ten() -> None:
    wide = [(Answer(50_000.0 + 37.5), Answer(50_000.0), (0, 0))] * 8
    measures = pair_measures(LAYOUT, count(wide))
    assert (measures.delta_mean, measures.delta_std) == (37.5, 0.0)
    assert measures.delta_p50 is not None
    assert 10 <= measures.delta_p50 <= 100
    beyond = pair_measures(LAYOUT, count([(Answer(1e9), Answer(0.0), (0, 0))]))
    assert (beyond.delta_mean, beyond.delta_p95) == (1e9, 1_000.0)


def test_equal_answers_differ_by_nothing() -> None:
    measures = pair_measures(LAYOUT, count([(Answer(0.25, 1), Answer(0.25, 1), (0, 0))] * 3))
    assert (measures.delta_p05, measures.delta_p50, measures.delta_p95, measures.delta_mean) == (0, 0, 0, 0)
    assert measures.flips == ()


def test_the_ratio_of_medians_is_within_a_bin_of_the_true_one() -> None:
    rng = np.random.default_rng(7)
    slow, fast = rng.lognormal(4.0, 0.5, 5_000), rng.lognormal(3.0, 0.5, 5_000)
    pairs = [
        (Answer(0.5, latency_ms=float(ours)), Answer(0.5, latency_ms=float(theirs)), (0, 0))
        for ours, theirs in zip(slow, fast, strict=True)
    ]
    measures = pair_measures(LAYOUT, count(pairs))
    assert measures.latency_ratio == pytest.approx(np.median(slow) / np.median(fast), rel=0.01)
    one = pair_measures(LAYOUT, count([(Answer(0.5, latency_ms=30.0), Answer(0.5, latency_ms=10.0), (0, 0))]))
    assert one.latency_ratio == pytest.approx(3.0, rel=0.125)


def test_what_the_join_counts_makes_the_join_rate() -> None:
    counts = count([(Answer(0.3), Answer(0.3), (0, 0))] * 9)
    counts[[LAYOUT.candidates, LAYOUT.controls, LAYOUT.unmatched_candidate, LAYOUT.unmatched_control]] = (12, 30, 3, 21)
    measures = pair_measures(LAYOUT, counts)
    assert (measures.join_rate, measures.candidates, measures.controls) == (0.75, 12, 30)
    assert (measures.unmatched_candidate, measures.unmatched_control) == (3, 21)


def test_the_feature_that_sets_disagreeing_requests_apart_is_named_and_no_other() -> None:
    rng = np.random.default_rng(11)
    first, second = rng.integers(0, 4, 4_000), rng.integers(0, 6, 4_000)
    differs = rng.random(4_000) < np.where(first == 3, 0.5, 0.02)
    pairs = [
        (Answer(0.9 if other else 0.1), Answer(0.1), (int(a), int(b)))
        for other, a, b in zip(differs, first, second, strict=True)
    ]
    ((feature, distance),) = pair_measures(LAYOUT, count(pairs)).features
    assert feature == 0
    assert distance > 1


def test_features_are_named_by_chance_in_one_list_of_a_hundred() -> None:
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(50), size=20)
    wrong = 0
    for _ in range(400):
        ours = [rng.multinomial(80, share).astype(np.int64) for share in shares]
        rest = [rng.multinomial(3_000, share).astype(np.int64) for share in shares]
        wrong += bool(set_apart(ours, rest))
    assert wrong <= 12  # 4 expected


def test_few_disagreements_set_nothing_apart() -> None:
    assert set_apart([np.array([29, 0])], [np.array([0, 1_000])]) == ()
    assert set_apart([], []) == ()


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_is_scipys(case: tuple[int, int]) -> None:
    events, n = case
    expected = stats.binomtest(events, n).proportion_ci(0.95, method="wilson")
    assert wilson(events, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson(0, 0) is None


def test_nonsense_is_refused() -> None:
    good = columns([(Answer(0.3), Answer(0.3), (0, 0))])
    for wrong in (
        dataclasses.replace(good, control_score=np.zeros(2)),
        dataclasses.replace(good, control_label=np.array([3], dtype=np.int16)),
        dataclasses.replace(good, candidate_label=np.array([-2], dtype=np.int16)),
        dataclasses.replace(good, bins=np.array([[4, 0]], dtype=np.uint8)),
        dataclasses.replace(good, bins=np.array([[0]], dtype=np.uint8)),
    ):
        with pytest.raises(ValueError, match=r"columns|layout"):
            count_pairs(LAYOUT, wrong, TOLERANCE)
    with pytest.raises(ValueError, match="expected"):
        pair_measures(LAYOUT, np.zeros(3, dtype=np.int64))
