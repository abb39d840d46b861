"""Which topics Kedge has, `kedge topics create`, and who needs which right."""

from kedge.streams.topics.create import Outcome, Result, TopicsError, create_topics, topic_settings
from kedge.streams.topics.rights import Component, Right, acl_commands, rights_markdown, rights_of
from kedge.streams.topics.table import OWN_MESSAGE_BYTES_MAX, TOPICS, Layout, Spread, TopicSpec, topics_table_markdown

__all__ = [
    "OWN_MESSAGE_BYTES_MAX",
    "TOPICS",
    "Component",
    "Layout",
    "Outcome",
    "Result",
    "Right",
    "Spread",
    "TopicSpec",
    "TopicsError",
    "acl_commands",
    "create_topics",
    "rights_markdown",
    "rights_of",
    "topic_settings",
    "topics_table_markdown",
]
