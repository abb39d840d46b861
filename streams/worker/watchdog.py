"""Find a worker that looks alive and counts nothing, and end it.

The thread that looks must not depend on what it looks at: it is a daemon thread of its own, not a task of Faust
(those start only after everything that can get stuck at the start has gone well).
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kedge.streams.events import FAULT, STOOD_STILL
from kedge.streams.worker.exits import LOG, Die

PERIOD_S = 1.0

SUSPENDED_S = 5.0
"""A look that comes so much too late: not the worker stood still, but the whole process (SIGSTOP, a laptop's lid)."""

GRACE_S = 10.0
"""After that, how long the worker has to find out for itself what has become of its partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What can be seen of a worker from outside; durations in seconds.

    `uncommitted` is by partition: how long work has waited to be committed. `stalled` is by source partition: how
    long nothing was fetched though there is more.
    """

    crashed: bool = False
    join_error: str | None = None
    loop_silent_s: float = 0.0
    thread_silent_s: float = 0.0
    unassigned_s: float = 0.0
    restoring_s: float = 0.0
    uncommitted: Mapping[str, float] = field(default_factory=dict)
    stalled: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on it is a fault. Each is well above what a rebalance, a large fold or a broker's restart takes."""

    loop_s: float = 30.0
    unassigned_s: float = 120.0
    restoring_s: float = 600.0
    uncommitted_s: float = 60.0
    stalled_s: float = 60.0
    stop_s: float = 60.0


def diagnose(vitals: Vitals, limits: Limits) -> str | None:
    """The first thing that is wrong, in words; None: nothing.

    >>> diagnose(Vitals(), Limits()) is None
    True
    >>> diagnose(Vitals(loop_silent_s=31), Limits())
    'the event loop has not run for 31 s'
    """
    if vitals.crashed:
        return "Faust has crashed"
    if vitals.join_error is not None:
        return f"the group coordination has failed: {vitals.join_error}"
    durations = [
        (vitals.loop_silent_s, limits.loop_s, "the event loop has not run"),
        (vitals.thread_silent_s, limits.loop_s, "the consumer's thread has not run"),
        (vitals.unassigned_s, limits.unassigned_s, "the group has assigned nothing"),
        (vitals.restoring_s, limits.restoring_s, "the state has been restored"),
        *(
            (seconds, limits.uncommitted_s, f"{name}: work is uncommitted")
            for name, seconds in vitals.uncommitted.items()
        ),
        *(
            (seconds, limits.stalled_s, f"{name}: there is more, but nothing comes")
            for name, seconds in vitals.stalled.items()
        ),
    ]
    for seconds, limit, words in durations:
        if seconds > limit:
            return f"{words} for {seconds:.0f} s"
    return None


class Watchdog:
    """Looks once a second. `examine` returns the vitals, from any thread; `failed` is told before the end (health)."""

    def __init__(
        self, examine: Callable[[], Vitals], *, failed: Callable[[str], None], die: Die, limits: Limits | None = None
    ) -> None:
        """Look at nothing yet."""
        self._examine, self._failed, self._die = examine, failed, die
        self._limits = limits or Limits()
        self._stop = threading.Event()

    def start(self) -> None:
        """Look from now on."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """The worker is stopping on purpose: look no more, but see to it that it ends."""
        self._stop.set()
        stop_s = self._limits.stop_s
        end = threading.Timer(stop_s, self._die, (f"watchdog: still not stopped after {stop_s:g} s",))
        end.daemon = True
        end.start()

    def _watch(self) -> None:
        looked = excused = time.monotonic()
        while not self._stop.wait(PERIOD_S):
            now = time.monotonic()
            if now - looked > PERIOD_S + SUSPENDED_S:
                STOOD_STILL.tell(
                    LOG, f"the process stood still for {now - looked:.0f} s", seconds=round(now - looked, 1)
                )
                excused = now + GRACE_S
            looked = now
            self._look(excused=now < excused)

    def _look(self, *, excused: bool) -> None:
        try:
            vitals = self._examine()
        except Exception as error:  # noqa: BLE001 - a watchdog that cannot see is no watchdog
            FAULT.tell(LOG, "the watchdog cannot look", error)
            self._die(f"the watchdog cannot look: {error!r}")
        wrong = diagnose(vitals, self._limits)
        if wrong is not None and not excused and not self._stop.is_set():
            self._failed(wrong)
            self._die(f"watchdog: {wrong}")
