"""The tally's state as records of its state topic, and what leaves with each checkpoint."""

import json
from collections import defaultdict
from collections.abc import Iterator

from kedge.schemas.codec import Codec
from kedge.schemas.records import (
    EventIds,
    ModelProgress,
    ModelTime,
    Partial,
    Position,
    ProducerState,
    Progress,
    TallyDetail,
)
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.cells import Cell, CellKey
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.dedupe import Stream as SenderStream
from kedge.streams.core.dedupe import StreamKey
from kedge.streams.core.instructions import POSITION_KEY, STATE, Checkpoint, Write
from kedge.streams.core.join_store import JoinStore
from kedge.streams.core.position import check_position, new_position
from kedge.streams.core.tally_state import PARTIALS, PREDICTIONS, Clock, TallyState

__all__ = ["TallyStore"]

HEARTBEAT_MS = 2_000
"""Progress is told at least this often, also where nothing comes: silence is lag."""

_CELL, _SENDER, _IDS = b"cell", b"send", b"ids:"


class TallyStore:
    """Reads and writes one tally's state."""

    def __init__(self, config: CoreConfig, state: TallyState, codec: Codec, joins: JoinStore) -> None:
        self._config = config
        self._state = state
        self._codec = codec
        self._position: Position | None = None
        self._id_segments: dict[tuple[str, int], list[bytes]] = defaultdict(list)
        self._cells: dict[CellKey, Cell] = {}
        self._joins = joins
        self._told_at = 0
        self._told: dict[str, int] = {}

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record in; a tombstone undoes an earlier one."""
        kind = key[:4]
        if key == POSITION_KEY:
            self._restore_position(value)
        elif kind == _CELL:
            self._restore_cell(CellKey.decode(key[4:]), value)
        elif kind == _SENDER:
            self._restore_sender(StreamKey(*json.loads(key[4:])), value)
        elif kind == _IDS:
            self._restore_ids(key, value)
        else:
            self._joins.restore(key, value)

    def restored(self, catalog: Catalog) -> None:
        """Check the topology and make the state ready; raises `TopologyMismatchError`."""
        if self._position is not None:
            check_position(self._position, self._config)
        for key, cell in self._cells.items():
            self._state.add_cell(key, cell, catalog.plan(key.monitor, key.baseline))
        self._cells = {}
        self._joins.restored(catalog)

    def checkpoint(self, now_ms: int, letters: list[Write]) -> Checkpoint | None:
        """Return everything that changed, as of `committed`; None where there is nothing to say."""
        state = self._state
        fresh = state.committed != self._told or letters or state.dirty_cells or self._joins.changed
        if not fresh and now_ms < self._told_at + HEARTBEAT_MS:
            return None
        self._told, self._told_at = dict(state.committed), now_ms
        cells = [(key, self.partial(key, state.cells[key])) for key in sorted(state.dirty_cells)]
        last = [(key, value) for key, value in state.gone_cells.items() if value]
        writes = (
            *(Write(STATE, _CELL + key.encode(), value) for key, value in cells),
            *self._tombstones(),
            *self._senders(),
            *self._ids(state.committed.get(PREDICTIONS, -1)),
            *self._joins.writes(),
            *letters,
            *(Write(PARTIALS, key.model.encode(), value) for key, value in (*last, *cells)),
            *self._progress(),
            Write(STATE, POSITION_KEY, self._codec.encode(self._new_position())),
        )
        state.dirty_cells, state.dirty_senders = set(), set()
        state.gone_cells, state.gone_senders, state.gone_ids = {}, set(), set()
        return Checkpoint(writes, dict(state.committed))

    def partial(self, key: CellKey, cell: Cell) -> bytes:
        """Return a cell as it stands in the state and on `partials`."""
        through = self._state.committed.get(PREDICTIONS, -1)
        return self._codec.encode(cell.partial(key, self._config.partition, through))

    def _tombstones(self) -> Iterator[Write]:
        for key in self._state.gone_cells:
            yield Write(STATE, _CELL + key.encode(), None)
        for sender in sorted(self._state.gone_senders):
            yield Write(STATE, _sender_key(sender), None)
        for pane in sorted(self._state.gone_ids):
            for segment in self._id_segments.pop(pane, ()):
                yield Write(STATE, segment, None)

    def _senders(self) -> Iterator[Write]:
        for key in sorted(self._state.dirty_senders):
            record = self._state.senders[key].record(key)
            yield Write(STATE, _sender_key(key), self._codec.encode(record))

    def _ids(self, offset: int) -> Iterator[Write]:
        for place, segment in enumerate(self._state.ids.take_fresh()):
            pane = (segment.model, segment.pane_end)
            key = _IDS + json.dumps([*pane, offset, place]).encode()
            self._id_segments[pane].append(key)
            yield Write(STATE, key, self._codec.encode(segment))

    def _progress(self) -> Iterator[Write]:
        """Tell every judge: each holds models that may live in this partition, or be absent."""
        sources = self._config.topology[PREDICTIONS]
        progress = Progress(
            source=self._config.partition,
            sources=sources,
            read_through=self._state.read_through,
            at_end=self._state.at_end,
            models=tuple(
                ModelProgress(
                    model=model,
                    max_timestamp=clock.max_timestamp,
                    watermark=clock.watermark,
                    last_appended=clock.last_appended,
                )
                for model, clock in sorted(self._state.clocks.items())
            ),
        )
        value = self._codec.encode(progress)
        for partition in range(self._config.topology[PARTIALS]):
            yield Write(PARTIALS, b"progress", value, partition)

    def _new_position(self) -> Position:
        state = self._state
        models = tuple(
            ModelTime(
                model=model,
                max_timestamp=clock.max_timestamp,
                watermark=clock.watermark,
                last_appended=clock.last_appended,
            )
            for model, clock in sorted(state.clocks.items())
        )
        detail = TallyDetail(
            read_through=state.read_through,
            totals=dict(state.totals),
            models=models,
            outcomes_through=state.outcomes_through,
        )
        return new_position("tally", self._config, state.committed, self._codec.encode(detail))

    def _restore_position(self, value: bytes | None) -> None:
        if value is None:
            return
        self._position = self._codec.decode(value, Position)
        detail = self._codec.decode(self._position.detail, TallyDetail)
        state = self._state
        state.committed = dict(self._position.committed)
        state.read_through = detail.read_through
        state.outcomes_through = detail.outcomes_through
        state.totals.clear()
        state.totals.update(detail.totals)
        state.clocks = {m.model: Clock(m.max_timestamp, m.watermark, m.last_appended) for m in detail.models}

    def _restore_cell(self, key: CellKey, value: bytes | None) -> None:
        if value is None:
            self._cells.pop(key, None)
        else:
            self._cells[key] = Cell.of(self._codec.decode(value, Partial))

    def _restore_sender(self, key: StreamKey, value: bytes | None) -> None:
        if value is None:
            self._state.senders.pop(key, None)
        else:
            self._state.senders[key] = SenderStream.of(self._codec.decode(value, ProducerState))

    def _restore_ids(self, key: bytes, value: bytes | None) -> None:
        model, pane_end, *_ = json.loads(key[4:])
        if value is None:
            # All segments of a pane go together, with the pane.
            self._state.ids.expire_pane(model, pane_end)
            self._id_segments.pop((model, pane_end), None)
        else:
            self._state.ids.load(self._codec.decode(value, EventIds))
            self._id_segments[model, pane_end].append(key)


def _sender_key(key: StreamKey) -> bytes:
    return _SENDER + json.dumps(key).encode()
