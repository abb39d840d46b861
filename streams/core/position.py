"""The state's own record: which topology it was made for, and what it contains."""

from collections.abc import Mapping

from kedge.schemas.records import Position
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.instructions import TopologyMismatchError

__all__ = ["check_position", "new_position"]


def new_position(agent: str, config: CoreConfig, committed: Mapping[str, int], detail: bytes) -> Position:
    """Return the position of an agent's state; `detail` is the agent's own part."""
    return Position(
        agent=agent,
        environment=config.environment,
        topology=dict(config.topology),
        committed=dict(committed),
        detail=detail,
    )


def check_position(position: Position, config: CoreConfig) -> None:
    """Raise `TopologyMismatchError` unless the state was made for this topology.

    Rows already counted lie where the old partition count put them: going on would count some
    requests' events apart from one another.
    """
    if position.environment != config.environment:
        raise TopologyMismatchError(
            f"the {position.agent} state is of environment {position.environment!r}, this is {config.environment!r}"
        )
    if dict(position.topology) != dict(config.topology):
        raise TopologyMismatchError(
            f"the {position.agent} state was made for partitions {dict(position.topology)}, "
            f"the topics have {dict(config.topology)}: restore the old counts, or start a new environment"
        )
