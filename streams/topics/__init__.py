"""Which topics Kedge has, and `kedge topics create`."""

from kedge.streams.topics.create import Outcome, Result, TopicsError, create_topics, topic_settings
from kedge.streams.topics.table import OWN_MESSAGE_BYTES_MAX, TOPICS, Layout, Spread, TopicSpec, topics_table_markdown

__all__ = [
    "OWN_MESSAGE_BYTES_MAX",
    "TOPICS",
    "Layout",
    "Outcome",
    "Result",
    "Spread",
    "TopicSpec",
    "TopicsError",
    "create_topics",
    "topic_settings",
    "topics_table_markdown",
]
