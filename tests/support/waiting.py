"""Wait for a condition instead of for a time: a test that sleeps a fixed time is slow or flaky, or both."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.05


def wait_for(condition: Callable[[], T], what: str, *, timeout_s: float = 90.0, poll_s: float = POLL_S) -> T:
    """Poll `condition` until it returns something true, and return that.

    Raises:
        TimeoutError: nothing true came within `timeout_s`; the message names `what` and the last value seen.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            message = f"waited {timeout_s:g} s for {what}; last seen: {value!r}"
            raise TimeoutError(message)
        time.sleep(poll_s)
