"""The tally's second pass: accepted rows into cells, many at a time."""

from collections.abc import Sequence

from kedge.schemas.hashing import keyed_hash
from kedge.streams.core.cells import DUPLICATES_POSSIBLE, Cell, CellKey
from kedge.streams.core.columns import Columns
from kedge.streams.core.counting import count_groups
from kedge.streams.core.meter import Meter, Stream
from kedge.streams.core.pending import Pending
from kedge.streams.core.plan import Plan
from kedge.streams.core.senders import add_sender, count_senders
from kedge.streams.core.spans import in_few_panes
from kedge.streams.core.tally_state import TallyState
from kedge.streams.core.tally_store import TallyStore
from kedge.streams.core.unseen import add_stranger, find_strangers

__all__ = ["SecondPass"]


class SecondPass:
    """Counts what the first pass has accepted, a few panes of one (stream, plan) at a time."""

    def __init__(self, hash_key: bytes, state: TallyState, store: TallyStore, meter: Meter) -> None:
        self._hash_key = hash_key
        self._state = state
        self._store = store
        self._meter = meter

    def count(self, pending: Pending) -> None:
        """Count everything pending, and drop what no later row can change."""
        # Duplicates can no longer be told from new events: whatever is counted says so.
        full = self._state.ids.full
        for (stream, plan), parts in pending.groups().items():
            doubtful = pending.panes_of_singles(stream, plan) if full else frozenset[int]()
            for piece in in_few_panes(parts, plan.windows.pane_ms):
                counted = self._count_piece(stream, plan, piece, doubtful)
                # These alone: others may still wait for rows that were accepted before time went on.
                self._state.expire(self._store.partial, counted)
        self._state.expire(self._store.partial)

    def _count_piece(
        self, stream: Stream, plan: Plan, parts: Sequence[Columns], doubtful: frozenset[int]
    ) -> list[CellKey]:
        """Count rows of some panes; returns their cells, which no other piece counts into."""
        keys = []
        panes: dict[int, Cell] = {}
        for segment, pane, counted in count_groups(plan, parts):
            cell = self._state.cell(stream, segment, plan, pane)
            cell.merge(counted)
            keys.append(CellKey(*stream, segment, *plan.hashes, pane))
            if not segment:
                panes[pane] = cell
                self._meter.counted(stream, counted)
                cell.flags |= DUPLICATES_POSSIBLE if pane in doubtful else 0
        for pane, producer, rows in count_senders(parts, panes, plan.windows.pane_ms):
            add_sender(panes[pane], self._hash_of(producer), rows)
        for stranger in find_strangers(plan, parts):
            cell = self._state.cell(stream, "", plan, stranger.pane_start)
            add_stranger(cell, stranger, self._hash_of)
        return keys

    def _hash_of(self, name: str) -> int:
        """A signed 64-bit hash of a name that only this deployment can tie to it."""
        digest = keyed_hash(self._hash_key, name.encode("utf-8", "surrogatepass"))
        return int.from_bytes(bytes.fromhex(digest)[:8], "little", signed=True)
