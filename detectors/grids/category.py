"""One bin a frequent category, for strings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xxhash

from kedge.detectors.arrays import Bins, Hashes
from kedge.detectors.grids.labels import INVALID, MISSING, OTHER, UNSEEN


def category_hash(category: str) -> int:
    """64-bit xxHash (seed 0) of the UTF-8 bytes, under which a grid knows its rare categories."""
    return xxhash.xxh64_intdigest(category.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, eq=False)
class CategoryGrid:
    """Bins ``[c_0, …, c_{k-1}, OTHER, UNSEEN, MISSING, INVALID]`` (definitions, Bins 2).

    OTHER: in the baseline, but too rare to be named. UNSEEN: never in the baseline.
    """

    categories: tuple[str, ...]
    """The named ones, most frequent first."""
    rare: Hashes = field(repr=False)
    """``category_hash`` of those known but not named, shape (r,), ascending: the grid does not hold their names."""

    def __post_init__(self) -> None:
        """Refuse what could not have been fitted.

        Raises:
            ValueError: a category named twice, or rare hashes that are not strictly ascending uint64.
        """
        if len(set(self.categories)) != len(self.categories):
            message = "categories must differ"
            raise ValueError(message)
        if self.rare.dtype != np.uint64 or np.any(self.rare[1:] <= self.rare[:-1]):
            message = "rare must be uint64 and ascend strictly"
            raise ValueError(message)

    def __eq__(self, other: object) -> bool:
        """Same categories in the same order, same rare ones."""
        if not isinstance(other, CategoryGrid):
            return NotImplemented
        return self.categories == other.categories and np.array_equal(self.rare, other.rare)

    def __hash__(self) -> int:
        """By the named categories: the rare ones follow from the same baseline."""
        return hash(self.categories)

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.categories) + 4

    @property
    def other(self) -> int:
        """Index of the OTHER bin."""
        return len(self.categories)

    @property
    def unseen(self) -> int:
        """Index of the UNSEEN bin."""
        return len(self.categories) + 1

    @property
    def missing(self) -> int:
        """Index of the MISSING bin."""
        return self.size - 2

    @property
    def invalid(self) -> int:
        """Index of the INVALID bin."""
        return self.size - 1

    @property
    def foreign(self) -> tuple[int, ...]:
        """Indices of the bins of values the baseline never had: UNSEEN."""
        return (self.unseen,)

    def bins_of(self, strings: Sequence[str]) -> Bins:
        """The bin of every string, shape (n,): never MISSING or INVALID.

        Meant for a column's dictionary, whose codes are then mapped through the result: the cost is a dictionary
        lookup an entry, and a hash for the entries that have no bin of their own.

        >>> grid = CategoryGrid(("UA", "AA"), np.array([category_hash("OO")], dtype=np.uint64))
        >>> grid.bins_of(["AA", "OO", "aa"])
        array([1, 2, 3])
        """
        index = self._index
        bins = np.fromiter((index.get(text, self.unseen) for text in strings), dtype=np.intp, count=len(strings))
        unnamed = np.flatnonzero(bins == self.unseen)
        if unnamed.size and self.rare.size:
            hashes = np.array([category_hash(strings[row]) for row in unnamed.tolist()], dtype=np.uint64)
            places = np.minimum(np.searchsorted(self.rare, hashes), self.rare.size - 1)
            bins[unnamed[self.rare[places] == hashes]] = self.other
        return bins

    def decision(self) -> Bins:
        """The decision bin of every bin, shape (size,): itself."""
        return np.arange(self.size, dtype=np.intp)

    def labels(self) -> tuple[str, ...]:
        """A label a bin, in order. A category may be called like a special bin: those are always the last four."""
        return (*self.categories, OTHER, UNSEEN, MISSING, INVALID)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {category: index for index, category in enumerate(self.categories)}
