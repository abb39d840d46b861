"""The state of a detector is the values that it has seen since it started: plain data, from which it is built again.

At most `SERIES_MAX` values are kept. One more, and the detector starts anew with the newest half of them: what lies
further back no longer counts. If it finds an alarm among these, which it raised for none of them before, it starts
behind that one, without a word. Both depend on the values alone.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from kedge.detectors.sequential.adwin import adwin
from kedge.detectors.sequential.kswin import kswin
from kedge.detectors.sequential.page_hinkley import page_hinkley
from kedge.detectors.sequential.spec import DetectorSpec, SequentialDetector, SequentialKind

SERIES_MAX: Final = 1_000

CATALOGUE: Final[Mapping[SequentialKind, Callable[[DetectorSpec], SequentialDetector]]] = MappingProxyType(
    {
        SequentialKind.ADWIN: adwin,
        SequentialKind.PAGE_HINKLEY: page_hinkley,
        SequentialKind.KSWIN: kswin,
    }
)


@dataclass(frozen=True, slots=True)
class SequentialState:
    """All that a detector knows."""

    series: tuple[float, ...] = ()
    """Values since it started, oldest first; fed to a new detector they raise no alarm."""


class Sequence:
    """A detector in use, that can be put down and taken up at any value.

    >>> spec = DetectorSpec(kind=SequentialKind.PAGE_HINKLEY, threshold=1.0)
    >>> sequence = Sequence(spec)
    >>> any([sequence.update(0.5) for _ in range(60)])
    False
    >>> taken_up = Sequence(spec, sequence.state)
    >>> [taken_up.update(0.8) for _ in range(4)]
    [False, False, False, True]
    >>> taken_up.state
    SequentialState(series=())
    """

    def __init__(self, spec: DetectorSpec, state: SequentialState | None = None) -> None:
        """Take up a state, or start.

        Args:
            spec: the detector.
            state: of a sequence with the same spec.

        Raises:
            ValueError: parameters that this kind does not take.
        """
        self._spec = spec
        self._start_with(() if state is None else state.series)

    @property
    def state(self) -> SequentialState:
        """What it knows now."""
        return SequentialState(tuple(self._series))

    @property
    def warmed(self) -> bool:
        """Whether the detector has seen enough to raise an alarm."""
        return self._detector.warmed

    def update(self, value: float) -> bool:
        """Whether the sequence has changed, seen from this value.

        Raises:
            ValueError: NaN or infinite.
        """
        if not math.isfinite(value):
            message = f"a sequence takes finite values, not {value}"
            raise ValueError(message)
        if len(self._series) == SERIES_MAX:
            self._start_with(self._series[SERIES_MAX // 2 :])
        return self._feed(value)

    def _start_with(self, values: Iterable[float]) -> None:
        self._series: list[float] = []
        self._detector = CATALOGUE[self._spec.kind](self._spec)
        for value in values:
            self._feed(value)

    def _feed(self, value: float) -> bool:
        self._series.append(value)
        alarm = self._detector.update(value)
        if alarm:
            self._series = []
        return alarm


def fold(spec: DetectorSpec, state: SequentialState, value: float) -> tuple[SequentialState, bool]:
    """The state with one more value, and whether that raised an alarm; as `Sequence`, built anew each time.

    Raises:
        ValueError: NaN or infinite, or parameters that this kind does not take.
    """
    sequence = Sequence(spec, state)
    alarm = sequence.update(value)
    return sequence.state, alarm
