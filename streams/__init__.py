"""The streaming shell and the pure streaming core beneath it."""
