"""Names in Kafka are part of the contract: a renamed topic is lost data."""

import pytest

from kedge.streams.names import Agent, Topics, group_id, transactional_id


def test_names_are_what_they_were_at_the_first_release() -> None:
    topics = Topics("prod")
    assert [topics.predictions, topics.outcomes, topics.partials, topics.reports, topics.overrides, topics.acks] == [
        "prod.kedge.predictions",
        "prod.kedge.outcomes",
        "prod.kedge.partials",
        "prod.kedge.reports",
        "prod.kedge.overrides",
        "prod.kedge.acks",
    ]
    assert [topics.state(agent) for agent in Agent] == [
        "prod.kedge.tally_state",
        "prod.kedge.judge_state",
        "prod.kedge.guard_state",
    ]
    assert group_id("prod") == "prod.kedge"
    assert transactional_id("prod", Agent.TALLY, 3) == "prod.kedge.tally.3"


def test_each_agent_reads_what_the_stage_before_it_writes() -> None:
    topics = Topics("e")
    assert [topics.inputs(agent) for agent in Agent] == [
        (topics.predictions, topics.outcomes),
        (topics.partials,),
        (topics.reports, topics.overrides, topics.acks),
    ]


@pytest.mark.parametrize("environment", ["", "-a", "a.b", "a b", "é", "x" * 65, "a\n"])
def test_an_environment_that_could_collide_is_refused(environment: str) -> None:
    with pytest.raises(ValueError, match="environment"):
        Topics(environment)
