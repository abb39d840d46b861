"""Requests are followed: answers meet answers, and what came of them, once, whatever comes first."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.detectors.pairs import PairLayout
from kedge.schemas.hashing import id_hash
from kedge.schemas.records import Packed, Role, ShadowAnswer
from kedge.streams.core.join_segments import SEGMENT_FACTS
from tests.streams.core.joined import LATER, TEXT, Joining, answer, outcome, shadow, traffic
from tests.streams.core.made import MINUTE, NOON, Sender, hashed, single


def test_two_answers_to_one_request_are_a_pair() -> None:
    joining = Joining()
    joining.send(answer("a", score=0.5), shadow("a", score=0.9), answer("b", score=0.5), shadow("b", score=0.55))
    joining.save()
    assert joining.pairs() == {("v2", "v1"): 2}
    assert joining.pairs(PairLayout.disagreements) == {("v2", "v1"): 1}


def test_an_answer_meets_what_came_of_it() -> None:
    joining = Joining()
    joining.send(answer("a"), shadow("a"), answer("b"), outcome("a", timestamp=NOON + MINUTE))
    joining.save()
    assert joining.clicks() == {"v1": (2, 1), "v2": (1, 1)}
    assert joining.fates() == {"received": 1, "joined": 1}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_neither_order_nor_cuts_nor_crashes_change_what_is_joined(seed: int, shuffle: int) -> None:
    random = Random(shuffle)
    messages = traffic(Random(seed))
    straight, disturbed = Joining(), Joining()
    straight.send(*messages, appended=NOON + 5 * MINUTE)
    straight.close()
    random.shuffle(messages)
    rest = disturbed.append(*messages, *random.sample(messages, len(messages) // 3), appended=NOON + 5 * MINUTE)
    while rest:
        taken = random.randint(1, 8)
        disturbed.read(rest[:taken])
        rest = rest[taken:]
        if random.random() < 0.4:
            disturbed.save()
        if random.random() < 0.2:
            rest = disturbed.crash()
            # Two logs: what of one comes before what of the other is nobody's promise.
            if random.random() < 0.5:
                rest.sort(key=lambda record: record.topic)
    disturbed.close()
    assert disturbed.cells() == straight.cells()
    assert disturbed.fates().get("joined", 0) == straight.fates().get("joined", 0)
    assert disturbed.fates().get("unmatched", 0) == straight.fates().get("unmatched", 0)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_and_clicks_are_as_many_as_a_plain_count_finds(seed: int) -> None:
    messages = traffic(Random(seed), requests=60)
    joining = Joining()
    joining.send(*messages, appended=NOON + 5 * MINUTE)
    joining.close()
    answers = [message for message in messages if not hasattr(message, "observed")]
    clicks = {m.request_id for m in messages if getattr(m, "kind", "") == "click"}  # type: ignore[attr-defined]
    expected: dict[tuple[str, str], int] = {}
    for one in answers:
        for other in answers:
            if one.request_id == other.request_id and one.role != "PRIMARY" and other.role == "PRIMARY":  # type: ignore[attr-defined]
                key = (one.version, other.version)  # type: ignore[attr-defined]
                expected[key] = expected.get(key, 0) + 1
    assert joining.pairs() == expected
    seen = joining.clicks()
    for version in ("v1", "v2", "v3"):
        mine = [a for a in answers if a.version == version]  # type: ignore[attr-defined]
        assert seen[version] == (len(mine), sum(a.request_id in clicks for a in mine))  # type: ignore[attr-defined]


def test_segments_are_those_of_the_control() -> None:
    joining = Joining()
    joining.send(answer("a", segment={"region": "eu"}), shadow("a", segment={"region": "us"}))
    joining.save()
    assert joining.pairs(segment="region=eu") == {("v2", "v1"): 1}
    assert joining.pairs(segment="region=us") == {}
    assert joining.pairs(PairLayout.candidates, segment="region=us") == {("v2", ""): 1}


def test_twice_is_once() -> None:
    joining = Joining()
    joining.send(answer("a"), shadow("a"), outcome("a"))
    joining.send(replace(shadow("a"), event_id="again"), outcome("a"), outcome("a", timestamp=NOON + 1))
    joining.save()
    assert joining.pairs() == {("v2", "v1"): 1}
    assert joining.clicks() == {"v1": (1, 1), "v2": (1, 1)}
    assert joining.fates() == {"received": 3, "joined": 1, "duplicate": 2}


def test_a_shadow_inside_an_event_is_an_answer_of_its_own() -> None:
    joining = Joining()
    inside = (ShadowAnswer(version="v2", score=0.9), ShadowAnswer(version="v3", score=0.5, error="timeout"))
    joining.send(answer("a", score=0.5, shadows=inside, segment={"region": "eu"}), outcome("a"))
    joining.save()
    assert joining.pairs() == {("v2", "v1"): 1, ("v3", "v1"): 1}
    assert joining.pairs(PairLayout.candidate_errors, segment="region=eu") == {("v3", "v1"): 1}
    assert joining.clicks() == {"v1": (1, 1), "v2": (1, 1), "v3": (1, 1)}


def test_batches_are_joined_by_the_hash_of_the_request() -> None:
    joining = Joining()
    ids = np.array([hashed(f"r{i}") for i in range(40)], "<u8")
    times = [NOON + i for i in range(40)]
    primary = Sender().batch(times, request_ids=ids.tobytes())
    candidate = Sender("q", "v2", Role.CANARY).batch(times[:30], request_ids=ids[:30].tobytes(), score=primary.score)
    assert primary.score is not None
    candidate = replace(candidate, score=Packed(values=primary.score.values[: 30 * 8]))
    joining.send(primary, candidate, outcome("r3"), outcome("r39"))
    joining.close()
    assert joining.pairs() == {("v2", "v1"): 30}
    assert joining.pairs(PairLayout.disagreements) == {}
    assert joining.pairs(PairLayout.unmatched_control) == {("v1", ""): 10}
    assert joining.clicks() == {"v1": (40, 2), "v2": (30, 1)}


def test_what_finds_nobody_is_counted_when_its_time_is_over() -> None:
    joining = Joining()
    joining.send(answer("a"), shadow("a"), answer("alone"), shadow("lost"), outcome("nobody"))
    joining.save()
    assert joining.pairs(PairLayout.unmatched_candidate) == {}
    assert joining.fates() == {"received": 1, "waiting": 1}
    joining.close()
    assert joining.pairs(PairLayout.candidates) == {("v2", ""): 2}
    assert joining.pairs(PairLayout.controls) == {("v1", ""): 2}
    assert joining.pairs(PairLayout.unmatched_candidate) == {("v2", ""): 1}
    assert joining.pairs(PairLayout.unmatched_control) == {("v1", ""): 1}
    assert joining.fates() == {"received": 1, "unmatched": 1}


def test_beyond_the_horizon_nothing_is_joined() -> None:
    joining = Joining()
    late = NOON + 5 * MINUTE + 1
    joining.send(answer("a"), shadow("a", timestamp=late), outcome("a", timestamp=late))
    joining.save()
    assert joining.pairs() == {}
    assert joining.clicks() == {"v1": (1, 0), "v2": (1, 1)}


def test_an_outcome_that_is_read_late_but_came_in_time_is_joined() -> None:
    joining = Joining()
    joining.send(answer("a"))
    [unread] = joining.append(outcome("a", timestamp=NOON + MINUTE))
    joining.send(single("much later", LATER))
    joining.save()
    joining.read([unread])
    joining.close()
    assert joining.clicks()["v1"] == (1, 1)


def test_no_record_of_the_state_is_longer_than_a_message_may_be() -> None:
    joining, again = Joining(), Joining()
    ids = [hashed(f"r{i}") for i in range(2 * SEGMENT_FACTS)]
    sender = Sender(role=Role.CANARY, version="v2")
    joining.send(sender.batch([NOON] * len(ids), request_ids=np.array(ids, "<u8").tobytes()))
    joining.save()
    segments = [w for w in joining.checkpoints[-1].writes if w.key.startswith(b"fact")]
    assert len(segments) > 1
    again.checkpoints = joining.checkpoints
    again.crash()
    primary = Sender("q").batch([NOON] * len(ids), request_ids=np.array(ids, "<u8").tobytes())
    for core in (joining, again):
        core.send(primary)
        core.save()
    assert again.pairs() == joining.pairs() == {("v2", "v1"): len(ids)}


def test_what_is_over_is_dropped_from_the_state() -> None:
    joining = Joining()
    joining.send(*traffic(Random(1), requests=50), appended=NOON + 5 * MINUTE)
    joining.save()
    joining.close()
    kept = {write.key: write.value for c in joining.checkpoints for write in c.writes if write.topic == "state"}
    alive = [key for key, value in kept.items() if value is not None and key[:4] in {b"fact", b"join"}]
    last = LATER - LATER % MINUTE
    assert all(str(last).encode() in key for key in alive), alive


def test_probes_late_and_quarantined_rows_are_not_followed() -> None:
    joining = Joining()
    joining.send(single("now", NOON + 8 * MINUTE))
    joining.send(
        answer("a", probe=True),
        answer("b", timestamp=NOON - MINUTE),
        answer("c", timestamp=NOON + 60 * MINUTE),
        appended=NOON + 8 * MINUTE,
    )
    joining.send(outcome("a"), outcome("b"), outcome("c"), appended=NOON + 8 * MINUTE)
    joining.save()
    assert joining.clicks() == {"v1": (1, 0)}


def test_without_comparison_and_outcomes_nothing_is_followed() -> None:
    joining = Joining("segments: {region: [eu, us]}\n")
    joining.send(answer("a"), shadow("a"), outcome("a"))
    joining.save()
    assert joining.cells() == {}
    assert joining.fates() == {"received": 1, "unexpected": 1}
    assert not [write for write in joining.checkpoints[-1].writes if write.key[:4] in {b"fact", b"rate"}]


def test_disagreeing_requests_are_told_apart_by_the_features_of_the_control() -> None:
    joining = Joining()
    for i in range(20):
        odd = i % 2 == 0
        city = "rome" if odd else "paris"
        joining.send(
            answer(f"r{i}", features={"age": 40.0, "city": city}, score=0.5),
            shadow(f"r{i}", features={"age": 40.0, "city": "london"}, score=0.9 if odd else 0.5),
        )
    joining.save()
    [counts] = [
        counts
        for cell, counts in joining.cells().items()
        if (cell.version, cell.control, cell.segment) == ("v2", "v1", "")
    ]
    features = (len(counts) - PairLayout((), ()).size) // 2
    disagreeing, agreeing = counts[-2 * features : -features], counts[-features:]
    assert sum(disagreeing) == sum(agreeing) == 2 * 10
    assert all(not (a and b) for a, b in zip(disagreeing, agreeing, strict=True)) is False
    assert disagreeing != agreeing


def test_the_hash_of_a_request_is_that_of_batches() -> None:
    assert hashed("a") == id_hash("a")
    assert "join_horizon" in TEXT
