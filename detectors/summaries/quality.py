"""What a feature's quality rules need counted beyond its bins."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kedge.detectors.arrays import Bins, Counts, Floats
from kedge.detectors.cardinality import COUNTERS, Distinct, counters_of_numbers, counters_of_strings, distinct
from kedge.detectors.quality import FeatureRules


@dataclass(frozen=True, eq=False)
class QualitySummary:
    """Counts for the rules of one feature; of present, valid rows only, the others are in the feature's bins.

    >>> summary = QualitySummary.empty(FeatureRules(range_min=0.0)).update_numbers(np.array([3.0, -1.0]))
    >>> summary.out_of_rule, summary.distinct
    (1, None)
    """

    rules: FeatureRules
    counts: Counts = field(repr=False)
    """Shape (rules.counted.size,), laid out as `kedge.detectors.layout.RuleCounts` says."""

    @classmethod
    def empty(cls, rules: FeatureRules) -> "QualitySummary":
        """The identity: no rows."""
        return cls(rules, np.zeros(rules.counted.size, dtype=np.int64))

    def update_numbers(self, values: Floats) -> "QualitySummary":
        """With these rows of a numeric feature, too; shape (n,), finite."""
        counted = self.rules.counted
        counts = self.counts.copy()
        counts[counted.out_of_rule_slice] += int(np.count_nonzero(self.rules.outside_range(values)))
        if counted.distinct:
            counts[counted.distinct_slice] += np.bincount(counters_of_numbers(values), minlength=COUNTERS)
        return QualitySummary(self.rules, counts)

    def update_strings(self, dictionary: Sequence[str], codes: Bins) -> "QualitySummary":
        """With these rows of a categorical feature, too; ``codes``, shape (n,), are indices into the dictionary."""
        counted = self.rules.counted
        counts = self.counts.copy()
        rows = np.bincount(codes, minlength=len(dictionary))
        forbidden = [index for index, text in enumerate(dictionary) if not self.rules.allows(text)]
        counts[counted.out_of_rule_slice] += int(rows[forbidden].sum())
        if counted.distinct:
            np.add.at(counts[counted.distinct_slice], counters_of_strings(dictionary), rows)
        return QualitySummary(self.rules, counts)

    def merge(self, other: "QualitySummary") -> "QualitySummary":
        """The rows of both.

        Raises:
            ValueError: counts for other rules.
        """
        if self.rules != other.rules:
            message = "summaries for different rules do not add up"
            raise ValueError(message)
        return QualitySummary(self.rules, self.counts + other.counts)

    @property
    def out_of_rule(self) -> int:
        """Rows that break ``range`` or ``allowed``; 0 without such a rule."""
        return int(self.counts[self.rules.counted.out_of_rule_slice].sum())

    @property
    def distinct(self) -> Distinct | None:
        """How many distinct values there were; None without such a rule."""
        counted = self.rules.counted
        return distinct(self.counts[counted.distinct_slice]) if counted.distinct else None
