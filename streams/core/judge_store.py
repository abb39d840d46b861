"""The judge's state as records of its state topic, and what leaves with each checkpoint."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from kedge.schemas.codec import Codec
from kedge.schemas.partition import partition_for
from kedge.schemas.records import JudgeDetail, JudgeModel, Partial, Position, SourceProgress
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.cells import CellKey
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.instructions import POSITION_KEY, STATE, Checkpoint, Observation, Write
from kedge.streams.core.judge_model import ModelWindows, PieceKey
from kedge.streams.core.position import check_position, new_position
from kedge.streams.core.versions_store import VersionsStore
from kedge.streams.core.windows import open_starts

__all__ = ["PARTIALS", "REPORTS", "JudgeStore"]

PARTIALS: Final = "partials"
REPORTS: Final = "reports"

POSITION_MS: Final = 10_000
"""A position that nothing else has changed with is written this often: it only spares re-reading."""

_PIECE, _MODEL = b"piece", b"model"


class JudgeStore:
    """One judge's data, what of it is new, and its records."""

    def __init__(self, config: CoreConfig, codec: Codec) -> None:
        self._config = config
        self._codec = codec
        self.committed: dict[str, int] = {}
        self.sources: dict[int, SourceProgress] = {}
        self.models: dict[str, ModelWindows] = {}
        self._totals: Counter[str] = Counter()
        self._late: Counter[str] = Counter()
        self._pieces: dict[PieceKey, bytes | None] = {}
        self._touched: set[str] = set()
        self._position: Position | None = None
        self._restored: dict[PieceKey, Partial] = {}
        self._written_at = 0
        self.versions = VersionsStore(codec)

    def owns(self, model: str) -> bool:
        """Return whether the model's partials come to this partition."""
        count = self._config.topology[PARTIALS]
        return partition_for(model.encode(), count) == self._config.partition

    def model(self, name: str) -> ModelWindows:
        """Return a model's windows, to be changed: they will be in the next snapshot."""
        self._touched.add(name)
        if name not in self.models:
            self.models[name] = ModelWindows(name)
        return self.models[name]

    def touch(self, model: ModelWindows) -> None:
        """Note that a model's windows changed."""
        self._touched.add(model.model)

    def put_piece(self, model: ModelWindows, key: PieceKey, piece: Partial, value: bytes) -> None:
        """Put a source's counts in the place of what it said before."""
        model.pieces[key.cell.pane_start][key] = piece
        self._pieces[key] = value

    def count_late(self, model: ModelWindows, key: PieceKey, requests: int) -> None:
        """Count what a source adds to a sealed pane; it is left out, and known exactly."""
        held = model.pieces.get(key.cell.pane_start, {}).get(key)
        known = model.late.get(key, 0 if held is None else held.requests)
        # Every request is counted once as all rows, and once more in each segment key's cell.
        if not key.cell.segment:
            self._totals["late"] += requests - known
            self._late[model.model] += requests - known
        model.late[key] = requests

    def drop_panes(self, model: ModelWindows, catalog: Catalog) -> None:
        """Drop the panes whose windows are all final."""
        active = catalog.monitor_at(model.model, model.newest_event)
        if active is not None:

            def last_end(pane: int) -> int:
                return max((end for _, end in open_starts(catalog, model.model, pane)), default=pane)

            for key in model.drop_panes(active.spec.windows, last_end):
                self._pieces[key] = None
                self.touch(model)
            self.versions.drop_panes(model.model, lambda pane: pane < model.sealed_through and pane not in model.pieces)
            self.versions.forget(model.model, model.closed_through)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record in; a tombstone undoes an earlier one."""
        if key == POSITION_KEY:
            self._position = None if value is None else self._codec.decode(value, Position)
        elif key.startswith(_PIECE):
            source, cell = json.loads(key[len(_PIECE) :])
            piece = PieceKey(CellKey(*cell), source)
            if value is None:
                self._restored.pop(piece, None)
            else:
                self._restored[piece] = self._codec.decode(value, Partial)
        elif not self.versions.restore(key, value) and value is not None:
            record = self._codec.decode(value, JudgeModel)
            self.models[record.model] = ModelWindows.of(record)

    def check(self) -> None:
        """Check the topology and make the state ready; raises `TopologyMismatchError`."""
        for key, piece in self._restored.items():
            if key.cell.model in self.models:
                self.models[key.cell.model].pieces[key.cell.pane_start][key] = piece
        self._restored = {}
        if self._position is not None:
            check_position(self._position, self._config)
            self.committed = dict(self._position.committed)
            detail = self._codec.decode(self._position.detail, JudgeDetail)
            self.sources = {source.source: source for source in detail.sources}
            self._totals = Counter(detail.totals)

    def checkpoint(self, now_ms: int, leaving: list[Write]) -> Checkpoint | None:
        """Return everything that changed, as of `committed`; None where there is nothing to say."""
        if not (leaving or self._pieces or self.versions.changed or now_ms >= self._written_at + POSITION_MS):
            return None
        self._written_at = now_ms
        writes = (
            *self._changes(),
            *leaving,
            Write(STATE, POSITION_KEY, self._codec.encode(self._new_position())),
        )
        self._pieces, self._touched = {}, set()
        return Checkpoint(writes, dict(self.committed))

    def drain(self) -> list[Observation]:
        """Return the observations since the last call."""
        late, self._late = self._late, Counter()
        return [
            *(Observation("late_after_seal", {"model": m}, n) for m, n in late.items()),
            *(
                Observation(name, {"model": model.model}, value)
                for model in self.models.values()
                for name, value in (
                    ("closed_through_ms", model.closed_through),
                    ("model_watermark_ms", model.watermark),
                )
            ),
        ]

    def _changes(self) -> Iterator[Write]:
        for key, value in self._pieces.items():
            name = json.dumps([key.source, key.cell], separators=(",", ":"))
            yield Write(STATE, _PIECE + name.encode(), value)
        yield from self.versions.changes()
        for model in sorted(self._touched):
            value = self._codec.encode(self.models[model].record())
            yield Write(STATE, _MODEL + model.encode(), value)

    def _new_position(self) -> Position:
        detail = JudgeDetail(
            sources=tuple(self.sources[s] for s in sorted(self.sources)),
            totals=dict(self._totals),
        )
        return new_position("judge", self._config, self.committed, self._codec.encode(detail))
