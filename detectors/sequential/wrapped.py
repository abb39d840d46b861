"""river's detectors behind our protocol: an alarm is an answer, not an attribute to be asked for."""

from collections.abc import Callable
from typing import Protocol


class RiverDetector(Protocol):
    """What we use of them. After an alarm they start anew by themselves, with the next value."""

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""

    def update(self, x: float) -> object:
        """See one more value."""


class Wrapped:
    """One of river's detectors."""

    def __init__(self, make: Callable[..., RiverDetector], least: int, **parameters: float) -> None:
        """A new one.

        Args:
            make: its class.
            least: values that it needs before it can raise an alarm.
            parameters: for its class.
        """
        self._detector = make(**parameters)
        self._least = least
        self._seen = 0

    @property
    def warmed(self) -> bool:
        """Whether it has seen enough, since it started, to raise an alarm."""
        return self._seen >= self._least

    def update(self, value: float) -> bool:
        """Whether the sequence has changed, seen from this value."""
        self._detector.update(value)
        alarm = self._detector.drift_detected
        self._seen = 0 if alarm else self._seen + 1
        return alarm
