"""Whether somebody counts, by what lies in the topics of a built-in cluster, and whether clocks agree."""

from typing import Final

import pytest

from kedge.schemas.records import Position
from kedge.streams.announce import Place
from kedge.streams.clock import now_ms
from kedge.streams.core.instructions import POSITION_KEY
from kedge.streams.doctor.finding import Finding, Level
from kedge.streams.doctor.progress import agents, clock, clock_finding, read_checkpoints, workers
from kedge.streams.names import Agent
from tests.streams.cli.scripted import Deployment

MODEL: Final = "m"
NOW: Final = now_ms()


@pytest.fixture
def deployment() -> Deployment:
    return Deployment("progress")


def place(deployment: Deployment) -> Place:
    return Place(kafka=deployment.cluster.settings, codec=deployment.codec)


def checkpoint(deployment: Deployment, **committed: int) -> None:
    """Write the judge's checkpoint of the model's partition, between other records of its state."""
    position = Position(agent="judge", environment="progress", topology={}, committed=committed, detail=b"")
    deployment.put("judge_state", MODEL, b"state")
    deployment.put("judge_state", MODEL, position, key=POSITION_KEY)
    deployment.put("judge_state", MODEL, b"state")


def judge(deployment: Deployment, now_ms: int) -> Finding:
    return {finding.check: finding for finding in agents(place(deployment), now_ms)}["judge"]


def test_what_was_never_counted_is_told_by_the_age_of_what_waits(deployment: Deployment) -> None:
    assert judge(deployment, NOW).level is Level.UNKNOWN
    deployment.put("partials", MODEL, b"one", b"two")
    later = now_ms()
    assert [judge(deployment, later + ms).level for ms in (0, 30_000, 61_000)] == [Level.OK, Level.WARN, Level.FAIL]
    assert "last checkpoint never; behind in 1 partitions, by 1 min" in judge(deployment, later + 61_000).said


def test_what_the_newest_checkpoint_contains_does_not_wait(deployment: Deployment) -> None:
    deployment.put("partials", MODEL, b"one", b"two")
    checkpoint(deployment, partials=0)
    later = now_ms() + 61_000
    assert judge(deployment, later).level is Level.FAIL
    checkpoint(deployment, partials=1)
    assert judge(deployment, later).level is Level.OK
    assert [c.committed for (agent, _), c in read_checkpoints(place(deployment)).items() if agent is Agent.JUDGE] == [
        {"partials": 1}
    ]


def test_a_checkpoint_far_from_the_end_of_its_state_is_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kedge.streams.doctor.progress._TAIL", 1)
    checkpoint(deployment, partials=7)
    assert [found.committed for found in read_checkpoints(place(deployment)).values()] == [{"partials": 7}]


def test_what_a_cluster_does_not_tell_of_its_groups_is_not_known(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kedge.streams.doctor.progress._TIMEOUT_S", 0.5)
    (finding,) = workers(place(deployment))
    assert (finding.level, "progress.kedge" in finding.said) == (Level.UNKNOWN, True)


def test_stamps_that_no_broker_made_say_nothing_of_clocks(deployment: Deployment) -> None:
    deployment.put("acks", MODEL, b"one")
    assert clock(place(deployment), listen_s=0.5).level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("ahead_ms", "arrived", "level", "said"),
    [
        (-400, True, Level.OK, "agree to 2 s"),
        (-5_000, True, Level.WARN, "5 s behind"),
        (90_000, True, Level.FAIL, "1 min ahead of"),
        (-600_000, True, Level.FAIL, "10 min behind"),
        (-600_000, False, Level.UNKNOWN, "nothing was stamped"),
        (3_000, False, Level.WARN, "3 s ahead of"),
        (None, False, Level.UNKNOWN, "nothing was stamped"),
    ],
)
def test_an_old_stamp_says_nothing_and_one_of_the_future_does(
    *, ahead_ms: int | None, arrived: bool, level: Level, said: str
) -> None:
    finding = clock_finding(ahead_ms, arrived=arrived)
    assert (finding.level, said in finding.said) == (level, True)
