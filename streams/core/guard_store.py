"""The guard's state as records of its state topic, and what leaves with each checkpoint."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from kedge.schemas.codec import Codec
from kedge.schemas.records import Position
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.guarding.model import ModelState
from kedge.streams.core.guarding.state_records import MODEL, STREAM, restored
from kedge.streams.core.instructions import POSITION_KEY, STATE, Checkpoint, Write
from kedge.streams.core.position import check_position, new_position

__all__ = ["GuardStore"]


class GuardStore:
    """One guard's models, what of them is new, and their records."""

    def __init__(self, config: CoreConfig, codec: Codec) -> None:
        self._config = config
        self._codec = codec
        self.committed: dict[str, int] = {}
        self.models: dict[str, ModelState] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._told: dict[str, int] = {}
        self._position: Position | None = None
        self._restored: dict[bytes, bytes] = {}

    def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Put records of a model's state in the place of what was there: they will be in the next checkpoint."""
        self._changed.update(changes)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record in; a tombstone undoes an earlier one."""
        if key == POSITION_KEY:
            self._position = None if value is None else self._codec.decode(value, Position)
        elif value is None:
            self._restored.pop(key, None)
        else:
            self._restored[key] = value

    def check(self) -> None:
        """Check the topology and make the state ready; raises `TopologyMismatchError`."""
        if self._position is not None:
            check_position(self._position, self._config)
            self.committed = dict(self._position.committed)
            self._told = dict(self.committed)
        streams: dict[str, list[bytes]] = defaultdict(list)
        for key, value in self._restored.items():
            if key.startswith(STREAM):
                model, *_ = json.loads(key[len(STREAM) :])
                streams[model].append(value)
        for key, value in self._restored.items():
            if key.startswith(MODEL):
                name = key[len(MODEL) :].decode()
                self.models[name] = restored(self._codec, value, streams[name])
        self._restored = {}

    def checkpoint(self, leaving: Sequence[Write]) -> Checkpoint | None:
        """Return everything that changed, as of `committed`; None where there is nothing to say."""
        if not leaving and self.committed == self._told:
            return None
        self._told = dict(self.committed)
        changed, self._changed = self._changed, {}
        state = [Write(STATE, key, changed[key]) for key in sorted(changed)]
        position = new_position("guard", self._config, self.committed, b"")
        end = Write(STATE, POSITION_KEY, self._codec.encode(position))
        return Checkpoint((*state, *leaving, end), dict(self.committed))
