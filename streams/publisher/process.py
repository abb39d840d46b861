"""What happens to the publishers of a process when it forks, ends, or is told to end.

One hook of each kind for all publishers: hooks chained one to another would each wait for the next.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process, util
from types import FrameType
from typing import Protocol

__all__ = ["Member", "dismiss", "enlist", "watch_signals"]


class Member(Protocol):
    """A publisher, as this module sees it."""

    @property
    def running(self) -> bool:
        """Whether it may have rows on their way."""

    def close(self) -> object:
        """Send what is there, wait, end."""

    def hurry(self) -> None:
        """Send what is there; do not wait."""

    def end(self, then: Callable[[], None]) -> None:
        """Send what is there and call `then`; do not wait."""

    def forked(self) -> None:
        """This is a child now: forget what the parent has."""


Handler = Callable[[int, FrameType | None], object]

_members: list[Member] = []
_previous: list[Handler | int] = []  # what SIGTERM did before: one entry while our handler is in place
_finalizers: list[int] = []  # process id, where multiprocessing has been asked to close the publishers at its end


def enlist(member: Member) -> None:
    """Look after a publisher until it is dismissed."""
    _members.append(member)
    watch_signals()


def dismiss(member: Member) -> None:
    """Forget a publisher; the last one takes the signal handler with it."""
    if member in _members:
        _members.remove(member)
    if not _members and _previous and _is_ours() and _in_main_thread():
        signal.signal(signal.SIGTERM, _previous.pop())


def watch_signals() -> None:
    """Put the hooks in place that a fork's child or its framework may have removed."""
    # A child that multiprocessing has forked ends without atexit.
    if parent_process() is not None and os.getpid() not in _finalizers:
        _finalizers[:] = [os.getpid()]
        util.Finalize(None, _close_all, exitpriority=0)
    if not _in_main_thread() or _is_ours():
        return
    previous = signal.getsignal(signal.SIGTERM)
    # None: installed by other means than Python's, and cannot be called. Ignored: the process does not end.
    if previous is None or previous == signal.SIG_IGN:
        return
    _previous[:] = [previous]
    signal.signal(signal.SIGTERM, _on_sigterm)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _is_ours() -> bool:
    return signal.getsignal(signal.SIGTERM) is _on_sigterm


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    """Never waits: the code that it interrupts may be what would have to go on."""
    previous = _previous[0] if _previous else signal.SIG_DFL
    if callable(previous):
        for member in _members.copy():
            member.hurry()
        previous(number, frame)  # it decides; when it ends the process in order, `_close_all` waits
        return
    # Nobody else handles it: the process ends by the signal, as it would have, once the rows are out. A second
    # SIGTERM ends it at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    running = [member for member in _members if member.running]
    pending = list(running)

    def one_less() -> None:
        pending.pop()
        if not pending:
            os.kill(os.getpid(), number)

    for member in running:
        member.end(one_less)
    if not running:
        os.kill(os.getpid(), number)


def _close_all() -> None:
    for member in _members.copy():
        member.close()


def _forked() -> None:
    for member in _members.copy():
        member.forked()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forked)
