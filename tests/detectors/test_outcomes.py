"""Outcomes: the measures are those that counting by hand gives, and counts merge."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kedge.detectors.arrays import Counts, Floats
from kedge.detectors.outcome_measures import OutcomeMeasures, good, outcome_measures
from kedge.detectors.outcomes import NO_LABEL, OutcomeColumns, OutcomeKind, OutcomeLayout, count_outcomes

BINARY = OutcomeLayout(OutcomeKind.BINARY)
CLASSES = OutcomeLayout(OutcomeKind.CLASS, ("cat", "dog", "owl"))
NUMERIC = OutcomeLayout(OutcomeKind.NUMERIC, tolerance=1.0)
LAYOUTS = (BINARY, CLASSES, NUMERIC)

Row = tuple[float, float, int]
"""Observed, score, label."""


def count(layout: OutcomeLayout, rows: list[Row]) -> Counts:
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 3)
    columns = OutcomeColumns(observed=table[:, 0], score=table[:, 1], label=table[:, 2].astype(np.int16))
    return count_outcomes(layout, columns)


def measures(layout: OutcomeLayout, rows: list[Row]) -> OutcomeMeasures:
    return outcome_measures(layout, count(layout, rows))


any_rows = st.lists(
    st.tuples(st.floats() | st.integers(-1, 5).map(float), st.floats() | st.floats(0, 1), st.integers(NO_LABEL, 2)),
    max_size=20,
)
binary_rows = st.lists(
    st.tuples(st.sampled_from((0.0, 1.0)), st.floats(0, 1), st.integers(NO_LABEL, 1)), min_size=1, max_size=60
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.kind)
@given(left=any_rows, right=any_rows)
def test_counts_of_all_rows_are_the_sum_of_counts_of_parts(
    layout: OutcomeLayout, left: list[Row], right: list[Row]
) -> None:
    assert np.array_equal(count(layout, left + right), count(layout, left) + count(layout, right))
    outcome_measures(layout, count(layout, left + right))  # whatever came, there is something to say


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.kind)
def test_nothing_says_nothing(layout: OutcomeLayout) -> None:
    assert not count(layout, []).any()
    assert measures(layout, []) == OutcomeMeasures(n=0, predictions=0, invalid=0, coverage=None)


@given(binary_rows)
def test_measures_of_probabilities_are_their_definitions(rows: list[Row]) -> None:
    observed, score = (np.array(column) for column in list(zip(*rows, strict=True))[:2])
    found = measures(BINARY, rows)
    assert found.n == len(rows)
    assert found.positive_rate == pytest.approx(observed.mean())
    given_to_it = np.clip(np.where(observed == 1, score, 1 - score), 1e-15, 1)
    assert found.log_loss == pytest.approx(-np.log(given_to_it).mean(), abs=1e-6)
    assert found.brier == pytest.approx(((observed - score) ** 2).mean(), abs=1e-6)
    assert found.ece == pytest.approx(_ece(observed, score), abs=1e-5)


def _ece(observed: Floats, score: Floats) -> float:
    ends = [tenth / 10 for tenth in range(1, 10)]
    tenths = [sum(s >= end for end in ends) for s in score]
    total = 0.0
    for tenth in set(tenths):
        inside = [i for i, other in enumerate(tenths) if other == tenth]
        total += len(inside) / len(tenths) * abs(float(score[inside].mean()) - float(observed[inside].mean()))
    return total


@given(binary_rows)
def test_the_binned_auc_is_within_its_error_of_the_exact_one(rows: list[Row]) -> None:
    ones = [score for observed, score, _ in rows if observed == 1]
    zeros = [score for observed, score, _ in rows if observed == 0]
    found = measures(BINARY, rows)
    if not ones or not zeros:
        assert found.auc is found.auc_error is None
        return
    exact = sum((one > zero) + (one == zero) / 2 for one in ones for zero in zeros) / len(ones) / len(zeros)
    assert found.auc is not None
    assert found.auc_error is not None
    assert abs(found.auc - exact) <= found.auc_error + 1e-12


def test_a_click_models_auc_is_exact_to_a_thousandth() -> None:
    rng = np.random.default_rng(5)
    score = rng.beta(2.0, 38.0, 200_000)
    observed = (rng.random(score.size) < score).astype(np.float64)
    found = measures(BINARY, [(o, s, NO_LABEL) for o, s in zip(observed.tolist(), score.tolist(), strict=True)])
    u = stats.mannwhitneyu(score[observed == 1], score[observed == 0]).statistic
    exact = u / observed.sum() / (observed.size - observed.sum())
    assert found.auc == pytest.approx(exact, abs=1e-3)
    assert found.auc_error is not None
    assert found.auc_error < 0.02
    assert found.ece == pytest.approx(0, abs=0.002)


def test_probabilities_of_a_published_example() -> None:
    """Values of scikit-learn's documentation: log_loss, brier_score_loss, roc_auc_score, classification metrics."""
    log_loss = measures(BINARY, [(1.0, 0.9, -1), (0.0, 0.1, -1), (0.0, 0.2, -1), (1.0, 0.65, -1)]).log_loss
    assert log_loss == pytest.approx(0.21616, abs=1e-5)
    brier = measures(BINARY, [(0.0, 0.1, -1), (1.0, 0.9, -1), (1.0, 0.8, -1), (0.0, 0.3, -1)]).brier
    assert brier == pytest.approx(0.0375, abs=1e-6)
    auc = measures(BINARY, [(0.0, 0.1, -1), (0.0, 0.4, -1), (1.0, 0.35, -1), (1.0, 0.8, -1)]).auc
    assert auc == 0.75


