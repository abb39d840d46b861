"""The table of topics says what the design says."""

from kedge.streams.names import Agent, Topics
from kedge.streams.topics import TOPICS, Layout, Spread

BY_NAME = {spec.name: spec for spec in TOPICS}


def test_topics_that_one_owner_needs_together_have_equal_counts() -> None:
    layout = Layout(requests=12, models=3)
    for together in [
        ("predictions", "outcomes", "tally_state"),
        ("partials", "judge_state"),
        ("reports", "overrides", "acks", "control", "guard_state"),
    ]:
        assert len({layout.partitions(BY_NAME[name]) for name in together}) == 1


def test_only_state_baselines_and_monitors_are_compacted() -> None:
    compacted = {spec.name for spec in TOPICS if spec.retention_ms is None}
    assert compacted == {"tally_state", "judge_state", "guard_state", "baselines", "monitors"}


def test_what_others_send_carries_the_brokers_time() -> None:
    stamped = {spec.name for spec in TOPICS if spec.binding()["message.timestamp.type"] == "LogAppendTime"}
    assert stamped == {"predictions", "outcomes", "overrides", "acks"}


def test_every_name_in_the_code_is_in_the_table_and_the_other_way_round() -> None:
    topics = Topics("e")
    named = {topic for agent in Agent for topic in topics.inputs(agent)} | {topics.state(agent) for agent in Agent}
    named |= {getattr(topics, name) for name, kind in vars(Topics).items() if isinstance(kind, property)}
    assert named == {topics.of(spec.name) for spec in TOPICS}


def test_what_is_keyed_by_request_decides_how_wide_the_first_stage_is() -> None:
    wide = {spec.name for spec in TOPICS if spec.spread is Spread.REQUESTS}
    assert wide == {"predictions", "outcomes", "tally_state", "dead_letters"}
