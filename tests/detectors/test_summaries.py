"""The laws of a commutative monoid, for every summary; and that a vector over a layout holds them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors import summaries
from kedge.detectors.arrays import Counts
from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, ValueGrid
from kedge.detectors.grids.category import category_hash
from kedge.detectors.layout import Layout, RuleCounts
from kedge.detectors.quality import FeatureRules
from kedge.detectors.summaries import CategoricalSummary, NumericSummary, QualitySummary


class Summary(Protocol):
    """What the laws are about."""

    @property
    def counts(self) -> Counts:
        """The whole state."""

    def merge(self, other: Any) -> Any:
        """The rows of both."""


@dataclass(frozen=True)
class Case:
    """One kind of summary with rows for it."""

    empty: Callable[[], Summary]
    update: Callable[[Any, Sequence[Any]], Summary]
    row: st.SearchStrategy[Any]
    restore: Callable[[Counts], Summary]


QUANTILES = QuantileGrid(edges=(1.0, 2.0, 3.0), low=0.0, high=4.0, decision_edges=(1,))
VALUES = ValueGrid((0.0, 1.0))
CATEGORIES = CategoryGrid(("a", "b"), np.array([category_hash("rare")], dtype=np.uint64))
NUMBER_RULES = FeatureRules(range_min=0.0, range_max=3.0, cardinality_max=10)
STRING_RULES = FeatureRules(allowed=frozenset({"a", "rare"}), cardinality_max=10)
DICTIONARY = ("a", "b", "rare", "never", "")


def update_numbers(summary: NumericSummary, rows: Sequence[tuple[float, bool]]) -> NumericSummary:
    values = np.array([value for value, _ in rows], dtype=np.float64)
    return summary.update(values, np.array([valid for _, valid in rows], dtype=np.bool_))


def update_categories(summary: CategoricalSummary, rows: Sequence[tuple[int, bool]]) -> CategoricalSummary:
    codes = np.array([code for code, _ in rows], dtype=np.intp)
    return summary.update(DICTIONARY, codes, np.array([valid for _, valid in rows], dtype=np.bool_))


def update_number_rules(summary: QualitySummary, rows: Sequence[float]) -> QualitySummary:
    return summary.update_numbers(np.array(rows, dtype=np.float64))


def update_string_rules(summary: QualitySummary, rows: Sequence[int]) -> QualitySummary:
    return summary.update_strings(DICTIONARY, np.array(rows, dtype=np.intp))


numbers = st.tuples(st.floats() | st.integers(-1, 5).map(float), st.booleans())
CASES = {
    "numeric, quantiles": Case(
        lambda: NumericSummary.empty(QUANTILES), update_numbers, numbers, lambda c: NumericSummary(QUANTILES, c)
    ),
    "numeric, values": Case(
        lambda: NumericSummary.empty(VALUES), update_numbers, numbers, lambda c: NumericSummary(VALUES, c)
    ),
    "categorical": Case(
        lambda: CategoricalSummary.empty(CATEGORIES),
        update_categories,
        st.tuples(st.integers(-1, len(DICTIONARY) - 1), st.booleans()),
        lambda c: CategoricalSummary(CATEGORIES, c),
    ),
    "quality of numbers": Case(
        lambda: QualitySummary.empty(NUMBER_RULES),
        update_number_rules,
        st.floats(-9, 9),
        lambda c: QualitySummary(NUMBER_RULES, c),
    ),
    "quality of strings": Case(
        lambda: QualitySummary.empty(STRING_RULES),
        update_string_rules,
        st.integers(0, len(DICTIONARY) - 1),
        lambda c: QualitySummary(STRING_RULES, c),
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_summary_is_held_to_the_laws() -> None:
    assert {type(case.empty()).__name__ for case in CASES.values()} == set(summaries.__all__)


def same(left: Summary, right: Summary) -> bool:
    return left.counts.dtype == right.counts.dtype == np.int64 and np.array_equal(left.counts, right.counts)


@each
@given(data=st.data())
def test_counting_all_rows_is_merging_the_counts_of_parts(case: Case, data: st.DataObject) -> None:
    rows = st.lists(case.row, max_size=30)
    a, b = data.draw(rows), data.draw(rows)
    whole = case.update(case.empty(), a + b)
    assert same(whole, case.update(case.empty(), a).merge(case.update(case.empty(), b)))
    assert same(whole, case.update(case.update(case.empty(), a), b))


@each
@given(data=st.data())
def test_merging_has_an_identity_and_asks_for_no_order(case: Case, data: st.DataObject) -> None:
    rows = st.lists(case.row, max_size=20)
    a, b, c = (case.update(case.empty(), data.draw(rows)) for _ in range(3))
    assert same(a.merge(case.empty()), a)
    assert same(case.empty().merge(a), a)
    assert same(a.merge(b), b.merge(a))
    assert same(a.merge(b).merge(c), a.merge(b.merge(c)))


@each
@given(data=st.data())
def test_a_summary_is_restored_from_its_counts_and_never_changes(case: Case, data: st.DataObject) -> None:
    rows = data.draw(st.lists(case.row, min_size=1, max_size=20))
    first = case.update(case.empty(), rows)
    kept = first.counts.copy()
    restored = case.restore(first.counts.copy())
    assert same(case.update(restored, rows), case.update(first, rows))
    first.merge(first)
    assert np.array_equal(first.counts, kept)


@each
@given(data=st.data())
def test_no_row_is_lost(case: Case, data: st.DataObject) -> None:
    rows = data.draw(st.lists(case.row, max_size=30))
    summary = case.update(case.empty(), rows)
    counted = summary.counts
    if isinstance(summary, QualitySummary):
        counted = counted[summary.rules.counted.distinct_slice]
    assert counted.sum() == len(rows)


def test_summaries_of_different_things_do_not_add_up() -> None:
    pairs: list[tuple[Summary, Summary]] = [
        (NumericSummary.empty(VALUES), NumericSummary.empty(ValueGrid((0.0, 2.0)))),
        (
            CategoricalSummary.empty(CATEGORIES),
            CategoricalSummary.empty(CategoryGrid(("a", "c"), CATEGORIES.rare)),
        ),
        (QualitySummary.empty(NUMBER_RULES), QualitySummary.empty(STRING_RULES)),
    ]
    for left, right in pairs:
        with pytest.raises(ValueError, match="do not add up"):
            left.merge(right)


def test_quality_counts_what_breaks_a_rule_and_how_many_values_there_were() -> None:
    numbers_seen = update_number_rules(QualitySummary.empty(NUMBER_RULES), [-1.0, 0.0, 0.0, 3.0, 3.5])
    assert numbers_seen.out_of_rule == 2
    assert numbers_seen.distinct is not None
    assert numbers_seen.distinct.estimate == pytest.approx(4, abs=0.1)
    strings_seen = update_string_rules(QualitySummary.empty(STRING_RULES), [0, 0, 1, 2, 3, 3])
    assert strings_seen.out_of_rule == 3
    plain = QualitySummary.empty(FeatureRules(missing_max=0.1)).update_numbers(np.array([1.0]))
    assert (plain.out_of_rule, plain.distinct, plain.counts.size) == (0, None, 0)


GRIDS: dict[tuple[str, str], Grid] = {
    ("feature", "age"): QUANTILES,
    ("feature", "carrier"): CATEGORIES,
    ("score", ""): VALUES,
}
RULES = {("feature", "age"): NUMBER_RULES.counted, ("feature", "carrier"): RuleCounts(out_of_rule=True)}


def test_a_layout_covers_its_vector_once() -> None:
    layout = Layout.of(GRIDS, RULES)
    covered = np.zeros(layout.size, dtype=np.int64)
    for index in range(3):
        covered[layout.slice(index)] += 1
        covered[layout.rules_slice(index)] += 1
    assert covered.tolist() == [1] * layout.size
    assert layout.keys == tuple(GRIDS)
    assert [layout.slice(index).stop - layout.slice(index).start for index in range(3)] == [8, 6, 5]
    assert layout.rules_slice(0).stop - layout.rules_slice(0).start == 257


def test_merging_views_of_a_layout_is_adding_vectors() -> None:
    layout = Layout.of(GRIDS, RULES)
    vectors = [np.zeros(layout.size, dtype=np.int64) for _ in range(2)]
    for seed, vector in enumerate(vectors):
        values = np.random.default_rng(seed).normal(2, 1, 50)
        vector[layout.slice(0)] = NumericSummary(QUANTILES, vector[layout.slice(0)]).update(values).counts
        where = layout.rules_slice(0)
        vector[where] = QualitySummary(NUMBER_RULES, vector[where]).update_numbers(values).counts
    both = vectors[0] + vectors[1]
    views = [NumericSummary(QUANTILES, vector[layout.slice(0)]) for vector in (*vectors, both)]
    assert np.array_equal(views[0].merge(views[1]).counts, views[2].counts)
    assert QualitySummary(NUMBER_RULES, both[layout.rules_slice(0)]).out_of_rule > 0


def test_layouts_are_equal_by_content_and_refuse_rules_of_nobody() -> None:
    assert Layout.of(GRIDS, RULES) == Layout.of(dict(GRIDS), dict(RULES))
    assert Layout.of({}, {}).size == 0
    with pytest.raises(ValueError, match="rules without a grid"):
        Layout.of(GRIDS, {("feature", "nobody"): RuleCounts(out_of_rule=True)})
