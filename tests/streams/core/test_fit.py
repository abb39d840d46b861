"""A fitted baseline holds what tally would count, and tells of nobody."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import MonitorSpec, parse_monitor
from kedge.schemas.packed import unpack_counts
from kedge.schemas.records import Baseline, GridKind, Provenance, SignalBaseline, SignalKind
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.core.fit import FitError, FitOptions, IdLikeError, baseline_hash, fit
from kedge.streams.core.plan import grid_of

PROVENANCE = Provenance(dataset="rows.csv", rows=0, created_at=1_700_000_000_000)


def texts(values: Sequence[str | None]) -> Texts:
    known = sorted({value for value in values if value is not None})
    codes = np.array([0 if value is None else known.index(value) for value in values], np.int32)
    valid = np.array([value is not None for value in values])
    return Texts(known or [""], codes, None if valid.all() else valid)


def columns(rows: int, **parts: object) -> Columns:
    given = {"numbers": {}, "strings": {}, "segments": {}, **parts}
    return Columns(model="m", version="", role="PRIMARY", timestamps=np.zeros(rows, np.int64), **given)  # type: ignore[arg-type] # the test's own columns


def monitor(text: str) -> MonitorSpec:
    return parse_monitor(f"model: m\nowner: o\n{text}", "test")


def counts_of(baseline: Baseline, segment: str = "") -> dict[str, list[int]]:
    """Counts of each signal, by a plain walk over the record."""
    grids = [grid_of(signal) for signal in baseline.signals]
    packed = next(counts.counts for counts in baseline.counts if counts.segment == segment)
    flat = unpack_counts(packed, sum(grid.size for grid in grids)).tolist()
    found = {}
    for signal, grid in zip(baseline.signals, grids, strict=True):
        found[signal.name], flat = flat[: grid.size], flat[grid.size :]
    return found


def signal_of(baseline: Baseline, name: str) -> SignalBaseline:
    return next(signal for signal in baseline.signals if signal.name == name)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32), st.none() | st.sampled_from("abc")
        ),
        min_size=60,
        max_size=120,
    )
)
def test_every_row_is_counted_once_in_each_signal(rows: list[tuple[float | None, str | None]]) -> None:
    present = np.array([value is not None for value, _ in rows])
    values = np.array([0.0 if value is None else value for value, _ in rows])
    letters = [letter for _, letter in rows]
    given = columns(len(rows), numbers={"x": Numbers(values, present)}, strings={"c": texts(letters)})
    counts = counts_of(fit(given, PROVENANCE, FitOptions(allow_id_like=frozenset({"c"}))))
    assert sum(counts["x"]) == sum(counts["c"]) == len(rows)
    assert counts["x"][-2:] == [int((~present).sum()), int((present & ~np.isfinite(values)).sum())]
    assert counts["c"][-2:] == [letters.count(None), 0]


def test_a_numeric_baseline_holds_its_quantiles_and_moments() -> None:
    values = np.arange(1_000.0)
    signal = signal_of(fit(columns(1_000, numbers={"x": Numbers(values)}), PROVENANCE), "x")
    assert signal.grid is GridKind.QUANTILES
    assert signal.mean == 499.5
    assert signal.std == pytest.approx(np.sqrt((1_000**2 - 1) / 12))
    assert (signal.low, signal.high, len(signal.edges)) == (0.0, 998.0, 49)


def test_score_label_and_confidence_are_signals_like_features() -> None:
    rows = 100
    baseline = fit(
        columns(
            rows,
            score=Numbers(np.linspace(0, 1, rows)),
            label=texts(["yes", "no"] * 50),
            confidence=Numbers(np.linspace(0.5, 1, rows)),
        ),
        PROVENANCE,
    )
    assert [(signal.name, signal.kind) for signal in baseline.signals] == [
        ("score", SignalKind.SCORE),
        ("label", SignalKind.LABEL),
        ("confidence", SignalKind.CONFIDENCE),
    ]


def test_numbers_that_the_monitor_calls_categorical_are_categories() -> None:
    hours = Numbers(np.array([5.0, 17.0, 17.0, 2.5, np.nan] * 20))
    options = FitOptions(monitor=monitor("features: {hour: {type: categorical}}"))
    baseline = fit(columns(100, numbers={"hour": hours}), PROVENANCE, options)
    assert signal_of(baseline, "hour").categories == ("17", "2.5", "5")
    assert counts_of(baseline)["hour"] == [40, 20, 20, 0, 0, 0, 20]


def test_text_where_the_monitor_wants_numbers_is_refused_by_name() -> None:
    options = FitOptions(monitor=monitor("features: {age: {}}"))
    with pytest.raises(FitError, match="age is numeric in the monitor and text in the data"):
        fit(columns(4, strings={"age": texts(["1", "2", "1", "2"])}), PROVENANCE, options)


def test_what_the_monitor_names_must_be_in_the_data() -> None:
    options = FitOptions(monitor=monitor("features: {age: {}, zip: {}}\nsegments: {region: [eu]}"))
    with pytest.raises(FitError, match="feature age, zip; segment region"):
        fit(columns(1, numbers={"x": Numbers(np.zeros(1))}), PROVENANCE, options)


def test_segments_are_counted_apart_and_small_ones_together() -> None:
    regions = ["eu"] * 50 + ["us"] * 30 + ["jp"] * 19 + ["ch"] * 25 + [None]
    options = FitOptions(monitor=monitor("segments: {region: [eu, us, jp]}"))
    given = columns(125, numbers={"x": Numbers(np.arange(125.0))}, segments={"region": texts(regions)})
    baseline = fit(given, PROVENANCE, options)
    rows = {counts.segment: counts.rows for counts in baseline.counts}
    assert rows == {"": 125, "region=eu": 50, "region=us": 30, "region=other": 19 + 25 + 1}
    assert sum(counts_of(baseline, "region=other")["x"]) == 45


def test_an_other_of_few_rows_is_not_told() -> None:
    options = FitOptions(monitor=monitor("segments: {region: [eu]}"))
    given = columns(60, numbers={"x": Numbers(np.arange(60.0))}, segments={"region": texts(["eu"] * 41 + ["us"] * 19)})
    assert [counts.segment for counts in fit(given, PROVENANCE, options).counts] == ["", "region=eu"]


def test_columns_that_look_like_ids_are_refused_by_name_unless_allowed() -> None:
    given = columns(100, strings={"mail": texts([f"{i}@example.com" for i in range(100)]), "ok": texts(["a"] * 100)})
    with pytest.raises(IdLikeError, match="100 different values in 100 rows") as refused:
        fit(given, PROVENANCE)
    assert refused.value.columns == ("mail",)
    allowed = fit(given, PROVENANCE, FitOptions(allow_id_like=frozenset({"mail"})))
    assert b"example.com" not in Codec().encode(allowed)


def test_half_different_is_not_yet_an_id() -> None:
    fit(columns(100, strings={"c": texts([str(i // 2) for i in range(100)])}), PROVENANCE)


def test_the_hash_is_the_contents_and_not_when_it_acts() -> None:
    baseline = fit(columns(50, numbers={"x": Numbers(np.arange(50.0))}), PROVENANCE)
    assert baseline.hash == baseline_hash(replace(baseline, effective_from=60_000))
    assert len(baseline.hash) == 16
    other = fit(columns(50, numbers={"x": Numbers(np.arange(50.0))}), replace(PROVENANCE, dataset="other.csv"))
    assert other.hash != baseline.hash


def test_no_rows_are_no_baseline() -> None:
    with pytest.raises(FitError, match="no rows"):
        fit(columns(0), PROVENANCE)


def test_values_past_float_arithmetic_leave_the_moments_out() -> None:
    signal = signal_of(fit(columns(50, numbers={"x": Numbers(np.full(50, 1.7e308))}), PROVENANCE), "x")
    assert (signal.mean, signal.std) == (None, None)
