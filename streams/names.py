"""Every name that Kedge uses in Kafka, in one place.

Names left to a framework leak: Faust would call a topic after the import path of the agent that reads it, and
moving a module would lose the data. One deployment is one *environment*: the prefix of all of these names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MAX_ENVIRONMENT = 64
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Agent(StrEnum):
    """The three stages; each owns partitions of its inputs and one compacted state topic."""

    TALLY = "tally"
    JUDGE = "judge"
    GUARD = "guard"


SOURCES: Final[Mapping[Agent, tuple[str, ...]]] = MappingProxyType(
    {
        Agent.TALLY: ("predictions", "outcomes"),
        Agent.JUDGE: ("partials",),
        Agent.GUARD: ("reports", "overrides", "acks"),
    }
)
"""What each agent reads, by logical name, the leading topic first. One owner has the same partition of all of them."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one environment.

    >>> Topics("prod").predictions
    'prod.kedge.predictions'

    Raises:
        ValueError: the environment is empty, longer than 64 characters, or holds anything but ASCII letters,
            digits, `_` and `-` (a dot would make two environments' names run into each other).
    """

    environment: str

    def __post_init__(self) -> None:
        if len(self.environment) > MAX_ENVIRONMENT or not _ENVIRONMENT.fullmatch(self.environment):
            message = (
                f"the environment {self.environment!r} must be 1 to {MAX_ENVIRONMENT} letters, digits, '_' or '-' "
                "and start with a letter or digit"
            )
            raise ValueError(message)

    def of(self, name: str) -> str:
        """The full name of a logical topic (`predictions`, `tally_state`, …)."""
        return f"{self.environment}.kedge.{name}"

    @property
    def predictions(self) -> str:
        """What serving nodes publish: tally's input."""
        return self.of("predictions")

    @property
    def outcomes(self) -> str:
        """What became of answers, by request: tally's second input."""
        return self.of("outcomes")

    @property
    def partials(self) -> str:
        """Counts of one source partition, and how far it is: judge's input."""
        return self.of("partials")

    @property
    def reports(self) -> str:
        """Closed windows: guard's input."""
        return self.of("reports")

    @property
    def overrides(self) -> str:
        """What people want otherwise: guard's second input."""
        return self.of("overrides")

    @property
    def acks(self) -> str:
        """What became of commands: guard's third input."""
        return self.of("acks")

    @property
    def alerts(self) -> str:
        """Steps in the life of incidents, for people."""
        return self.of("alerts")

    @property
    def control(self) -> str:
        """Commands, for whatever routes traffic or rolls out."""
        return self.of("control")

    @property
    def journal(self) -> str:
        """What guard took in and what it decided."""
        return self.of("journal")

    @property
    def baselines(self) -> str:
        """Frozen references, compacted."""
        return self.of("baselines")

    @property
    def monitors(self) -> str:
        """Monitor documents, compacted."""
        return self.of("monitors")

    @property
    def dead_letters(self) -> str:
        """Where refused records lay, and why."""
        return self.of("dead_letters")

    @property
    def tally_state(self) -> str:
        """Tally's state."""
        return self.state(Agent.TALLY)

    @property
    def judge_state(self) -> str:
        """Judge's state."""
        return self.state(Agent.JUDGE)

    @property
    def guard_state(self) -> str:
        """Guard's state."""
        return self.state(Agent.GUARD)

    def state(self, agent: Agent) -> str:
        """The state topic of an agent."""
        return self.of(f"{agent}_state")

    def inputs(self, agent: Agent) -> tuple[str, ...]:
        """The topics whose partitions an agent owns, the leading one first."""
        return tuple(self.of(source) for source in SOURCES[agent])


def group_id(environment: str) -> str:
    """The one consumer group of an environment's workers."""
    return f"{environment}.kedge"


def reader_group(environment: str) -> str:
    """What readers without a group give as theirs, because librdkafka wants one: looked up, and never joined."""
    return f"{environment}.kedge.reader"


def transactional_ids(environment: str) -> str:
    """What all transactional ids of an environment begin with, and no other environment's: for an ACL."""
    return f"{environment}.kedge."


def transactional_id(environment: str, agent: Agent, partition: int) -> str:
    """Whose transactions these are: a new owner of the partition fences the old one by this name."""
    return f"{transactional_ids(environment)}{agent}.{partition}"
