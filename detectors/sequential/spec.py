"""What every detector on a sequence answers, and how one is asked for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SequentialKind(StrEnum):
    """The detectors there are."""

    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"
    KSWIN = "kswin"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """A detector and its parameters; None: river's default. Which kind takes which is in its own file."""

    kind: SequentialKind
    delta: float | None = None
    threshold: float | None = None
    alpha: float | None = None

    def given(self, *names: str) -> dict[str, float]:
        """The parameters that are set.

        Args:
            names: those that this kind takes.

        Raises:
            ValueError: another one is set.
        """
        parameters = {"delta": self.delta, "threshold": self.threshold, "alpha": self.alpha}
        found = {name: value for name, value in parameters.items() if value is not None}
        if not found.keys() <= set(names):
            message = f"{self.kind} takes {', '.join(names)}, not {', '.join(sorted(found.keys() - set(names)))}"
            raise ValueError(message)
        return found


class SequentialDetector(Protocol):
    """Sees one value after the other, finite ones only, and starts anew after an alarm."""

    @property
    def warmed(self) -> bool:
        """Whether it has seen enough, since it started, to raise an alarm."""

    def update(self, value: float) -> bool:
        """Whether the sequence has changed, seen from this value."""
