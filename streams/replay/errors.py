"""What a replay refuses."""

__all__ = ["ReplayError"]


class ReplayError(ValueError):
    """What was asked for cannot be replayed; the message says why and what would do."""
