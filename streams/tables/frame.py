"""A file's rows in order of time, cut into the columns that tally counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Role
from kedge.streams.core.columns import MAP_KEYS_MAX, Columns, Numbers, Texts
from kedge.streams.core.tally import VERSIONS_MAX
from kedge.streams.tables.convert import Values, categories_of, texts_of, values_of
from kedge.streams.tables.errors import TableError
from kedge.streams.tables.read import is_parquet, read_table
from kedge.streams.tables.roles import Roles
from kedge.streams.tables.times import times_of

__all__ = ["ROW_MS", "Frame", "read_frame"]

ROW_MS: Final = 1_000
"""Rows without time come one a second, from 1970-01-01 on."""

_ROLES: Final = tuple(role.value for role in Role)

C = TypeVar("C", Numbers, Texts)
Pick = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Rows in order of time; `versions`, `roles` and the rest where the file says them."""

    columns: Columns
    versions: Texts | None = None
    roles: Texts | None = None
    requests: Texts | None = None
    """Which request a row answers; the columns have its hash."""
    outcomes: Numbers | Texts | None = None
    """What came of the row: numbers (0 or 1 for yes and no), or classes."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.columns.rows

    def between(self, start: int, stop: int) -> "Frame":
        """Return the rows from `start` up to `stop`, without copying them."""
        return self._picked(lambda array: array[start:stop])

    def streams(self) -> Iterator[Columns]:
        """Yield the rows of each (version, role)."""
        if self.versions is None and self.roles is None:
            yield self.columns
            return
        none = np.zeros(self.rows, np.int64)
        versions = none if self.versions is None else self.versions.codes
        roles = none if self.roles is None else self.roles.codes
        for pair in np.unique(np.stack([versions, roles]), axis=1).T.tolist():
            version = self.columns.version if self.versions is None else self.versions.dictionary[pair[0]]
            role = self.columns.role if self.roles is None else self.roles.dictionary[pair[1]]
            part = self.columns.take((versions == pair[0]) & (roles == pair[1]))
            yield replace(part, version=version, role=role)

    def sorted(self) -> "Frame":
        """Return the rows in order of time; rows of one time stay in theirs."""
        times = self.columns.timestamps
        if bool((times[1:] >= times[:-1]).all()):
            return self
        order = np.argsort(times, kind="stable")
        return self._picked(lambda array: array[order])

    def timed(self, timestamps: NDArray[np.int64]) -> "Frame":
        """Return the rows at other times, shape (rows,)."""
        return replace(self, columns=replace(self.columns, timestamps=timestamps))

    def _picked(self, pick: Pick) -> "Frame":
        return Frame(
            columns=_pick_columns(self.columns, pick),
            versions=self.versions and _pick(self.versions, pick),
            roles=self.roles and _pick(self.roles, pick),
            requests=self.requests and _pick(self.requests, pick),
            outcomes=_pick_outcomes(self.outcomes, pick),
        )


def read_frame(path: Path, roles: Roles, model: str) -> Frame:
    """Return a file's rows, sorted by their time if they have one, else one second apart.

    Raises:
        TableError: the file cannot be used as `roles` want it.
    """
    table = read_table(path, roles.texts())
    names = table.column_names
    roles.check(names, str(path))
    try:
        return _frame(table, roles, model, csv=not is_parquet(path)).sorted()
    except TableError as error:
        raise TableError(f"{path}: {error}") from error


def _frame(table: Any, roles: Roles, model: str, *, csv: bool) -> Frame:  # noqa: ANN401 - Arrow's
    def values(name: str) -> Values:
        return values_of(name, table.column(name), csv=csv)

    def texts(name: str | None) -> Texts | None:
        return None if name is None else texts_of(name, table.column(name), csv=csv)

    categorical = roles.categorical()
    features = {
        name: categories_of(name, table.column(name), csv=csv) if name in categorical else values(name)
        for name in roles.features(table.column_names)
    }
    if len(features) > MAP_KEYS_MAX:
        raise TableError(f"{len(features)} features, at most {MAP_KEYS_MAX}: leave some out with --ignore")
    columns = Columns(
        model=model,
        version="",
        role=Role.PRIMARY,
        timestamps=(
            np.arange(table.num_rows, dtype=np.int64) * ROW_MS
            if roles.timestamp is None or roles.reference
            else times_of(roles.timestamp, table.column(roles.timestamp))
        ),
        numbers={name: found.numbers for name, found in features.items() if found.numbers is not None},
        strings={name: found.texts for name, found in features.items() if found.texts is not None},
        segments={name: texts_of(name, table.column(name), csv=csv) for name in roles.segments},
        score=None if roles.score is None else _numbers(roles.score, values(roles.score)),
        label=texts(roles.label),
        confidence=None if roles.confidence is None else _numbers(roles.confidence, values(roles.confidence)),
    )
    if roles.reference:
        return Frame(columns=columns)
    requests = _requests(roles, texts(roles.request_id), table.num_rows)
    if requests is not None:
        hashes = np.array([id_hash(text) for text in requests.dictionary], np.uint64)
        columns = replace(columns, requests=hashes[requests.codes])
    versions, role_names = texts(roles.version), texts(roles.role)
    if versions is not None:
        _check_versions(roles.version or "", versions)
    return Frame(
        columns=columns,
        versions=versions,
        roles=None if role_names is None else _checked_roles(roles.role or "", role_names),
        requests=requests,
        outcomes=None if roles.outcome is None else _outcomes(roles.outcome, values(roles.outcome)),
    )


def _requests(roles: Roles, given: Texts | None, rows: int) -> Texts | None:
    """Which request each row answers; where only outcomes matter, each row is one of its own."""
    if given is not None:
        _refuse_missing(roles.request_id or "", given)
        return given
    return None if roles.outcome is None else Texts([str(row) for row in range(rows)], np.arange(rows, dtype=np.int32))


def _outcomes(name: str, values: Values) -> Numbers | Texts:
    """Numbers, or classes; `true` and `false` are 1 and 0."""
    numbers, texts = values
    if numbers is not None and texts is not None and texts.valid is not None:
        row = int(np.flatnonzero(texts.valid)[0])
        raise TableError(f"column {name!r}, row {row + 1}: {texts.dictionary[texts.codes[row]]!r} among numbers")
    if numbers is not None or texts is None:
        return numbers or Numbers(np.zeros(0))
    lowered = [text.lower() for text in texts.dictionary]
    if not set(lowered) <= {"true", "false", ""}:
        return texts
    return Numbers(np.array([float(text == "true") for text in lowered])[texts.codes], texts.valid)


def _numbers(name: str, values: Values) -> Numbers:
    """Scores: text among them is as invalid as NaN."""
    if values.numbers is None:
        raise TableError(f"column {name!r} holds text, expected numbers")
    if values.texts is None or values.texts.valid is None:
        return values.numbers
    valid = values.numbers.valid
    given = np.where(values.texts.valid, np.nan, values.numbers.values)
    return Numbers(given, None if valid is None else valid | values.texts.valid)


def _check_versions(name: str, versions: Texts) -> None:
    _refuse_missing(name, versions)
    if len(versions.dictionary) > VERSIONS_MAX:
        raise TableError(f"column {name!r} holds {len(versions.dictionary)} versions, at most {VERSIONS_MAX}")


def _checked_roles(name: str, texts: Texts) -> Texts:
    _refuse_missing(name, texts)
    known = [text.upper() for text in texts.dictionary]
    for code, text in enumerate(known):
        if text not in _ROLES:
            row = int(np.flatnonzero(texts.codes == code)[0]) + 1
            raise TableError(
                f"column {name!r}, row {row}: {texts.dictionary[code]!r} is no role, expected {', '.join(_ROLES)}"
            )
    distinct = sorted(set(known))
    codes = np.array([distinct.index(text) for text in known], np.int32)[texts.codes]
    return Texts(distinct, codes)


def _refuse_missing(name: str, texts: Texts) -> None:
    if texts.valid is not None:
        raise TableError(f"column {name!r}, row {int(np.flatnonzero(~texts.valid)[0]) + 1}: holds nothing")


def _pick(column: C, pick: Pick) -> C:
    valid = None if column.valid is None else pick(column.valid)
    if isinstance(column, Numbers):
        return Numbers(pick(column.values), valid)
    return Texts(column.dictionary, pick(column.codes), valid)


def _pick_outcomes(outcomes: Numbers | Texts | None, pick: Pick) -> Numbers | Texts | None:
    if isinstance(outcomes, Texts):
        return _pick(outcomes, pick)
    return None if outcomes is None else _pick(outcomes, pick)


def _pick_columns(columns: Columns, pick: Pick) -> Columns:
    return replace(
        columns,
        timestamps=pick(columns.timestamps),
        numbers={name: _pick(column, pick) for name, column in columns.numbers.items()},
        strings={name: _pick(column, pick) for name, column in columns.strings.items()},
        segments={name: _pick(column, pick) for name, column in columns.segments.items()},
        score=columns.score and _pick(columns.score, pick),
        label=columns.label and _pick(columns.label, pick),
        confidence=columns.confidence and _pick(columns.confidence, pick),
        requests=None if columns.requests is None else pick(columns.requests),
    )
