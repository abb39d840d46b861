"""Kedge's topics as one table: `create` obeys it, and docs/topics.md is generated from it.

Faust never creates a topic: it would take the broker's defaults, and a state topic that is not compacted, or
predictions stamped by their sender's clock, are mistakes that show months later.
"""

from dataclasses import dataclass
from enum import StrEnum

_DAY_MS = 86_400_000
_ROWS_MS = 7 * _DAY_MS  # rows and what is rebuilt from them
_RECORD_MS = 400 * _DAY_MS  # what an audit a year later asks for

# A restore reads everything that compaction has not yet removed, and compaction never touches the open segment:
# small segments and a bound on how long it may wait keep a restore to seconds.
_COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": str(16 * 2**20),
    "max.compaction.lag.ms": str(10 * 60_000),
    "min.cleanable.dirty.ratio": "0.2",
}


class Spread(StrEnum):
    """Which of the two partition counts a topic takes."""

    REQUESTS = "requests"  # keyed by request_id: as many as the traffic needs
    MODELS = "models"  # keyed by model: as many as there are models to spread


OWN_MESSAGE_BYTES_MAX = 8 * 1_048_576
"""What Kedge writes may be longer than what it takes from senders (1 MiB): the state of a model with many features
and many segments is one record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic.

    `retention_ms` None means compacted: the newest record of a key is kept for ever.
    """

    name: str
    spread: Spread
    retention_ms: int | None
    append_time: bool = False
    doc: str

    def binding(self) -> dict[str, str]:
        """The settings that counting relies on: a topic that has others is refused."""
        return {
            "cleanup.policy": "compact" if self.retention_ms is None else "delete",
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
        }

    def advised(self) -> dict[str, str]:
        """The settings that an operator may choose otherwise, at a price in disk or restore time."""
        size = {} if self.append_time else {"max.message.bytes": str(OWN_MESSAGE_BYTES_MAX)}
        if self.retention_ms is None:
            return {**{key: value for key, value in _COMPACTED.items() if key not in self.binding()}, **size}
        return {"retention.ms": str(self.retention_ms), **size}


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(
        name="predictions",
        spread=Spread.REQUESTS,
        retention_ms=_ROWS_MS,
        append_time=True,  # the broker's clock judges the senders' clocks (more than 5 minutes ahead: quarantined)
        doc="What serving nodes publish, by `request_id`.",
    ),
    TopicSpec(
        name="outcomes",
        spread=Spread.REQUESTS,
        retention_ms=_ROWS_MS,
        append_time=True,  # as above
        doc="What became of answers, by `request_id`, in the partition of the prediction.",
    ),
    TopicSpec(
        name="tally_state",
        spread=Spread.REQUESTS,
        retention_ms=None,
        doc="Tally's counts, watermarks and position, one partition for each of `predictions` and `outcomes`.",
    ),
    TopicSpec(
        name="dead_letters",
        spread=Spread.REQUESTS,
        retention_ms=_ROWS_MS,
        doc="Refused records: where they lay and why, not what they held.",
    ),
    TopicSpec(
        name="partials",
        spread=Spread.MODELS,
        retention_ms=_ROWS_MS,
        doc="Counts of a pane in one source partition, and each source's progress.",
    ),
    TopicSpec(
        name="judge_state",
        spread=Spread.MODELS,
        retention_ms=None,
        doc="Judge's panes and watermarks, one partition for each of `partials`.",
    ),
    TopicSpec(
        name="reports",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        doc="Closed windows with their findings and verdict.",
    ),
    TopicSpec(
        name="overrides",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        append_time=True,  # what a person wanted, and when it was heard, whatever that person's clock says
        doc="What people want otherwise: signed, with a reason and an end.",
    ),
    TopicSpec(
        name="acks",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        append_time=True,  # as above
        doc="What actuators made of commands.",
    ),
    TopicSpec(
        name="guard_state",
        spread=Spread.MODELS,
        retention_ms=None,
        doc="Guard's incidents and histories, one partition for each of `reports`, `overrides` and `acks`.",
    ),
    TopicSpec(
        name="control",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        doc="Commands, each once.",
    ),
    TopicSpec(
        name="alerts",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        doc="Incidents opened, updated and resolved.",
    ),
    TopicSpec(
        name="journal",
        spread=Spread.MODELS,
        retention_ms=_RECORD_MS,
        doc="What guard took in, in which order, and what it decided.",
    ),
    TopicSpec(
        name="baselines",
        spread=Spread.MODELS,
        retention_ms=None,
        doc="Frozen references by model and the time from which they act.",
    ),
    TopicSpec(
        name="monitors",
        spread=Spread.MODELS,
        retention_ms=None,
        doc="Monitor documents by model and the time from which they act.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How wide and how safe: partition counts (≥ 1) by `Spread`, and copies of each partition (≥ 1)."""

    requests: int = 4
    models: int = 4
    replication: int = 3

    def __post_init__(self) -> None:
        if min(self.requests, self.models, self.replication) < 1:
            message = "partition counts and the replication factor are at least 1"
            raise ValueError(message)

    def partitions(self, spec: TopicSpec) -> int:
        """The partition count of a topic; equal for topics that must be owned together."""
        return self.requests if spec.spread is Spread.REQUESTS else self.models

    def in_sync(self) -> int:
        """Copies that must have a record before it counts as written: where there are several, one may be away."""
        return max(1, self.replication - 1)


def topics_table_markdown() -> str:
    """The table of docs/topics.md."""
    rows = [
        "| topic | partitions by | kept | stamped by | holds |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| `{spec.name}` | {spec.spread} | {_kept(spec)} | {'broker' if spec.append_time else 'writer'} | {spec.doc} |"
        for spec in TOPICS
    ]
    return "\n".join(rows) + "\n"


def _kept(spec: TopicSpec) -> str:
    return "compacted" if spec.retention_ms is None else f"{spec.retention_ms // _DAY_MS} days"
