"""What quality rules need counted beyond bins: rows that break a rule, and distinct values."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kedge.detectors.cardinality import COUNTERS, counters_of_numbers, counters_of_strings
from kedge.detectors.grids import CategoryGrid
from kedge.detectors.quality import FeatureRules
from kedge.schemas.monitor import FeatureSpec
from kedge.streams.core.binning import column_of, texts_of_numbers
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.plan import Plan, PlanSignal

__all__ = ["count_rules", "rules_of"]

Codes = NDArray[np.intp]


def rules_of(spec: FeatureSpec) -> FeatureRules:
    """Return a monitor's rules as the detectors know them."""
    low, high = spec.range or (None, None)
    return FeatureRules(
        missing_max=spec.missing_max,
        range_min=low,
        range_max=high,
        allowed=None if spec.allowed is None else frozenset(spec.allowed),
        cardinality_max=spec.cardinality_max,
        freshness_max_ms=spec.freshness_max_ms,
        critical=spec.critical,
    )


def count_rules(plan: Plan, parts: Sequence[Columns]) -> Iterator[tuple[slice, int, Codes]]:
    """Yield where in the layout a rule's counters lie, how many, and each row's (one past: none)."""
    for signal in plan.signals:
        asked = plan.rules_of(signal)
        if signal.feature is None or not asked.size:
            continue
        rules = rules_of(signal.feature)
        start = signal.rules.start
        if asked.out_of_rule:
            broken = np.concatenate([_broken(signal, rules, part) for part in parts])
            yield slice(start, start + 1), 1, np.where(broken, 0, 1)
            start += 1
        if asked.distinct:
            counters = np.concatenate([_counters(signal, part) for part in parts])
            yield slice(start, start + COUNTERS), COUNTERS, counters


def _broken(signal: PlanSignal, rules: FeatureRules, part: Columns) -> NDArray[np.bool_]:
    numbers, texts = _valid_columns(signal, part)
    broken = np.zeros(part.rows, np.bool_)
    if texts is not None:
        refused = np.array([not rules.allows(text) for text in texts.dictionary])
        broken |= refused[texts.codes] & _present(texts.valid, part.rows)
    if numbers is not None:
        outside = rules.outside_range(numbers.values) & np.isfinite(numbers.values)
        broken |= outside & _present(numbers.valid, part.rows)
    return broken


def _counters(signal: PlanSignal, part: Columns) -> Codes:
    numbers, texts = _valid_columns(signal, part)
    counters = np.full(part.rows, COUNTERS, np.intp)
    if texts is not None:
        found = counters_of_strings(texts.dictionary)[texts.codes]
        counters = np.where(_present(texts.valid, part.rows), found, counters)
    if numbers is not None:
        present = _present(numbers.valid, part.rows) & np.isfinite(numbers.values)
        counters = np.where(present, counters_of_numbers(numbers.values), counters)
    return counters


def _valid_columns(signal: PlanSignal, part: Columns) -> tuple[Numbers | None, Texts | None]:
    """The columns whose values are of the signal's type; numbers of a category as texts."""
    numbers, texts = column_of(signal, part)
    if not isinstance(signal.grid, CategoryGrid):
        return numbers, None
    if numbers is None or texts is not None:
        return None, texts
    finite = np.isfinite(numbers.values)
    as_texts = texts_of_numbers(numbers)
    valid = finite if numbers.valid is None else finite & numbers.valid
    return None, Texts(as_texts.dictionary, as_texts.codes, valid)


def _present(valid: NDArray[np.bool_] | None, rows: int) -> NDArray[np.bool_]:
    return np.ones(rows, np.bool_) if valid is None else valid
