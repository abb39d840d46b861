"""What a worker does about the signals that stop it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def leave_signals_to_main() -> None:
    """Let the main thread have them, which may be holding them back; called first in any other thread."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextmanager
def noting_signals() -> Iterator[threading.Event]:
    """Until Faust takes over, a signal sets the event, which ends all waiting.

    Enter it before anything else: in a container the worker is process 1, for which Linux drops a SIGTERM that has no
    handler yet, and whatever stops the worker would wait until its patience ends.
    """
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
