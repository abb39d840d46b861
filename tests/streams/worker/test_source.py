"""What a core says of its positions, and partition counts that cannot go together."""

import pytest
from faust.types import TP

from kedge.streams.names import SOURCES, Agent
from kedge.streams.worker.cluster import UnequalPartitionsError
from kedge.streams.worker.means import AgentSpec
from kedge.streams.worker.source import Source, positions
from kedge.streams.worker.takeover import refuse_unequal
from tests.support.counting import CountingCore

BOTH = SOURCES[Agent.TALLY]
TALLY = AgentSpec(name=Agent.TALLY, sources=BOTH, state="tally_state", beside=("control",), make_core=CountingCore)


def test_positions_are_of_the_sources_and_one_that_is_absent_is_at_its_start() -> None:
    assert positions({}, BOTH) == {"predictions": -1, "outcomes": -1}
    assert positions({"outcomes": 0}, BOTH) == {"predictions": -1, "outcomes": 0}


def test_a_position_of_another_name_is_never_taken_for_an_empty_state() -> None:
    with pytest.raises(ValueError, match="its sources are predictions, outcomes"):
        positions({"predictions": 3, "dev.kedge.outcomes": 7}, BOTH)


def test_a_position_never_goes_back() -> None:
    source = Source("outcomes", TP("dev.kedge.outcomes", 0))
    source.commit(7)
    source.commit(7)
    with pytest.raises(ValueError, match="outcomes went back from 7 to -1"):
        source.commit(-1)


@pytest.mark.parametrize("other", ["outcomes", "tally_state", "control"])
def test_topics_that_one_owner_needs_together_must_have_one_count(other: str) -> None:
    equal = dict.fromkeys((*BOTH, "tally_state", "control", "alerts"), 8)
    refuse_unequal(TALLY, {**equal, "alerts": 3})
    with pytest.raises(UnequalPartitionsError, match=f"the topics of tally must have one .*{other} has 7"):
        refuse_unequal(TALLY, {**equal, other: 7})
