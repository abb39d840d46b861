"""Where in one flat vector of counts each signal's bins and each feature's rule counters lie.

A vector over a layout is the whole state of a pane or window: merging is adding vectors, and the summaries
(`kedge.detectors.summaries`) are views of its slices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TypeAlias

from kedge.detectors.cardinality import COUNTERS
from kedge.detectors.grids import Grid

Slice: TypeAlias = slice
"""The builtin, under a name that `Layout.slice` leaves free."""
Key: TypeAlias = tuple[str, str]
"""(kind, name) of a signal."""


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """What a feature's quality rules need counted beyond its bins: ``[out of rule, counters …]``, each if asked for."""

    out_of_rule: bool = False
    """One counter: present, valid rows outside ``range`` or not among ``allowed``."""
    distinct: bool = False
    """256 counters of `kedge.detectors.cardinality`."""

    @property
    def size(self) -> int:
        """Integers needed."""
        return int(self.out_of_rule) + COUNTERS * self.distinct

    @property
    def out_of_rule_slice(self) -> Slice:
        """Where among them the rows out of rule are counted; empty if they are not."""
        return Slice(0, int(self.out_of_rule))

    @property
    def distinct_slice(self) -> Slice:
        """Where among them the 256 counters lie; empty if there are none."""
        return Slice(int(self.out_of_rule), self.size)


@dataclass(frozen=True)
class Layout:
    """All bins of the signals in order, then the rule counters of the signals in the same order.

    >>> from kedge.detectors.grids import ValueGrid
    >>> grids = {("feature", "age"): ValueGrid((1.0, 2.0)), ("score", ""): ValueGrid(())}
    >>> layout = Layout.of(grids, {("feature", "age"): RuleCounts(out_of_rule=True)})
    >>> layout.size, layout.slice(1), layout.rules_slice(0), layout.rules_slice(1)
    (9, slice(5, 8, None), slice(8, 9, None), slice(9, 9, None))
    """

    keys: tuple[Key, ...]
    grids: tuple[Grid, ...]
    rules: tuple[RuleCounts, ...]
    """One a signal; an empty one where there is nothing extra to count."""

    @classmethod
    def of(cls, grids: Mapping[Key, Grid], rules: Mapping[Key, RuleCounts]) -> "Layout":
        """The layout of the signals in the mapping's order.

        Raises:
            ValueError: rules of a signal that has no grid.
        """
        if not rules.keys() <= grids.keys():
            message = f"rules without a grid: {sorted(rules.keys() - grids.keys())}"
            raise ValueError(message)
        keys = tuple(grids)
        return cls(keys=keys, grids=tuple(grids.values()), rules=tuple(rules.get(key, RuleCounts()) for key in keys))

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self._bounds[-1]

    def slice(self, index: int) -> Slice:
        """Where the fine bins of the signal of that index lie."""
        return Slice(*self._spans[index])

    def rules_slice(self, index: int) -> Slice:
        """Where its rule counters lie; empty if it has none."""
        return Slice(*self._spans[len(self.keys) + index])

    @cached_property
    def _bounds(self) -> tuple[int, ...]:
        sizes = [part.size for part in (*self.grids, *self.rules)]
        return tuple(accumulate(sizes, initial=0))

    @cached_property
    def _spans(self) -> tuple[tuple[int, int], ...]:
        return tuple(pairwise(self._bounds))
