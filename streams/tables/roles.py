"""Which column of a file means what."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from kedge.schemas.monitor import FeatureType, MonitorSpec
from kedge.streams.tables.errors import ColumnError, TableError

__all__ = ["Roles"]

_OPTIONAL: Final = frozenset(("--timestamp", "--version", "--role", "--request-id", "--outcome", "--ignore"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Columns named for a role; every other one that is not left out is a feature.

    A column with a role is a feature as well only where the monitor names it as one.
    """

    timestamp: str | None = None
    score: str | None = None
    label: str | None = None
    confidence: str | None = None
    version: str | None = None
    role: str | None = None
    request_id: str | None = None
    outcome: str | None = None
    segments: tuple[str, ...] = ()
    ignored: frozenset[str] = field(default_factory=frozenset)
    monitor: MonitorSpec | None = None
    reference: bool = False
    """Only values matter: the file may lack time, version, role and the columns to leave out."""

    def check(self, columns: Sequence[str], source: str) -> None:
        """Raise `ColumnError` where the file does not have these columns, `TableError` for a name twice or none."""
        twice = [name for name, times in Counter(columns).items() if times > 1]
        if twice:
            raise TableError(f"{source}: several columns are called {', '.join(map(repr, twice))}")
        unnamed = [index for index, name in enumerate(columns, 1) if not name.strip()]
        if unnamed:
            raise TableError(f"{source}: column {unnamed[0]} has no name")
        for option, name in self._named():
            if name not in columns and not (self.reference and option in _OPTIONAL):
                raise ColumnError(f"{source} has no column {name!r} ({option}){_nearest(name, columns)}")
        single = [name for option, name in self._named() if option != "--segment"]
        shared = [name for name, times in Counter(single).items() if times > 1]
        if shared:
            raise ColumnError(f"column {shared[0]!r} is named for two roles: name one column for each")

    def features(self, columns: Sequence[str]) -> list[str]:
        """Return the feature columns, in the file's order."""
        known = frozenset() if self.monitor is None else self.monitor.features.keys()
        taken = {name for _, name in self._named()}
        return [name for name in columns if name in known or name not in taken]

    def categorical(self) -> frozenset[str]:
        """Return the features that the monitor calls categorical."""
        features = {} if self.monitor is None else self.monitor.features
        return frozenset(name for name, spec in features.items() if spec.type is FeatureType.CATEGORICAL)

    def texts(self) -> frozenset[str]:
        """Return the columns that are text whatever they look like: 02139 is a category, not a number."""
        roles = {self.label, self.version, self.role, self.request_id, *self.segments}
        return self.categorical() | {name for name in roles if name is not None}

    def _named(self) -> Iterator[tuple[str, str]]:
        """Each named column with the option that names it."""
        for role in ("timestamp", "score", "label", "confidence", "version", "role", "request_id", "outcome"):
            name = getattr(self, role)
            if name is not None:
                yield f"--{role.replace('_', '-')}", name
        for name in self.segments:
            yield "--segment", name
        for name in sorted(self.ignored):
            yield "--ignore", name


def _nearest(name: str, columns: Sequence[str]) -> str:
    near = get_close_matches(name, columns, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(columns[:20])}"
