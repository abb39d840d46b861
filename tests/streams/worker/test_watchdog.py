"""What counts as a fault, and that a fault ends the process."""

import threading
import time
from typing import NoReturn

import pytest

from kedge.streams.worker.watchdog import Limits, Vitals, Watchdog, diagnose
from tests.support.waiting import wait_for


def test_a_worker_that_is_well_has_no_fault() -> None:
    busy = Vitals(loop_silent_s=29, unassigned_s=119, restoring_s=599, uncommitted={"tally 0": 59.0})
    assert diagnose(busy, Limits()) is None


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        (Vitals(crashed=True), "crashed"),
        (Vitals(join_error="KafkaError('x')"), "coordination has failed: KafkaError"),
        (Vitals(loop_silent_s=31), "event loop has not run for 31 s"),
        (Vitals(thread_silent_s=31), "consumer's thread has not run for 31 s"),
        (Vitals(unassigned_s=121), "assigned nothing for 121 s"),
        (Vitals(restoring_s=601), "restored for 601 s"),
        (Vitals(uncommitted={"tally 0": 1.0, "tally 1": 61.0}), "tally 1: work is uncommitted for 61 s"),
        (Vitals(stalled={"judge 2": 61.0}), "judge 2: there is more, but nothing comes for 61 s"),
    ],
)
def test_each_fault_is_said_in_words(vitals: Vitals, said: str) -> None:
    assert said in (diagnose(vitals, Limits()) or "")


class _Ended(Exception):  # noqa: N818 - what happened, not an error
    pass


class Ends:
    """Notes the reason instead of ending the test."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, reason: str, *, code: int = 70) -> NoReturn:
        self.reasons.append(f"{code}: {reason}")
        raise _Ended


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def test_a_fault_makes_the_health_fail_and_then_ends_the_process() -> None:
    ends, failed = Ends(), list[str]()
    Watchdog(lambda: Vitals(join_error="x"), failed=failed.append, die=ends).start()
    wait_for(lambda: ends.reasons, "the end")
    assert failed == ["the group coordination has failed: x"]
    assert ends.reasons == ["70: watchdog: the group coordination has failed: x"]


def test_a_watchdog_that_cannot_look_ends_the_process() -> None:
    def blind() -> Vitals:
        raise RuntimeError("no sight")

    ends = Ends()
    Watchdog(blind, failed=lambda _: None, die=ends).start()
    wait_for(lambda: ends.reasons, "the end")
    assert "no sight" in ends.reasons[0]


def test_a_watchdog_that_was_stopped_looks_no_more() -> None:
    ends, looks = Ends(), list[float]()

    def look() -> Vitals:
        looks.append(time.monotonic())
        return Vitals()

    watchdog = Watchdog(look, failed=lambda _: None, die=ends, limits=Limits(stop_s=3_600))
    watchdog.start()
    wait_for(lambda: looks, "a look")
    watchdog.stop()
    wait_for(lambda: all(thread.name != "watchdog" for thread in threading.enumerate()), "its thread to end")
    assert ends.reasons == []


def test_a_stop_that_does_not_end_is_ended() -> None:
    ends = Ends()
    Watchdog(Vitals, failed=lambda _: None, die=ends, limits=Limits(stop_s=0.05)).stop()
    wait_for(lambda: ends.reasons, "the end")
    assert ends.reasons == ["70: watchdog: still not stopped after 0.05 s"]
