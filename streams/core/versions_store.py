"""The part of the judge's state that is about versions: held, changed, and as records of its state topic."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.records import JoinPartial, JudgeStream, JudgeVersions
from kedge.streams.core.instructions import STATE, Write
from kedge.streams.core.join_cells import JoinKey
from kedge.streams.core.versions_joins import JoinPiece, Joins
from kedge.streams.core.versions_state import ModelVersions, VersionStream

__all__ = ["VersionsStore"]

_JOIN: Final = b"joined"
_STREAM: Final = b"stream"
_VERSIONS: Final = b"versions"


class VersionsStore:
    """All models' joined pieces, version streams, and what is known across versions."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.joins: dict[str, Joins] = defaultdict(Joins)
        self._models: dict[str, ModelVersions] = {}
        self._streams: dict[str, dict[tuple[str, str], VersionStream]] = defaultdict(dict)
        self._pieces: dict[JoinPiece, bytes | None] = {}
        self._touched: dict[bytes, VersionStream | ModelVersions | None] = {}

    def model(self, name: str) -> ModelVersions:
        """Return a model across its versions, to be changed: it will be in the next snapshot."""
        model = self._models.setdefault(name, ModelVersions(name))
        self._touched[_VERSIONS + name.encode()] = model
        return model

    def known(self, name: str) -> ModelVersions | None:
        """Return a model across its versions, to be read; None: nothing is kept of it."""
        return self._models.get(name)

    def see(self, model: str, version: str, role: str, pane_start: int) -> None:
        """Take note of rows of a version in a pane."""
        stream = self._streams[model].get((version, role))
        if stream is None:
            stream = VersionStream(model, version, role, began_at=pane_start, last_seen=pane_start)
            self._streams[model][version, role] = stream
            self.touch(stream)
        elif stream.see(pane_start):
            self.touch(stream)

    def stream(self, model: str, version: str, role: str) -> VersionStream | None:
        """Return a version in a role; None: it was never seen, or is forgotten."""
        return self._streams[model].get((version, role))

    def touch(self, stream: VersionStream) -> None:
        """Note that a stream changed."""
        self._touched[_stream_key(stream)] = stream

    def put(self, piece: JoinPiece, partial: JoinPartial, value: bytes) -> None:
        """Put a source's joined counts in the place of what it said before."""
        self.joins[partial.model].put(piece, partial)
        self._pieces[piece] = value

    def drop_panes(self, model: str, over: Callable[[int], bool]) -> None:
        """Hold the pieces of panes no more that are over."""
        joins = self.joins.get(model)
        if joins is not None:
            self.drop(joins.drop_panes([pane for pane in joins.panes if over(pane)]))

    def drop(self, pieces: Iterable[JoinPiece]) -> None:
        """Note that pieces are held no more."""
        self._pieces.update(dict.fromkeys(pieces))

    def forget(self, model: str, time: int) -> None:
        """Forget the versions that nobody has seen for long."""
        streams = self._streams.get(model, {})
        for key in [key for key, stream in streams.items() if stream.is_gone(time)]:
            self._touched[_stream_key(streams.pop(key))] = None

    def changes(self) -> Iterator[Write]:
        """Yield what changed since the last call, as records of the state topic."""
        for piece, value in self._pieces.items():
            name = json.dumps([piece.source, piece.key], separators=(",", ":"))
            yield Write(STATE, _JOIN + name.encode(), value)
        for key in sorted(self._touched):
            changed = self._touched[key]
            yield Write(STATE, key, None if changed is None else self._codec.encode(changed.record()))
        self._pieces, self._touched = {}, {}

    @property
    def changed(self) -> bool:
        """Whether pieces have come that are not in the state topic yet."""
        return bool(self._pieces)

    def restore(self, key: bytes, value: bytes | None) -> bool:
        """Take one record in if it is of this part; returns whether it is."""
        if key.startswith(_JOIN):
            self._restore_piece(key, value)
        elif key.startswith(_STREAM):
            model, version, role = json.loads(key[len(_STREAM) :])
            if value is None:
                self._streams[model].pop((version, role), None)
            else:
                self._streams[model][version, role] = VersionStream.of(self._codec.decode(value, JudgeStream))
        elif key.startswith(_VERSIONS):
            if value is not None:
                versions = ModelVersions.of(self._codec.decode(value, JudgeVersions))
                self._models[versions.model] = versions
        else:
            return False
        return True

    def _restore_piece(self, key: bytes, value: bytes | None) -> None:
        source, cell = json.loads(key[len(_JOIN) :])
        piece = JoinPiece(JoinKey(*cell), source)
        if value is None:
            self.joins[piece.key.model].remove(piece)
        else:
            self.joins[piece.key.model].put(piece, self._codec.decode(value, JoinPartial))


def _stream_key(stream: VersionStream) -> bytes:
    return _STREAM + json.dumps([stream.model, stream.version, stream.role], separators=(",", ":")).encode()
