"""The joins' state as records of the tally's state topic, and what of it leaves with each checkpoint."""

import json
from collections import defaultdict
from collections.abc import Iterator

from kedge.schemas.codec import Codec
from kedge.schemas.monitor import MonitorSpec
from kedge.schemas.records import EventIds, JoinKind, JoinPartial, JoinRates, JoinSegment
from kedge.streams.core.catalog import Catalog
from kedge.streams.core.config import CoreConfig
from kedge.streams.core.instructions import STATE, Write
from kedge.streams.core.join_cells import JoinCell, JoinKey
from kedge.streams.core.join_facts import Answering
from kedge.streams.core.join_labels import DAY_MS, label_horizon
from kedge.streams.core.join_segments import facts_of, segments_of
from kedge.streams.core.join_state import JoinState
from kedge.streams.core.tally_state import PARTIALS, PREDICTIONS, TallyState

__all__ = ["JoinStore"]

_CELL, _FACTS, _RATES, _LABELS = b"join", b"fact", b"rate", b"labl"


class JoinStore:
    """Reads and writes one partition's joins."""

    def __init__(self, config: CoreConfig, tally: TallyState, state: JoinState, codec: Codec) -> None:
        self._config = config
        self._tally = tally
        self._state = state
        self._codec = codec
        self._segments: dict[tuple[str, int], dict[int, bytes]] = defaultdict(dict)
        self._cells: dict[JoinKey, JoinCell] = {}
        self._label_segments: dict[tuple[str, int], list[bytes]] = defaultdict(list)

    @property
    def changed(self) -> bool:
        """Whether anything happened since the last checkpoint that no position shows."""
        state = self._state
        return bool(state.cells.dirty or state.cells.gone or state.dropped or state.gone_labels)

    def restore(self, key: bytes, value: bytes | None) -> None:
        """Take one record in, if it is one of the joins'; a tombstone undoes an earlier one."""
        kind, name = key[:4], key[4:]
        if kind == _CELL:
            self._restore_cell(JoinKey.decode(name), value)
        elif kind == _FACTS:
            model, start, number = json.loads(name)
            self._restore_segment((model, start), number, value)
        elif kind == _RATES and value is not None:
            self._state.rates_of(name.decode()).load(self._codec.decode(value, JoinRates))
        elif kind == _LABELS:
            self._restore_labels(key, value)

    def restored(self, catalog: Catalog) -> None:
        """Make the state ready."""
        for key, cell in self._cells.items():
            self._state.cells.load(key, cell)
            if key.kind == JoinKind.LABEL:
                self._load_day(key, catalog.spec(key.monitor))
        for place in sorted(self._segments):
            for _, value in sorted(self._segments[place].items()):
                self._load(self._codec.decode(value, JoinSegment), catalog)
        self._state.label_ids = set(self._label_segments)
        self._state.touched = set()
        self._cells, self._segments = {}, defaultdict(dict)

    def writes(self) -> Iterator[Write]:
        """Yield the state's changes, and what leaves."""
        state = self._state
        cells = [(key, self.partial(key, cell)) for key, cell in state.cells.changed()]
        yield from (Write(STATE, _CELL + key.encode(), value) for key, value in cells)
        yield from (Write(STATE, _CELL + key.encode(), None) for key in state.cells.gone)
        yield from self._facts()
        yield from self._labels()
        for model in sorted(state.touched):
            yield Write(STATE, _RATES + model.encode(), self._codec.encode(state.rates[model].record(model)))
        last = [(key, value) for key, value in state.cells.gone.items() if value]
        yield from (Write(PARTIALS, key.model.encode(), value) for key, value in (*last, *cells))
        state.cells.told()
        state.touched, state.dropped, state.gone_labels = set(), [], []

    def partial(self, key: JoinKey, cell: JoinCell) -> bytes:
        """Return a cell as it stands in the state and on `partials`."""
        through = self._tally.committed.get(PREDICTIONS, -1)
        return self._codec.encode(cell.partial(key, self._config.partition, through))

    def _facts(self) -> Iterator[Write]:
        for pane in self._state.dropped:
            for number in range(pane.segments):
                yield Write(STATE, _facts_key(pane.model, pane.start, number), None)
        for pane in self._state.buffer.panes.values():
            for segment in segments_of(pane):
                key = _facts_key(pane.model, pane.start, pane.segments - 1)
                yield Write(STATE, key, self._codec.encode(segment))

    def _labels(self) -> Iterator[Write]:
        for gone in self._state.gone_labels:
            for key in self._label_segments.pop(gone, ()):
                yield Write(STATE, key, None)
        for number, segment in enumerate(self._state.labels.take_fresh()):
            place = (segment.model, segment.pane_end)
            committed = sum(self._tally.committed.values())  # no two checkpoints with labels have the same
            key = _LABELS + json.dumps([*place, committed, number]).encode()
            self._label_segments[place].append(key)
            yield Write(STATE, key, self._codec.encode(segment))

    def _load(self, segment: JoinSegment, catalog: Catalog) -> None:
        def find(version: str, role: str, hashes: tuple[str, str]) -> Answering | None:
            plan = catalog.plan(*hashes)
            return None if plan is None else self._state.answering(version, role, plan)

        pane = self._state.buffer.pane(segment.model, segment.pane_start, segment.over_at, segment.horizon_ms)
        for fact in facts_of(segment, pane, find):
            self._state.buffer.load(fact)
        pane.written = len(pane.facts)
        pane.segments += 1

    def _load_day(self, key: JoinKey, monitor: MonitorSpec | None) -> None:
        day_end = key.pane_start + DAY_MS
        over_at = day_end + (0 if monitor is None else label_horizon(monitor))
        days = self._state.label_days
        days[key.model, day_end] = max(over_at, days.get((key.model, day_end), 0))

    def _restore_cell(self, key: JoinKey, value: bytes | None) -> None:
        if value is None:
            self._cells.pop(key, None)
        else:
            self._cells[key] = JoinCell.of(self._codec.decode(value, JoinPartial))

    def _restore_segment(self, place: tuple[str, int], number: int, value: bytes | None) -> None:
        if value is not None:
            self._segments[place][number] = value
        elif place in self._segments:
            # All segments of a pane go together, with the pane.
            del self._segments[place]

    def _restore_labels(self, key: bytes, value: bytes | None) -> None:
        model, over_at, *_ = json.loads(key[4:])
        if value is None:
            self._state.labels.expire_pane(model, over_at)
            self._label_segments.pop((model, over_at), None)
        else:
            self._state.labels.load(self._codec.decode(value, EventIds))
            self._label_segments[model, over_at].append(key)


def _facts_key(model: str, start: int, number: int) -> bytes:
    return _FACTS + json.dumps([model, start, number]).encode()
