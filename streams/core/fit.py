"""Reference rows to a baseline: the grid of every signal, and the rows counted over it.

The counting is tally's own, over a plan made of the very baseline that is being fitted: what the
reference holds and what a window holds can never be binned in two ways.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kedge.detectors.grids import CategoryGrid, Grid, QuantileGrid, fit_categories, fit_numeric
from kedge.schemas.monitor import FeatureType, MonitorSpec
from kedge.schemas.packed import pack_counts
from kedge.schemas.records import Baseline, GridKind, Provenance, SegmentCounts, SignalBaseline, SignalKind
from kedge.schemas.writer import body_of
from kedge.streams.core.binning import texts_of_numbers
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.counting import count_groups
from kedge.streams.core.plan import OTHER_SEGMENT, make_plan
from kedge.streams.core.windows import SEGMENT_MIN

__all__ = ["ID_LIKE_SHARE", "FitError", "FitOptions", "IdLikeError", "baseline_hash", "fit"]

ID_LIKE_SHARE: Final = 0.5
"""A text column with more distinct values than this share of its rows names its rows."""

_HASH_DIGITS: Final = 16
_PANE: Final = 1
"""Any pane will do: all reference rows are counted into one."""


class FitError(ValueError):
    """The rows cannot be a baseline; the message names the columns and says what was expected."""


class IdLikeError(FitError):
    """Text columns that tell rows apart instead of describing them; `columns` are their names."""

    def __init__(self, shares: Mapping[str, tuple[int, int]]) -> None:
        told = [f"{name} ({distinct:,} different values in {rows:,} rows)" for name, (distinct, rows) in shares.items()]
        super().__init__(f"looks like ids: {', '.join(told)}")
        self.columns = tuple(shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What is known of the rows beyond their values."""

    monitor: MonitorSpec | None = None
    """Gives the types of the features that it names, and the segments. None: types by the data, no segments."""
    allow_id_like: frozenset[str] = field(default_factory=frozenset)
    """Columns that may look like ids all the same."""


def fit(columns: Columns, provenance: Provenance, options: FitOptions | None = None) -> Baseline:
    """Return the baseline of these rows, effective from 0.

    Every feature is a signal, and so are score, label and confidence where the rows have them.
    Numbers of a feature that the monitor calls categorical are categories; text among numbers is
    counted as INVALID, null as MISSING. Segments of fewer than 20 rows are merged into `other`, and
    `other` is left out where it is still as small: comparing with so few rows would tell of them.

    Raises:
        FitError: no rows, or the monitor names a feature or segment that the rows do not have, or
            calls numeric what holds text only.
        IdLikeError: a text column (label included) with a distinct share above 0.5 that is not allowed to.
    """
    options = options or FitOptions()
    if not columns.rows:
        raise FitError("no rows to fit")
    if options.monitor is not None:
        _refuse_absent(columns, options.monitor)
    signals = tuple(_signals(columns, options))
    bare = Baseline(
        model=columns.model,
        version=columns.version,
        hash="",
        effective_from=0,
        provenance=provenance,
        signals=signals,
        counts=(),
    )
    counted = replace(bare, counts=tuple(_count(columns, bare, options.monitor)))
    return replace(counted, hash=baseline_hash(counted))


def baseline_hash(baseline: Baseline) -> str:
    """Return the content's hash: first 16 hex digits of the SHA-256, `hash` and `effective_from` left out.

    Provenance is content: the same rows fitted twice are two baselines, told apart by their dates.
    """
    content = body_of(replace(baseline, hash="", effective_from=0))
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]


def _refuse_absent(columns: Columns, monitor: MonitorSpec) -> None:
    features = [name for name in monitor.features if name not in columns.numbers and name not in columns.strings]
    segments = [key for key in monitor.segments if key not in columns.segments]
    absent = [("feature", features), ("segment", segments)]
    told = [f"{kind} {', '.join(names)}" for kind, names in absent if names]
    if told:
        raise FitError(f"the monitor names what the data do not have: {'; '.join(told)}")


def _signals(columns: Columns, options: FitOptions) -> Iterator[SignalBaseline]:
    id_like: dict[str, tuple[int, int]] = {}
    fitted: list[SignalBaseline] = []
    for kind, name, numbers, texts in _sources(columns):
        if _is_categorical(kind, name, numbers, options.monitor):
            names, counts = _categories(numbers, texts)
            rows = sum(counts)
            if len(names) > ID_LIKE_SHARE * rows and name not in options.allow_id_like:
                id_like[name] = (len(names), rows)
            fitted.append(_signal(name, kind, fit_categories(names, counts)))
        else:
            present = _present(numbers)
            fitted.append(_signal(name, kind, fit_numeric(present), _moments(present)))
    if id_like:
        raise IdLikeError(id_like)
    yield from fitted


