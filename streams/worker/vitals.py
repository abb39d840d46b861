"""Take a worker's pulse, from the watchdog's thread."""

import asyncio
import time
from collections.abc import Callable

from kedge.streams.worker.owners import Owners
from kedge.streams.worker.watchdog import Vitals


class Pulse:
    """Whether an event loop still runs: it is asked to say so, and remembers when it last did."""

    def __init__(self) -> None:
        self._beat_s = time.monotonic()
        self._asked = False

    def silent_s(self, loop: asyncio.AbstractEventLoop) -> float:
        """For how long `loop` has owed an answer; asks again when it has given one."""
        if not self._asked:
            self._asked, self._beat_s = True, time.monotonic()
            loop.call_soon_threadsafe(self._beat)
        return time.monotonic() - self._beat_s

    def _beat(self) -> None:
        self._asked = False


class Examiner:
    """Looks at the owners, and through them at Faust's thread; `crashed` says whether Faust has given up."""

    def __init__(self, owners: Owners, loop: asyncio.AbstractEventLoop, crashed: Callable[[], bool]) -> None:
        """Remember where to look."""
        self._owners, self._loop, self._crashed = owners, loop, crashed
        self._loop_pulse, self._thread_pulse = Pulse(), Pulse()
        self._positions: dict[str, tuple[int, float]] = {}

    def __call__(self) -> Vitals:
        """What can be seen now."""
        owners, thread = self._owners, self._owners.consumer_thread  # there before it runs, and before it has joined
        return Vitals(
            crashed=self._crashed(),
            join_error=None if thread is None else thread.join_error(),
            loop_silent_s=self._loop_pulse.silent_s(self._loop),
            thread_silent_s=0.0 if thread is None else self._thread_pulse.silent_s(thread.thread_loop),
            unassigned_s=0.0 if owners.is_assigned else owners.unsettled_s,
            restoring_s=owners.unsettled_s if owners.is_assigned else 0.0,
            uncommitted={owner.name: owner.waiting_s for owner in owners.owners},
            stalled=self._stalled(),
        )

    def _stalled(self) -> dict[str, float]:
        """By source partition, for how long the position has stood still before the log's end."""
        now = time.monotonic()
        positions: dict[str, tuple[int, float]] = {}
        for owner in () if self._owners.held_up else self._owners.owners:  # it waits, and says so
            for source in owner.sources if owner.counting else ():
                position, end = source.progress() or (0, 0)
                if position < end:
                    name = f"{owner.name}, {source.name}"
                    before, since = self._positions.get(name, (-1, now))
                    positions[name] = (position, since if position == before else now)
        self._positions = positions
        return {name: now - since for name, (_, since) in positions.items()}
