"""The same fold as the service's, over the rows of a file."""

from kedge.streams.replay.errors import ReplayError
from kedge.streams.replay.kafka import replay_range
from kedge.streams.replay.prepare import Prepared, Request, prepare
from kedge.streams.replay.run import Output, replay

__all__ = ["Output", "Prepared", "ReplayError", "Request", "prepare", "replay", "replay_range"]
