"""What is said about a signal or a window: a closed, ordered set."""

from enum import IntEnum, StrEnum


class Verdict(IntEnum):
    """Decided in this order: whether it can be judged at all comes before how it is.

    >>> max(Verdict.STABLE, Verdict.WARNING)
    <Verdict.WARNING: 3>
    >>> str(Verdict.STABLE)
    'STABLE'
    """

    INVALID = 0
    """It cannot be judged, and more data would not help: the reason says why."""
    INSUFFICIENT = 1
    """There is too little to judge by."""
    STABLE = 2
    WARNING = 3
    DRIFTED = 4

    def __str__(self) -> str:
        """Its name, as in a report."""
        return self.name

    @property
    def judged(self) -> bool:
        """Whether it says anything about the data."""
        return self >= Verdict.STABLE


class Cause(StrEnum):
    """Where a shift seems to come from."""

    NONE = "NONE"
    """Nothing drifted, or nothing was judged."""
    PIPELINE = "PIPELINE"
    """Values are missing, invalid, unseen or out of the baseline's range: look upstream."""
    DISTRIBUTION = "DISTRIBUTION"
    """Known values come in other shares: the world changed."""
    UNKNOWN = "UNKNOWN"
    """A shift that its parts do not explain; better said than guessed."""
