"""The harm test: never accused without harm but as rarely as it says, and found as soon as it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kedge.detectors.arrays import Floats
from kedge.detectors.harm import LOG_HARM, LOG_WARNING, HarmTest, log_mean, null_rates, step, weights_of_rows
from kedge.detectors.harm_power import detectable_change, windows_to_detect

GOOD = HarmTest.of(0.01, higher_is_better=True)
BAD = HarmTest.of(0.01, higher_is_better=False)
MONTH = 8_640
CANARY = (1_736, 32_986)
"""Rows in five minutes of a canary with 5 % of ten million requests a day, and of its control."""
shares = st.integers(0, 100).map(lambda steps: steps / 100)
tests = st.builds(HarmTest.of, st.floats(0, 0.45), higher_is_better=st.booleans())


def simulated(
    test: HarmTest, rows: tuple[Floats, Floats], rate: Floats, ratio: float, windows: int
) -> tuple[Floats, Floats]:
    """Greatest evidence of every model, and the window in which harm was shown first (else infinity)."""
    n, control_n = rows
    rng = np.random.default_rng(20)
    states = np.tile(np.array(test.start()), (rate.size, 1))
    peak, first = np.full(rate.size, -np.inf), np.full(rate.size, np.inf)
    for window in range(1, windows + 1):
        events = rng.binomial(n.astype(int), ratio * rate), rng.binomial(control_n.astype(int), rate)
        states = step(test, states, np.stack([n, events[0], control_n, events[1]], axis=-1))
        evidence = log_mean(states[:, :-2])
        peak = np.maximum(peak, evidence)
        first = np.where(evidence >= LOG_HARM, np.minimum(first, window), first)
    return peak, first


@pytest.mark.parametrize("test", [GOOD, BAD], ids=["good events", "bad events"])
def test_at_the_edge_of_harm_a_model_is_accused_less_than_once_a_year(test: HarmTest) -> None:
    """Of 200 model-months the guarantee allows 200 / 12 that ever reach it; base rates from 5e-4 to 0.9, few rows."""
    rate = np.tile([0.0005, 0.01, 0.05, 0.5, 0.9], 40)
    n, control_n = np.tile(np.repeat([1_736.0, 20.0], 5), 20), np.tile(np.repeat([32_986.0, 200.0], 5), 20)
    peak, _ = simulated(test, (n, control_n), rate, test.bound, MONTH)
    assert np.count_nonzero(peak >= LOG_HARM) <= 200 / 12


def test_without_any_harm_warnings_are_rare() -> None:
    rate = np.tile([0.01, 0.05, 0.5, 0.9], 10)
    half = np.full(40, 17_361.0)
    peak, _ = simulated(GOOD, (half, half), rate, 1.0, MONTH // 4)
    assert np.count_nonzero(peak >= LOG_WARNING) == 0


@given(
    test=tests,
    rows=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    guess=st.floats(1e-4, 0.999),
    truth=st.tuples(shares, shares),
    design_effect=st.floats(1, 5),
)
def test_the_evidence_of_a_harmless_window_is_at_most_one_on_average(
    test: HarmTest, rows: tuple[int, int], guess: float, truth: tuple[float, float], design_effect: float
) -> None:
    """By adding up all that can happen, whatever was guessed, at the edge of the null and inside it."""
    rate, excess = truth
    edge = min(1.0, test.bound * rate)
    ours = edge + excess * (1 - edge) if test.higher_is_better else edge * (1 - excess)
    x, x0 = np.arange(rows[0] + 1), np.arange(rows[1] + 1)
    chance = np.outer(stats.binom.pmf(x, rows[0], ours), stats.binom.pmf(x0, rows[1], rate))
    rates = null_rates(test, np.array(guess), np.array(rows[0] / sum(rows)))
    for event, other, control_event, control_other in np.stack(weights_of_rows(rates), axis=-1):
        log_e = np.add.outer(x * event + (rows[0] - x) * other, x0 * control_event + (rows[1] - x0) * control_other)
        assert (chance * np.exp(log_e / design_effect)).sum() <= 1 + 1e-9


@given(
    test=tests,
    n=st.integers(1, 10_000_000),
    control_n=st.integers(1, 10_000_000),
    events=st.tuples(st.integers(0, 50), st.integers(0, 50)),
)
def test_of_rare_events_it_is_the_binomial_likelihood_ratio_given_their_total(
    test: HarmTest, n: int, control_n: int, events: tuple[int, int]
) -> None:
    rates = null_rates(test, np.array(1e-12), np.array(n / (n + control_n)))
    event, _, control_event, _ = weights_of_rows(rates)
    for index, ratio in enumerate(test.alternatives):
        ours, null = (n * r / (n * r + control_n) for r in (ratio, test.bound))
        expected = stats.binom.logpmf(events[0], sum(events), ours) - stats.binom.logpmf(events[0], sum(events), null)
        found = events[0] * event[index] + events[1] * control_event[index]
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-4)


@given(test=tests, guess=st.floats(1e-4, 0.9), weight=st.floats(0.001, 0.999), along=st.floats(0.001, 0.999))
def test_the_null_point_is_the_nearest(test: HarmTest, guess: float, weight: float, along: float) -> None:
    rates = null_rates(test, np.array(guess), np.array(weight))

    def distance(ours: Floats, control: Floats) -> Floats:
        return weight * _kl(rates.candidate, ours) + (1 - weight) * _kl(rates.control, control)

    other = np.full(rates.control.shape, along * min(1.0, 1 / test.bound))
    nearest = distance(rates.null_candidate, rates.null_control)
    assert np.all(nearest <= distance(test.bound * other, other) + 1e-12)


def _kl(p: Floats, q: Floats) -> Floats:
    return np.asarray(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


@pytest.mark.parametrize(
    ("test", "rate", "rows", "windows"),
    [
        (GOOD, 0.05, CANARY, 6),
        (GOOD, 0.05, CANARY, 288),
        (GOOD, 0.05, (17_361, 17_361), 6),
        (GOOD, 0.95, CANARY, 6),
        (GOOD, 0.3, (500, 500), 48),
        (BAD, 0.01, CANARY, 6),
        (BAD, 0.001, CANARY, 48),
        (BAD, 0.01, (200, 200), 288),
    ],
)
def test_what_is_said_to_be_detectable_is_found_in_time_in_four_cases_of_five(
    test: HarmTest, rate: float, rows: tuple[int, int], windows: int
) -> None:
    change = detectable_change(test, *rows, rate, windows)
    assert change is not None
    assert (change < 0) is test.higher_is_better
    sides, rates = (np.full(300, float(rows[0])), np.full(300, float(rows[1]))), np.full(300, rate)
    _, first = simulated(test, sides, rates, 1 + change, windows)
    assert 0.65 <= np.isfinite(first).mean() <= 0.97
    _, first = simulated(test, sides, rates, 1 + 0.75 * change, windows)
    assert np.isfinite(first).mean() < 0.72
    needed = windows_to_detect(test, change, *rows, rate)
    assert needed == pytest.approx(windows, rel=0.01)


def test_figures_of_ten_million_requests_a_day() -> None:
    """The table in docs/definitions.md."""
    found = [
        detectable_change(GOOD, *rows, 0.05, windows) for rows in (CANARY, (17_361, 17_361)) for windows in (6, 288)
    ]
    assert [round(change, 3) for change in found if change is not None] == [-0.26, -0.045, -0.121, -0.025]


def test_what_cannot_be_found_is_said_to_be_none() -> None:
    assert detectable_change(GOOD, 10, 10, 0.01, 6) is None
    assert detectable_change(GOOD, 0, 10, 0.5, 6) is None
    assert detectable_change(BAD, 100, 100, 1.0, 6) is None
    assert windows_to_detect(GOOD, -0.005, *CANARY, 0.05) is None  # not yet harm
    assert windows_to_detect(GOOD, +0.1, *CANARY, 0.05) is None
    assert windows_to_detect(BAD, 0.5, *CANARY, 0.9) is None  # past 1


def test_a_window_without_rows_changes_nothing() -> None:
    state = GOOD.update(GOOD.start(), (100, 5), (100, 9))
    assert GOOD.update(state, (0, 0), (100, 9)) == GOOD.update(state, (100, 5), (0, 0)) == state
    assert GOOD.update_against_past(state, (0, 0), (100, 9)) == state


@pytest.mark.parametrize("test", [GOOD, BAD], ids=["good events", "bad events"])
def test_windows_in_which_nothing_can_be_told_do_not_add_up_to_evidence(test: HarmTest) -> None:
    tables = np.array([(1, 0, 1, 0), (3, 3, 5, 5), (1_000, 0, 1_000, 0), (2, 0, 10_000, 0)], dtype=np.float64)
    states = np.tile(np.array(test.start()), (4, 1))
    for _ in range(2 * MONTH):
        states = step(test, states, tables)
    assert np.all(log_mean(states[:, :-2]) < LOG_WARNING)


def test_harm_is_forgotten_when_it_is_over() -> None:
    state = GOOD.start()
    for _ in range(500):
        state = GOOD.update(state, (5_000, 150), (5_000, 250))
    assert GOOD.log_evidence(state) > LOG_HARM
    for _ in range(144):
        state = GOOD.update(state, (5_000, 250), (5_000, 250))
    assert GOOD.log_evidence(state) < LOG_HARM


@pytest.mark.parametrize(("events", "harmful"), [(260, False), (240, True), (300, False)])
def test_good_events_are_harmed_by_fewer(events: int, harmful: bool) -> None:  # noqa: FBT001
    assert _after(GOOD, events, 260, windows=288) is harmful


@pytest.mark.parametrize(("events", "harmful"), [(20, False), (30, True), (10, False), (200, True)])
def test_bad_events_are_harmed_by_more(events: int, harmful: bool) -> None:  # noqa: FBT001
    assert _after(BAD, events, 20, windows=48) is harmful


def _after(test: HarmTest, events: int, control_events: int, windows: int) -> bool:
    state = test.start()
    for _ in range(windows):
        state = test.update(state, (5_000, events), (5_000, control_events))
    return test.log_evidence(state) >= LOG_HARM


def test_a_design_effect_makes_evidence_weaker_as_fewer_rows_do() -> None:
    plain = whole = GOOD.start()
    for _ in range(10):
        plain = GOOD.update(plain, (500, 20), (500, 30))
        whole = GOOD.update(whole, (2_000, 80), (2_000, 120), design_effect=4)
    assert GOOD.log_evidence(whole) == pytest.approx(GOOD.log_evidence(plain))


def test_a_past_control_accuses_nobody_for_its_own_chance() -> None:
    """Against the same 20,000 rows in each of a day's windows: their chance must not be counted 288 times."""
    rng = np.random.default_rng(8)
    accused, wrongly = 0, 0
    for _ in range(60):
        control = (20_000, int(rng.binomial(20_000, 0.05)))
        against, anew = GOOD.start(), GOOD.start()
        for _ in range(288):
            candidate = (5_000, int(rng.binomial(5_000, 0.05)))
            against = GOOD.update_against_past(against, candidate, control)
            anew = GOOD.update(anew, candidate, control)
        accused += GOOD.log_evidence(against) >= LOG_HARM
        wrongly += GOOD.log_evidence(anew) >= LOG_HARM
    assert accused == 0
    assert wrongly > 5  # why it is a method of its own


