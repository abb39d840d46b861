"""One source partition of an owner: how far its state contains it, what comes next, and where it ends."""

from collections.abc import Mapping, Sequence

from faust.types import TP

from kedge.streams.worker.scheduler import Batch, Chain
from kedge.streams.worker.transport import FetchThread

__all__ = ["Source", "positions"]


class Source:
    """See the module. `name`: the logical topic. All is asked on the event loop, `progress` in any thread."""

    def __init__(self, name: str, tp: TP) -> None:
        """Nothing is known, and nothing open."""
        self.name, self.tp = name, tp
        self.committed = -1
        """The last offset that the committed state contains; -1: none."""
        self._chain: Chain | None = None
        self._thread: FetchThread | None = None

    async def open(self, thread: FetchThread, epoch: int) -> None:
        """Read on behind `committed`; raises what `FetchThread.open` does."""
        self._chain = Chain(epoch, self.committed)
        self._thread = thread
        await thread.open(self.tp, self.committed + 1, epoch)

    def takes(self, batch: Batch) -> bool:
        """As `Chain.takes`; a source that is not open takes nothing."""
        return self._chain is not None and self._chain.takes(batch)

    def commit(self, offset: int) -> None:
        """A checkpoint that contains `offset` (-1: nothing) was committed.

        Raises:
            ValueError: it goes back: what lies between would be folded again after a restart.
        """
        if offset < self.committed:
            message = f"the core's position in {self.name} went back from {self.committed} to {offset}"
            raise ValueError(message)
        self.committed = offset

    def progress(self) -> tuple[int, int] | None:
        """The position read to and the log's end, in offsets; None: not known yet."""
        position, end = (None, None) if self._thread is None else self._thread.progress(self.tp)
        return None if position is None or end is None else (position, end)

    @property
    def behind(self) -> int | None:
        """Records that no checkpoint contains; None: not known yet."""
        progress = self.progress()
        if self._thread is None or progress is None:
            return None
        position, end = progress
        # Markers of transactions lie between the last record and the end: once all is committed, count from there.
        done = position if self._thread.last(self.tp) in (-1, self.committed) else self.committed + 1
        return max(0, end - done)

    async def end_in_records(self, end: int) -> int:
        """Where a log that ended at `end` just now ends for a core: a transaction's marker at the end is no record."""
        if self._thread is None or self._chain is None:
            return end
        fetched = await self._thread.last_before(self.tp, end)
        return min(end, max(fetched, self.committed) + 1) if fetched == self._chain.last else end


def positions(committed: Mapping[str, int], sources: Sequence[str]) -> dict[str, int]:
    """The last offset of each source that a state contains, -1 for none.

    A core that names its sources otherwise would be read from the start after every restart: that is a fault of
    ours, and must not look like an empty state.

    >>> positions({"predictions": 7}, ("predictions", "outcomes"))
    {'predictions': 7, 'outcomes': -1}

    Raises:
        ValueError: there is a position of something else.
    """
    if not committed.keys() <= set(sources):
        message = f"the core's position is of {sorted(committed)}, its sources are {', '.join(sources)}"
        raise ValueError(message)
    return {source: committed.get(source, -1) for source in sources}
