"""Wherever a judge stops and another takes over, the same version reports leave."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.schemas.records import JoinKind, Role
from tests.streams.core.versions_made import Answers, Clicks, Pairs, Stage

TEXT = (
    "comparison: {expected_share: {v2: 0.2}}\n"
    "outcomes: {click: {type: binary, delay: 2m, label_horizon: 1d}}\n"
    "segments: {region: [eu, us]}\n"
    "guardrails: {divergence_rate: {bound: 0.2}}\n"
    "sequential: [{detector: page_hinkley, signal: errors, threshold: 0.2}, {detector: adwin, signal: click}]\n"
)
ROUNDS = 44


def run(crashes: frozenset[int]) -> list[bytes]:
    """Eight windows of a canary, then a full rollout of it, late counts, labels, and a silence of two days."""
    stage = Stage(TEXT, crashes=sorted(crashes))
    for index in range(16):
        before = index < 8
        served = Answers(version="v1" if before else "v2", errors=5, requests=4_000)
        canary = Answers(version="v2", role=Role.CANARY, errors=40 * (index % 3))
        stage.window(
            index,
            served,
            Answers(version=served.version, segment="region=eu", requests=3_000),
            *((canary, Answers(version="v2", role=Role.CANARY, segment="region=eu", requests=900)) if before else ()),
            Pairs(version="v3", disagreeing=100, control=served.version),
            Clicks(version=served.version, predictions=4_000, seen=3_000 + index, clicked=150),
            Clicks(version="v2", role=Role.CANARY, predictions=1_000, seen=800, clicked=30),
        )
        if index % 5 == 0:
            stage.counted(max(index - 1, 0), Clicks(version="v1", predictions=4_100, seen=3_100, clicked=170))
    stage.window(0, Clicks(version="v1", kind=JoinKind.LABEL, predictions=0, seen=30, clicked=3))
    stage.pass_time(100)
    stage.pass_time(2 * 1_440)
    stage.finish()
    return stage.written


@cache
def undisturbed() -> list[bytes]:
    return run(frozenset())


@settings(max_examples=5, deadline=None)
@given(st.frozensets(st.integers(1, ROUNDS + 3), max_size=6))
def test_a_judge_that_crashes_anywhere_says_the_same(crashes: frozenset[int]) -> None:
    assert run(crashes) == undisturbed()


def test_a_judge_that_crashes_after_every_step_says_the_same() -> None:
    assert run(frozenset(range(1, ROUNDS + 4))) == undisturbed()
    assert len(undisturbed()) > 60


def test_evidence_that_nothing_else_writes_is_kept() -> None:
    said = []
    for crashes in ((), range(1, 20)):
        stage = Stage("comparison: {tolerance: 0.1}\n", crashes=tuple(crashes))
        canary = Answers(version="v2", role=Role.CANARY, errors=9)
        stage.windows(range(6), Answers(errors=20, requests=4_000), canary)
        said.append(stage.written)
    assert said[0] == said[1]