def test_classes_of_a_published_example() -> None:
    """scikit-learn's documentation of precision_recall_fscore_support (macro), from which 0.22, 0.33, 0.26 are."""
    truth, predicted = [0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]
    found = measures(CLASSES, [(float(o), math.nan, p) for o, p in zip(truth, predicted, strict=True)])
    assert found.precision == pytest.approx(2 / 9)
    assert found.recall == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(0.26667, abs=1e-5)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.log_loss is found.positive_rate is found.mae is None


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(NO_LABEL, 2)), max_size=40))
def test_precision_and_recall_are_counted_over_labelled_rows(pairs: list[tuple[int, int]]) -> None:
    layout = OutcomeLayout(OutcomeKind.BINARY, ("reject", "accept"))
    found = measures(layout, [(float(observed), math.nan, label) for observed, label in pairs])
    labelled = [pair for pair in pairs if pair[1] != NO_LABEL]
    hits = labelled.count((1, 1))
    predicted, observed = sum(label == 1 for _, label in labelled), sum(o == 1 for o, _ in labelled)
    assert found.precision == (hits / predicted if predicted else None)
    assert found.recall == (hits / observed if observed else None)
    assert found.f1 == (2 * hits / (predicted + observed) if predicted + observed else None)
    assert found.accuracy == (sum(o == p for o, p in labelled) / len(labelled) if labelled else None)
    names = ("reject", "accept", "other")
    assert {cell[:2]: cell[2] for cell in found.confusion} == {
        (names[o], names[p]): labelled.count((o, p)) for o, p in set(labelled)
    }


@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)), min_size=1, max_size=40))
def test_errors_of_numbers_are_their_definitions(pairs: list[tuple[float, float]]) -> None:
    errors = np.array([observed - score for observed, score in pairs])
    rows: list[Row] = [(observed, score, NO_LABEL) for observed, score in pairs]
    found = measures(NUMERIC, rows)
    assert found.mae == pytest.approx(np.abs(errors).mean(), abs=1e-6)
    assert found.rmse == pytest.approx(math.sqrt((errors**2).mean()), rel=1e-9, abs=1e-3)
    assert good(NUMERIC, count(NUMERIC, rows), "within_tolerance") == (len(rows), int((np.abs(errors) <= 1).sum()))


def test_what_cannot_be_is_counted_as_invalid_and_nowhere_else() -> None:
    found = measures(BINARY, [(0.5, 0.5, 1), (math.nan, 0.5, 1), (2.0, 0.5, 1), (1.0, 0.5, 1)])
    assert (found.n, found.invalid, found.positive_rate, found.accuracy) == (1, 3, 1.0, 1.0)
    assert measures(CLASSES, [(4.0, 0.5, 1), (3.0, 0.5, 3)]).confusion == (("other", "other", 1),)
    assert measures(NUMERIC, [(math.inf, 0.5, NO_LABEL)]).invalid == 1


def test_scores_that_are_no_probabilities_are_not_judged_as_such() -> None:
    found = measures(BINARY, [(1.0, 0.5, NO_LABEL), (0.0, 0.2, NO_LABEL), (1.0, 3.7, NO_LABEL)])
    assert found.positive_rate == pytest.approx(2 / 3)
    assert found.log_loss is found.brier is found.ece is found.auc is None


def test_good_rows_are_those_of_the_measure() -> None:
    rows: list[Row] = [(1.0, 0.5, 1), (0.0, 0.5, 1), (1.0, 0.5, NO_LABEL)]
    assert good(BINARY, count(BINARY, rows), "positive_rate") == (3, 2)
    assert good(BINARY, count(BINARY, rows), "accuracy") == (2, 1)
    for layout, measure in (
        (BINARY, "within_tolerance"),
        (CLASSES, "positive_rate"),
        (NUMERIC, "accuracy"),
        (OutcomeLayout(OutcomeKind.NUMERIC), "within_tolerance"),
    ):
        with pytest.raises(ValueError, match="has no"):
            good(layout, count(layout, []), measure)


def test_coverage_is_what_came_of_what_could() -> None:
    counts = count(BINARY, [(1.0, 0.5, NO_LABEL)] * 3)
    counts[BINARY.predictions] = 12
    assert outcome_measures(BINARY, counts).coverage == 0.25


def test_nonsense_is_refused() -> None:
    for kind, classes in ((OutcomeKind.BINARY, ("a",)), (OutcomeKind.CLASS, ()), (OutcomeKind.NUMERIC, ("a",))):
        with pytest.raises(ValueError, match="classes"):
            OutcomeLayout(kind, classes)
    with pytest.raises(ValueError, match="label"):
        count(BINARY, [(1.0, 0.5, 3)])
    with pytest.raises(ValueError, match="one length"):
        count_outcomes(
            BINARY, OutcomeColumns(observed=np.zeros(2), score=np.zeros(1), label=np.zeros(2, dtype=np.int16))
        )
    with pytest.raises(ValueError, match="expected"):
        outcome_measures(BINARY, np.zeros(3, dtype=np.int64))
