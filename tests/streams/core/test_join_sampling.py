"""Memory is bounded: requests are sampled by a hash, at a rate that the pane before has fixed, and never past a cap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.detectors.pairs import PairLayout
from kedge.schemas.records import JoinKind, Role
from kedge.streams.core import join_state
from kedge.streams.core.join_sampling import NEVER, ModelRates, followed, is_followed
from tests.streams.core.joined import Joining, outcome
from tests.streams.core.made import MINUTE, NOON, Sender, hashed

PANES = 7
"""Held at a time, by the monitor's horizon of five minutes."""


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(0, NEVER))
def test_one_request_or_many_are_followed_alike(requests: list[int], rate: int) -> None:
    many = followed(np.array(requests, np.uint64), np.full(len(requests), rate))
    assert many.tolist() == [is_followed(request, rate) for request in requests]


def test_rates_are_nested_and_halve_what_is_followed() -> None:
    requests = np.array([hashed(f"r{i}") for i in range(40_000)], np.uint64)
    before = np.ones(requests.size, np.bool_)
    for rate in range(1, 6):
        now = followed(requests, np.full(requests.size, rate))
        assert not (now & ~before).any()
        assert now.sum() == pytest.approx(requests.size / 2**rate, rel=0.1)
        before = now


def test_a_panes_rate_is_that_of_the_traffic_before_whatever_comes_in_it() -> None:
    rates = ModelRates(facts_max=3 * PANES * 100)
    assert rates.add(0, 350, panes=PANES) == 0
    assert rates.add(MINUTE, 10**6, panes=PANES) == 2
    assert rates.add(MINUTE, 1, panes=PANES) == 2
    assert rates.add(2 * MINUTE, 1, panes=PANES) > 10
    assert rates.add(0, 10**9, panes=PANES) == 0


def test_after_a_quiet_pane_everything_is_followed_again() -> None:
    rates = ModelRates(facts_max=3 * PANES * 100)
    rates.add(0, 10**6, panes=PANES)
    rates.add(MINUTE, 5, panes=PANES)
    assert rates.add(2 * MINUTE, 1, panes=PANES) == 0


def busy(monkeypatch: pytest.MonkeyPatch, facts: int) -> Joining:
    """Return a tally that has room for few facts."""
    monkeypatch.setattr(join_state, "FACTS_MAX", facts)
    return Joining()


def send_pairs(joining: Joining, minute: int, rows: int, senders: tuple[Sender, Sender]) -> list[str]:
    """Send so many requests that both versions answer; returns their ids."""
    requests = [f"{minute}/{i}" for i in range(rows)]
    ids = np.array([hashed(request) for request in requests], "<u8").tobytes()
    times = [NOON + minute * MINUTE + i for i in range(rows)]
    joining.send(*(sender.batch(times, request_ids=ids) for sender in senders), appended=times[-1])
    return requests


def test_busy_panes_are_sampled_and_every_followed_answer_finds_its_other_half(monkeypatch: pytest.MonkeyPatch) -> None:
    joining = busy(monkeypatch, 20_000)
    senders = Sender(), Sender("q", "v2", Role.SHADOW)
    requests: list[str] = []
    for minute in range(9):
        requests = send_pairs(joining, minute, 2_000, senders)
    joining.send(*(outcome(request, timestamp=NOON + 8 * MINUTE) for request in requests))
    assert len(requests) == 2_000
    joining.save()
    joining.close()
    candidates = joining.pairs(PairLayout.candidates)["v2", ""]
    assert candidates == pytest.approx(2_000 + 8 * 2_000 / 8, rel=0.1)
    assert joining.pairs() == {("v2", "v1"): candidates}
    assert joining.pairs(PairLayout.unmatched_candidate) == {}
    fates = joining.fates()
    assert fates["unsampled"] == pytest.approx(2_000 * 7 / 8, rel=0.1)
    assert fates["joined"] + fates["unsampled"] == fates["received"] == 2_000


def test_the_rates_outlive_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    straight, crashing = busy(monkeypatch, 20_000), busy(monkeypatch, 20_000)
    for joining in (straight, crashing):
        senders = Sender(), Sender("q", "v2", Role.SHADOW)
        for minute in range(3):
            send_pairs(joining, minute, 2_000, senders)
            joining.save()
            if joining is crashing:
                assert joining.crash() == []
        joining.close()
    assert crashing.cells() == straight.cells()


def test_past_the_cap_facts_are_left_out_and_nobody_is_called_unmatched(monkeypatch: pytest.MonkeyPatch) -> None:
    joining = busy(monkeypatch, 1_000)
    requests = send_pairs(joining, 0, 900, (Sender(), Sender("q", "v2", Role.SHADOW)))
    joining.send(outcome(requests[0]))
    joining.close()
    assert joining.pairs(PairLayout.controls) == {("v1", ""): 900}
    assert joining.pairs(PairLayout.candidates) == {("v2", ""): 100}
    assert joining.pairs() == {("v2", "v1"): 100}
    assert joining.pairs(PairLayout.unmatched_control) == {}
    assert joining.fates() == {"received": 1, "no_room": 1}
    noted = {(o.labels["fate"], o.name): o.value for o in joining.core.drain() if o.name == "join_answers"}
    assert noted["no_room", "join_answers"] == 800


def test_outcomes_without_answers_are_held_only_up_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    joining = busy(monkeypatch, 50)
    joining.send(*(outcome(f"r{i}") for i in range(80)))
    joining.close()
    assert joining.fates() == {"received": 80, "unmatched": 50, "no_room": 30}
    assert not [cell for cell in joining.cells() if cell.kind is JoinKind.OUTCOME]