Source = tuple[SignalKind, str, Numbers | None, Texts | None]


def _sources(columns: Columns) -> Iterator[Source]:
    """Every signal's values, features in the order of the columns."""
    for name in dict.fromkeys((*columns.numbers, *columns.strings)):
        yield SignalKind.FEATURE, name, columns.numbers.get(name), columns.strings.get(name)
    if columns.score is not None:
        yield SignalKind.SCORE, "score", columns.score, None
    if columns.label is not None:
        yield SignalKind.LABEL, "label", None, columns.label
    if columns.confidence is not None:
        yield SignalKind.CONFIDENCE, "confidence", columns.confidence, None


def _is_categorical(kind: SignalKind, name: str, numbers: Numbers | None, monitor: MonitorSpec | None) -> bool:
    spec = None if monitor is None or kind is not SignalKind.FEATURE else monitor.features.get(name)
    if spec is None:
        return numbers is None
    if spec.type is FeatureType.NUMERIC and numbers is None:
        raise FitError(f"{name} is numeric in the monitor and text in the data")
    return spec.type is FeatureType.CATEGORICAL


def _present(numbers: Numbers | None) -> NDArray[np.float64]:
    """Values that are there and are numbers."""
    if numbers is None:
        return np.empty(0)
    values = numbers.values if numbers.valid is None else numbers.values[numbers.valid]
    return values[np.isfinite(values)]


def _categories(numbers: Numbers | None, texts: Texts | None) -> tuple[list[str], list[int]]:
    """Distinct categories with their rows, sorted by name."""
    found: dict[str, int] = {}
    if texts is not None:
        _add(found, texts)
    if numbers is not None:
        _add(found, texts_of_numbers(Numbers(_present(numbers))))
    names = sorted(name for name, rows in found.items() if rows)
    return names, [found[name] for name in names]


def _add(found: dict[str, int], texts: Texts) -> None:
    codes = texts.codes if texts.valid is None else texts.codes[texts.valid]
    for name, rows in zip(texts.dictionary, np.bincount(codes, minlength=len(texts.dictionary)), strict=True):
        found[name] = found.get(name, 0) + int(rows)


def _signal(
    name: str, kind: SignalKind, grid: Grid, moments: tuple[float | None, float | None] = (None, None)
) -> SignalBaseline:
    if isinstance(grid, CategoryGrid):
        rare = grid.rare.astype("<u8").tobytes()
        return SignalBaseline(
            name=name,
            kind=kind,
            grid=GridKind.CATEGORIES,
            edges=(),
            decision_edges=(),
            categories=grid.categories,
            rare=rare,
        )
    quantiles = grid if isinstance(grid, QuantileGrid) else None
    return SignalBaseline(
        name=name,
        kind=kind,
        grid=GridKind.VALUES if quantiles is None else GridKind.QUANTILES,
        edges=grid.edges if isinstance(grid, QuantileGrid) else grid.values,
        low=None if quantiles is None else quantiles.low,
        high=None if quantiles is None else quantiles.high,
        decision_edges=() if quantiles is None else quantiles.decision_edges,
        categories=(),
        rare=b"",
        mean=moments[0],
        std=moments[1],
    )


def _moments(present: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Mean and standard deviation; None where there are no values, or too large ones for float arithmetic."""
    if not present.size:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(np.mean(present)), float(np.std(present))
    return mean if math.isfinite(mean) else None, std if math.isfinite(std) else None


def _count(columns: Columns, bare: Baseline, monitor: MonitorSpec | None) -> Iterator[SegmentCounts]:
    """Rows of each segment over the signals' bins, all rows first."""
    # Without rules and switched-off signals the plan's vector is exactly the baseline's.
    segments = {} if monitor is None else monitor.segments
    plan = make_plan(MonitorSpec(model=bare.model, owner="", segments=segments), ("", ""), bare)
    rows = replace(columns, timestamps=np.full(columns.rows, _PANE, np.int64))
    found = {segment: (cell.requests, cell.counts) for segment, _, cell in count_groups(plan, [rows])}
    for segment in [segment for segment, (requests, _) in found.items() if segment and requests < SEGMENT_MIN]:
        other = f"{segment.split('=', 1)[0]}={OTHER_SEGMENT}"
        if segment != other:
            requests, counts = found.pop(segment)
            more, others = found.get(other, (0, np.zeros_like(counts)))
            found[other] = (requests + more, counts + others)
    for segment in sorted(found):
        requests, counts = found[segment]
        if not segment or requests >= SEGMENT_MIN:
            yield SegmentCounts(segment=segment, rows=requests, counts=pack_counts(counts))