def test_a_past_control_shows_harm() -> None:
    for test, events in ((GOOD, 150), (BAD, 400)):
        state = test.start()
        for _ in range(24):
            state = test.update_against_past(state, (5_000, events), (50_000, 2_500))
        assert test.log_evidence(state) >= LOG_HARM
    for control in ((50, 0), (50, 50)):
        for test in (GOOD, BAD):
            assert test.log_evidence(test.update_against_past(test.start(), (100, 50), control)) >= 0


def test_alternatives_begin_past_epsilon() -> None:
    assert GOOD.alternatives == (0.98, 0.97, 0.95, 0.9, 0.8, 0.5)
    assert BAD.alternatives == (1.2, 1.5, 2.0, 3.0, 5.0, 10.0)
    assert HarmTest.of(0.05, higher_is_better=True).alternatives == (0.9, 0.8, 0.5)
    assert HarmTest.of(0.3, higher_is_better=False).alternatives == (1.6, 2.0, 3.0, 5.0, 10.0)


def test_nonsense_is_refused() -> None:
    for epsilon in (-0.1, 0.5, math.nan):
        with pytest.raises(ValueError, match="epsilon"):
            HarmTest.of(epsilon, higher_is_better=True)
    for candidate, design_effect in (((5, 6), 1.0), ((5, -1), 1.0), ((math.nan, 1), 1.0), ((5, 1), 0.5)):
        with pytest.raises(ValueError, match="impossible"):
            GOOD.update(GOOD.start(), candidate, (10, 1), design_effect)
