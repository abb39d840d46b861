"""One suite for all detectors on sequences."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.detectors.sequential import (
    CATALOGUE,
    SERIES_MAX,
    DetectorSpec,
    Sequence,
    SequentialKind,
    SequentialState,
    fold,
)


@dataclasses.dataclass(frozen=True)
class Case:
    spec: DetectorSpec
    delay_max: int
    """Values within which a shift of the mean by 0.3 is found."""
    warm_after: int


CASES = (
    Case(DetectorSpec(kind=SequentialKind.ADWIN), delay_max=60, warm_after=10),
    Case(DetectorSpec(kind=SequentialKind.PAGE_HINKLEY, threshold=1.0), delay_max=6, warm_after=30),
    Case(DetectorSpec(kind=SequentialKind.KSWIN, alpha=1e-4), delay_max=30, warm_after=100),
)
every_detector = pytest.mark.parametrize("case", CASES, ids=lambda case: case.spec.kind)


def test_every_detector_of_the_catalogue_is_in_this_suite() -> None:
    assert {case.spec.kind for case in CASES} == set(CATALOGUE) == set(SequentialKind)


def steady(seed: int, size: int, mean: float = 0.3) -> list[float]:
    rng = np.random.default_rng(seed)
    return [float(value) for value in rng.normal(mean, 0.03, size)]


def alarms(spec: DetectorSpec, values: list[float]) -> list[int]:
    sequence = Sequence(spec)
    return [index for index, value in enumerate(values) if sequence.update(value)]


@every_detector
def test_the_same_values_raise_the_same_alarms(case: Case) -> None:
    values = [*steady(1, 150), *steady(2, 150, 0.7), *steady(3, 150, 0.2)]
    assert alarms(case.spec, values) == alarms(case.spec, values) != []


@every_detector
@pytest.mark.parametrize("shift", [0.3, -0.3])
def test_a_planted_change_is_found_in_time(case: Case, shift: float) -> None:
    for seed in range(5):
        values = [*steady(seed, 150, 0.5), *steady(seed + 100, 150, 0.5 + shift)]
        assert 150 <= alarms(case.spec, values)[0] <= 150 + case.delay_max


@every_detector
def test_a_steady_sequence_raises_none(case: Case) -> None:
    for seed in range(3):
        assert alarms(case.spec, steady(seed, 800)) == []


@every_detector
def test_it_is_warm_when_it_has_seen_enough_and_cold_again_after_an_alarm(case: Case) -> None:
    sequence = Sequence(case.spec)
    assert not sequence.warmed
    for value in steady(4, case.warm_after):
        assert not sequence.warmed
        sequence.update(value)
    assert sequence.warmed
    values = iter([*steady(5, 150), *steady(6, 150, 0.9)])
    while not sequence.update(next(values)):  # ends with an alarm, or in StopIteration
        pass
    assert not sequence.warmed
    assert sequence.state == SequentialState()


@every_detector
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_changes_nothing(case: Case, value: float) -> None:
    sequence = Sequence(case.spec, SequentialState((0.5, 0.6)))
    with pytest.raises(ValueError, match="finite"):
        sequence.update(value)
    assert sequence.state == SequentialState((0.5, 0.6))


@every_detector
def test_the_state_is_bounded(case: Case) -> None:
    sequence = Sequence(case.spec)
    longest = 0
    for value in steady(6, SERIES_MAX + SERIES_MAX // 2 + 10):
        sequence.update(value)
        longest = max(longest, len(sequence.state.series))
    assert longest == SERIES_MAX
    assert len(sequence.state.series) < SERIES_MAX


@every_detector
@settings(max_examples=15)
@given(data=st.data())
def test_put_down_and_taken_up_anywhere_it_goes_on_as_if_it_had_not_been(case: Case, data: st.DataObject) -> None:
    means = data.draw(st.lists(st.sampled_from((0.2, 0.3, 0.8)), min_size=1, max_size=3))
    values = [value for index, mean in enumerate(means) for value in steady(index, 120, mean)]
    cut = data.draw(st.integers(0, len(values)))
    live = Sequence(case.spec)
    expected = [live.update(value) for value in values]
    first = Sequence(case.spec)
    found = [first.update(value) for value in values[:cut]]
    second = Sequence(case.spec, first.state)
    assert second.warmed is first.warmed
    found += [second.update(value) for value in values[cut:]]
    assert found == expected
    assert second.state == live.state


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.spec.kind)
def test_taken_up_when_it_is_full_it_goes_on_as_if_it_had_not_been(case: Case) -> None:
    live, full = Sequence(case.spec), 0
    for value in steady(6, 2 * SERIES_MAX):
        before = live.state
        alarm = live.update(value)
        if len(before.series) == SERIES_MAX:
            full += 1
            assert fold(case.spec, before, value) == (live.state, alarm)
    assert full == 2


def test_an_alarm_among_the_newest_half_restarts_behind_it_silently() -> None:
    """A dip that the mean of all allows for; of the newest half it is the beginning, and what follows a change."""
    spec = DetectorSpec(kind=SequentialKind.PAGE_HINKLEY, threshold=1.0, delta=0.0)
    values = [*[0.5] * 500, *[0.47] * 20, *[0.5] * 480]
    assert alarms(spec, values) == []
    state, alarm = fold(spec, SequentialState(tuple(values)), 0.5)
    assert not alarm
    assert 0 < len(state.series) < SERIES_MAX // 2


def test_a_parameter_that_a_detector_does_not_take_is_refused() -> None:
    for kind, parameters in (
        (SequentialKind.ADWIN, {"threshold": 1.0}),
        (SequentialKind.PAGE_HINKLEY, {"alpha": 0.1}),
        (SequentialKind.KSWIN, {"delta": 0.1}),
    ):
        with pytest.raises(ValueError, match="takes"):
            Sequence(DetectorSpec(kind=kind, **parameters))
